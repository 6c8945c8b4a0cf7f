"""What fxtorch says of names that it lacks, in this process."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

import fxtorch as torch
from fxtorch.interop.alias import real_name
from fxtorch.interop.lacking import Record, explain, near
from fxtorch.interop.scan import scan_source
from tests.running import ROOT, python


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


ABSENT = """
import importlib.util
import typing
import torch
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP, MixedPrecisionPolicy, ShardingStrategy
from torch.distributed.fsdp.wrap import transformer_auto_wrap_policy
from torch.distributed import rpc
assert not isinstance(torch.nn.Linear(1, 1), FSDP) and ShardingStrategy.FULL_SHARD is ShardingStrategy.FULL_SHARD
def annotated(n: torch.SymInt | int) -> FSDP | None: ...
class Ours(FSDP): ...
@rpc.functions.async_execution
def kept(): return 3
assert kept() == 3 and importlib.util.find_spec("torch.export") is None
for use in (lambda: get_model_state_dict(1, 2), FSDP, lambda: rpc.init_rpc("a", rank=0)):
    try:
        use()
    except NotImplementedError as error:
        assert "fxtorch lacks it" in str(error)
    else:
        raise AssertionError(use)
try:
    torch.cuda.memory_allocatd
except AttributeError as error:
    assert "module 'torch.cuda'" in str(error) and "near names: memory_allocated" in str(error)
for owner in (torch.nn.Module, torch.optim.Optimizer):
    typing.get_type_hints(owner)
"""


def test_what_libraries_import_and_seldom_use_raises_where_it_is_used() -> None:
    ran = python("-m", "fxtorch", "-c", ABSENT, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    listed = python("-m", "fxtorch", "--missing", "-c", "from torch.distributed.rpc import init_rpc", cwd=ROOT)
    assert listed.returncode == 3 and "torch.distributed.rpc.init_rpc" in listed.stderr


def test_names_that_differ_in_case_alone_are_all_near() -> None:
    assert near("DataLoder", ["DataLoader", "dataloader", "Dataset"])[:2] == ["DataLoader", "dataloader"]


def test_is_instance_looks_into_containers() -> None:
    check = torch.jit.isinstance
    assert check([1, 2], list[int]) and not check([1, "a"], list[int]) and check({"a": [1]}, dict[str, list[int]])
    assert check(None, int | None) and check((1, "a"), tuple[int, str]) and not check((1,), tuple[int, str])


def test_a_profile_is_written_for_chrome(tmp_path) -> None:
    with torch.profiler.profile() as prof, torch.profiler.record_function("step"):
        torch.ones(2)
    prof.export_chrome_trace(str(tmp_path / "trace.json"))
    (event,) = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert event["name"] == "step" and event["dur"] > 0


def test_hooks_on_all_modules_are_where_torch_has_them() -> None:
    inner: Any = torch.nn.modules.module
    seen: list[Any] = []
    handle = inner.register_module_forward_hook(lambda module, args, output: seen.append(type(module)))
    torch.nn.Sequential(torch.nn.ReLU())(torch.ones(1))
    handle.remove()
    torch.nn.ReLU()(torch.ones(1))
    assert seen == [torch.nn.ReLU, torch.nn.Sequential]


def test_the_arguments_of_to_are_read_as_by_torch() -> None:
    read = torch._C._nn._parse_to
    assert read("cpu", torch.float16, True) == (torch.device("cpu"), torch.float16, True, None)
    assert read(torch.ones(1, dtype=torch.float64))[1] is torch.float64
    assert read(device="cpu", non_blocking=True) == (torch.device("cpu"), None, True, None)
