"""``python -m fxtorch``: somebody's program, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fxtorch.__main__ import parser, split
from tests.running import ROOT, python


def run(*args: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return python("-m", "fxtorch", *args, cwd=folder or ROOT, env=env)


PROGRAM = """
import importlib.util, json, pickle, sys
import scipy.stats, sklearn.linear_model, matplotlib, orbax.checkpoint
import torch, torch.nn as nn, torch.nn.functional as F, torch.utils.data, beside
from torch.optim.lr_scheduler import StepLR, _LRScheduler
from torch.utils.data.dataset import Dataset
from torch.nn.modules.utils import _pair
from torch.nn.modules.batchnorm import _BatchNorm
from torch.backends import cudnn
import torch.jit
from torch.jit import Final
import fxtorch
if torch._C._get_tracing_state() is None and F is torch.nn.functional:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)
        def forward(self, x):
            return self.layer(x)
net = Net()
torch.save(net, sys.argv[2])
again = torch.load(sys.argv[2], weights_only=False)
def attempt(fn):
    try:
        return str(fn())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
print(json.dumps({
    "name": __name__, "argv": sys.argv[1:], "file": __file__, "path": sys.path[0], "beside": beside.x,
    "same": torch is fxtorch and torch.nn is fxtorch.nn, "spec": torch.__spec__.name,
    "probe": importlib.util.find_spec("torch").name, "absent": importlib.util.find_spec("torch.quark") is None,
    "class": [type(again).__module__, type(again) is Net], "real": sorted(
        m.__name__ for m in list(sys.modules.values()) if "site-packages/torch/" in (getattr(m, "__file__", "") or "")),
    "attribute": attempt(lambda: torch.nn.Linea), "module": attempt(lambda: __import__("torch.quark")),
    "from": attempt(lambda: exec("from torch.nn import Conv2D")), "hasattr": hasattr(torch, "quark"),
}))
torch.ones(2).reshap(2)
"""


def test_a_program_runs_as_python_would_run_it(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "beside.py").write_text("x = 7")
    ran = run(str(tmp_path / "program.py"), "--missing", str(tmp_path / "net.pt"), folder=tmp_path.parent)
    assert ran.stdout, ran.stderr
    found = json.loads(ran.stdout)
    assert found.pop("argv") == ["--missing", str(tmp_path / "net.pt")]
    assert found.pop("file") == str(tmp_path / "program.py")
    assert found.pop("path") == str(tmp_path)
    assert found.pop("attribute") == (
        "AttributeError: module 'torch.nn' has no attribute 'Linea': fxtorch lacks it; near names: Linear, Bilinear"
    )
    assert "No module named 'torch.quark': module 'torch' has no attribute 'quark'" in found.pop("module")
    assert "cannot import name 'Conv2D'" in (message := found.pop("from")) and "near names: Conv2d" in message
    assert found == {
        "name": "__main__", "beside": 7, "same": True, "spec": "fxtorch", "probe": "fxtorch", "absent": True,
        "class": ["__main__", True], "real": [], "hasattr": False,
    }  # fmt: skip
    assert ran.returncode == 1, "the last line of the program raises"
    assert "'Tensor' object has no attribute 'reshap': fxtorch lacks it; near names: reshape" in ran.stderr


MISSING = """
import torch
from torch.quark import charm
import torch.nn as nn
class Layer(nn.Modul):
    pass
try:
    import torch.flavour
except ImportError:
    pass
hasattr(torch, "asked_only")
nn.Linear(2, 2)
torch.ones(2).reshap(2)
raise SystemExit(0)
torch.never_reached(1)
"""


def test_a_programs_annotations_are_evaluated_as_python_does_it(tmp_path: Path) -> None:
    program = "def f(x: int): pass\nprint(f.__annotations__['x'] is int)"
    (tmp_path / "program.py").write_text(program)
    for how in (("program.py",), ("-c", program), ("-m", "program")):
        assert run(*how, folder=tmp_path).stdout.strip() == "True"


def test_all_missing_names_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(MISSING)
    ran = run("--missing", str(tmp_path / "program.py"))
    assert ran.returncode == 3
    for name, line in {
        "torch.quark": 3, "torch.quark.charm": 3, "torch.nn.Modul": 5, "torch.Tensor.reshap": 13,
        "torch.never_reached": 15,
    }.items():  # fmt: skip
        assert any(row.split()[:1] == [name] and f"program.py:{line}" in row for row in ran.stderr.splitlines()), (
            name,
            ran.stderr,
        )
    assert "asked_only" not in ran.stderr and "nn.Linear" not in ran.stderr


JIT = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
    def forward(self, x):
        return self.layer(x).relu()
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with torch.no_grad():
    net.layer.weight.fill_(1.0)
for _ in range(12):
    optimizer.zero_grad()
    loss = (net(torch.ones(2, 3)) ** 2).mean()
    loss.backward()
    optimizer.step()
assert loss.item() < 1e-2, loss
from fxtorch.interop.jit_everything import _compiled
(program,) = _compiled.values()
assert 1 <= program.traces <= 2 and program.name == "Net", program.reasons
"""


