"""Modules of torch's that have another home here are imported by torch's names."""

from __future__ import annotations

from tests.running import python

PROGRAM = """
import torch
from torch.cuda.amp import GradScaler, autocast
from torch.nn.parallel.parallel_apply import parallel_apply
from torch.nn.parallel.scatter_gather import gather, scatter
import torch.distributed.distributed_c10d, torch.cuda.random, torch.profiler.profiler
import torch.cpu.amp

assert torch.nn.parallel.parallel_apply is parallel_apply
layer = torch.nn.Linear(2, 2)

@autocast(enabled=False)
def run(x):
    return layer(x)

assert run(torch.ones(1, 2)).dtype is torch.float32
with torch.cpu.amp.autocast():
    assert layer(torch.ones(1, 2)).dtype is torch.bfloat16
assert not GradScaler(enabled=False).is_enabled()
try:
    import torch.cuda.no_such_module
except ModuleNotFoundError as error:
    print(error)
"""


def test_submodules_import_under_torch_s_names_and_a_lacking_one_says_so() -> None:
    ran = python("-m", "fxtorch", "-c", PROGRAM)
    assert ran.returncode == 0, ran.stderr
    assert "fxtorch lacks it" in ran.stdout


HOMES = """
import torch
from torch._lowrank import svd_lowrank
from torch._C import _LinAlgError
from torch._tensor_str import set_printoptions
from torch.jit._script import ScriptModule
from torch.jit._trace import trace
from torch.nn.modules.activation import MultiheadAttention
from torch.nn.modules.container import ParameterDict, ParameterList
from torch.nn.modules.loss import LinearCrossEntropyLoss

assert MultiheadAttention is torch.nn.MultiheadAttention and ParameterDict is torch.nn.ParameterDict
assert LinearCrossEntropyLoss is torch.nn.LinearCrossEntropyLoss and ParameterList is torch.nn.ParameterList
assert svd_lowrank is torch.svd_lowrank and _LinAlgError is torch.linalg.LinAlgError
assert set_printoptions is torch.set_printoptions and ScriptModule is torch.jit.ScriptModule
"""


def test_what_torch_defines_in_a_module_is_found_there() -> None:
    ran = python("-m", "fxtorch", "-c", HOMES)
    assert ran.returncode == 0, ran.stderr
