"""What fxtorch says of names that it lacks, in this process."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import fxtorch as torch
from fxtorch.interop.alias import real_name
from fxtorch.interop.lacking import Record, explain
from fxtorch.interop.scan import scan_source


def test_a_module_that_explains_itself_still_has_its_own_lazy_names() -> None:
    module = ModuleType("m")
    module.__dict__["__getattr__"] = lambda name: {"lazy": 3}[name] if name == "lazy" else _raise(name)
    explain(module, "torch.m")
    assert module.lazy == 3
    with pytest.raises(AttributeError, match=r"module 'torch\.m' has no attribute 'lazi': fxtorch lacks it"):
        _ = module.lazi


def _raise(name: str) -> None:
    raise AttributeError(name)


def test_a_scan_follows_import_names_and_passes_over_guarded_ones() -> None:
    found = Record()
    scan_source(
        "import torch.nn.functional as G\nfrom torch import nn as layers\nG.relu, G.rellu\nlayers.Linear.weightless\n"
        "try:\n    from torch import nothing\nexcept ImportError:\n    pass\nimport numpy\nnumpy.quark\n",
        "program.py",
        found,
    )
    assert set(found.places) == {"torch.nn.functional.rellu", "torch.nn.Linear.weightless"}
    assert found.places["torch.nn.functional.rellu"] == "program.py:3"
    assert "relu" in found.hints["torch.nn.functional.rellu"]


@pytest.mark.parametrize(
    ("public", "real"),
    [
        ("torch", "fxtorch"),
        ("torch.nn.modules.conv", "fxtorch.nn.modules.conv"),
        ("torchvision.ops", "fxtorch.vision.ops"),
        ("torchaudio", "fxtorch.audio"),
        ("torchmetrics", None),
        ("torch._C", "fxtorch.interop.names.c"),
    ],
)
def test_names_of_the_family_are_known(public: str, real: str | None) -> None:
    assert real_name(public) == real


def test_names_that_programs_import_from_inner_modules_are_there() -> None:
    inner: Any = torch
    assert inner.nn.modules.conv.Conv2d is torch.nn.Conv2d
    assert inner.utils.data.dataset.Dataset is torch.utils.data.Dataset
    assert inner.optim.optimizer.Optimizer is torch.optim.Optimizer
    assert inner.optim.lr_scheduler._LRScheduler is torch.optim.lr_scheduler.LRScheduler
    assert torch.nn.common_types._size_2_t == (int | tuple[int, int])
    assert isinstance(torch.ones(1).dtype, torch.types._dtype) and torch.types.Number == (int | float | bool)
    assert torch.storage.UntypedStorage is torch.UntypedStorage
    assert not torch.accelerator.is_available() or torch.accelerator.current_accelerator() is not None


def test_the_hub_loads_local_entry_points_and_downloads_nothing(tmp_path) -> None:
    (tmp_path / "hubconf.py").write_text("dependencies = ['numpy']\ndef small(n=1):\n    'Small.'\n    return [n]\n")
    assert torch.hub.load(str(tmp_path), "small", n=2, source="local") == [2]
    assert torch.hub.list(str(tmp_path)) == ["small"] and torch.hub.help(str(tmp_path), "small") == "Small."
    with pytest.raises(RuntimeError, match="downloads nothing"):
        torch.hub.load("somebody/repository", "small")
    torch.save({"w": torch.ones(2)}, tmp_path / "w.pth")
    assert torch.hub.load_state_dict_from_url(f"file://{tmp_path}/w.pth")["w"].sum() == 2
    with pytest.raises(RuntimeError, match=r"fetch https://example\.org/w\.pth and put it at"):
        torch.utils.model_zoo.load_url("https://example.org/w.pth", model_dir=str(tmp_path / "none"))


def test_exporting_to_onnx_says_what_to_do_instead() -> None:
    with pytest.raises(torch.onnx.OnnxExporterError, match="functional_call"):
        torch.onnx.export(torch.nn.Linear(1, 1), torch.ones(1, 1), "m.onnx")


def test_foreach_functions_are_the_functions_of_each() -> None:
    a = [torch.ones(2), torch.zeros(3)]
    torch._foreach_mul_(a, 3.0)
    torch._foreach_addcdiv_(a, [torch.ones(2), torch.ones(3)], [torch.full((2,), 2.0), torch.full((3,), 4.0)], value=2)
    assert a[0].tolist() == [4.0, 4.0] and a[1].tolist() == [0.5] * 3
    assert [t.item() for t in torch._foreach_norm(a)] == pytest.approx([32**0.5, 0.75**0.5])


def test_a_profile_times_the_blocks_that_have_names() -> None:
    with torch.profiler.profile(schedule=torch.profiler.schedule(wait=1, warmup=0, active=1)) as prof:
        for _ in range(2):
            with torch.profiler.record_function("step"):
                torch.ones(2)
            prof.step()
    (event,) = prof.key_averages()
    assert event.key == "step" and event.count == 1 and event.cpu_time_total > 0
    assert "step" in prof.key_averages().table()