def test_with_jit_an_outermost_module_is_one_program(tmp_path: Path) -> None:
    ran = run("--jit", "-c", JIT)
    assert ran.returncode == 0, ran.stderr


WORKERS = """
import torch
from torch.utils.data import DataLoader, Dataset
class Squares(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return torch.tensor(float(i)) ** 2
def work(rank, path):
    import torch.nn.functional as F
    torch.save(F.relu(torch.tensor(-1.0 + 3 * rank)), f"{path}/{rank}.pt")
if __name__ == "__main__":
    import sys, torch.multiprocessing as mp
    print([x.tolist() for x in DataLoader(Squares(), batch_size=2, num_workers=1)])
    mp.spawn(work, args=(sys.argv[1],), nprocs=1)
    print(torch.load(f"{sys.argv[1]}/0.pt").item())
"""


def test_spawned_workers_know_torch_too(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(WORKERS)
    ran = run(str(tmp_path / "program.py"), str(tmp_path), folder=tmp_path)
    assert ran.stdout.split("\n")[:2] == ["[[0.0, 1.0], [4.0, 9.0]]", "0.0"], ran.stderr


@pytest.mark.parametrize(
    ("argv", "module", "code", "rest"),
    [
        (["--jit", "train.py", "--lr", "1", "-m"], None, None, ["train.py", "--lr", "1", "-m"]),
        (["-m", "pkg.train", "--help"], "pkg.train", None, ["--help"]),
        (["-c", "print()", "-c"], None, "print()", ["-c"]),
    ],
)
def test_options_behind_the_program_are_the_programs(
    argv: list[str], module: str | None, code: str | None, rest: list[str]
) -> None:
    options = parser().parse_args(split(argv))
    assert (options.module, options.code) == (module, code)
    assert [a for a in options.rest if a != "--"] == rest
    assert options.jit is ("--jit" in argv)


def test_a_script_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    absent, empty = run("absent.py", folder=tmp_path), run(str(tmp_path))
    assert absent.returncode == empty.returncode == 2
    assert absent.stderr.splitlines()[-1] == (
        f"python -m fxtorch: can't open file '{tmp_path / 'absent.py'}': [Errno 2] No such file or directory"
    )
    assert empty.stderr.splitlines()[-1] == f"python -m fxtorch: can't find '__main__' module in '{tmp_path}'"


def test_a_folder_runs_as_its_main_file(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import sys\nprint(repr(__package__), __name__, sys.path[0])")
    assert run(str(tmp_path)).stdout == f"'' __main__ {tmp_path}\n"


def test_help_names_every_option_and_shows_examples() -> None:
    text = parser().format_help()
    options = ("--jit", "--missing", "--stand-ins", "-m MODULE", "-c CODE", "SCRIPT [ARGS]", "examples:")
    assert all(word in text for word in options)


PROBES = """
import importlib.metadata as metadata, json
import torch, torch.__config__, torch.distributed.nn
from torch import TensorType
from torch.serialization import DEFAULT_PROTOCOL
assert torch.torch is torch and torch.__name__ == "torch"
assert "XLA" in torch.__config__.show() and isinstance(TensorType, type)
from torch._subclasses.fake_tensor import is_fake
from torch.distributed._functional_collectives import wait_tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.utils import _pytree
from torch.utils.data.dataloader import DataLoader, _BaseDataLoaderIter
assert isinstance(iter(DataLoader([1, 2])), _BaseDataLoaderIter)
from torch._tensor_str import PRINT_OPTS, _add_suffixes, _tensor_str
assert get_proxy_mode() is None and PRINT_OPTS.edgeitems == 3
assert _add_suffixes("Mine(" + _tensor_str(torch.ones(2), 5), ["size=2"], 5, False) == "Mine([1., 1.], size=2)"
x = torch.arange(6.0).reshape(2, 3)
assert not is_fake(x) and wait_tensor(x) is x and not torch.cuda._initialized
aten = torch.ops.aten
assert aten.slice(x, 1, 1, 3).tolist() == x[:, 1:3].tolist() and aten.alias(x).tolist() == x.tolist()
assert aten.index(x, [None, torch.tensor([2])]).tolist() == [[2.0], [5.0]]
assert aten.add.Tensor is aten.add.Tensor and aten.add.Tensor(x, x).tolist() == (x + x).tolist()
assert aten._to_copy.default and not hasattr(aten, "no_such_operator")
class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b
_pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda children, context: Pair(*children))
assert _pytree.tree_leaves({"k": Pair(1, [2])}) == [1, 2]
assert _pytree.tree_map(lambda v: v + 1, Pair(1, [2])).b == [3]
assert not hasattr(torch, "functools"), "what the stand-in for torch._C imports is no name of torch's"
print(json.dumps([metadata.version("torch"), metadata.metadata("torch")["Name"], DEFAULT_PROTOCOL,
    "torch" in metadata.packages_distributions()["torch"], torch.__version__]))
"""


def test_libraries_that_ask_which_torch_is_installed_are_told() -> None:
    ran = run("-c", PROBES)
    assert ran.returncode == 0, ran.stderr
    version, name, protocol, listed, torch_version = json.loads(ran.stdout)
    assert (name, protocol, listed) == ("torch", 2, True) and version == torch_version
