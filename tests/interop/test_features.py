"""Names that programs use in passing, in one program under ``python -m fxtorch``."""

from __future__ import annotations

from pathlib import Path

from tests.running import python

PROGRAM = """
import torch
import torch.fx
import torch.nn as nn
from torch.fx import wrap

import beside  # a module in the script's own folder

assert beside.HERE == "beside the script"


@torch.fx.wrap
def doubled(x):
    return 2 * x


wrap("doubled")
assert doubled(torch.ones(1)).item() == 2
torch._assert(True, "fine")
torch._assert(torch.ones(2).sum() == 2, "fine")
try:
    torch._assert(torch.ones(1).item() > 2, "too small")
except AssertionError as error:
    assert str(error) == "too small"
else:
    raise SystemExit("torch._assert let a false condition pass")

assert not torch.jit.is_scripting() and not torch.jit.is_tracing()
assert not torch.accelerator.is_available() and torch.accelerator.device_count() == 0
x = torch.LongTensor([[1, 2], [3, 4]])
assert x.type() == "torch.LongTensor" and x.type("torch.FloatTensor").dtype is torch.float32
assert x.type(torch.DoubleTensor).dtype is torch.float64 and torch.FloatTensor(2, 3).shape == (2, 3)
try:
    x.cuda()
except RuntimeError as error:
    print(type(error).__name__, error)
with torch.device("meta"):
    layer = nn.Linear(1000, 1000)
assert layer.weight.is_meta and layer(torch.empty(3, 1000, device="meta")).shape == (3, 1000)
torch.set_default_dtype(torch.float64)
assert torch.ones(1).dtype is torch.float64 and nn.Linear(1, 1).weight.dtype is torch.float64
torch.set_default_dtype(torch.float32)
torch.set_default_device("meta")
assert torch.ones(1).is_meta
torch.set_default_device("cpu")
layer = nn.utils.weight_norm(nn.Linear(2, 2))
torch.save(layer, "layer.pt")
again = torch.load("layer.pt", weights_only=False)
assert torch.equal(again(torch.ones(1, 2)), layer(torch.ones(1, 2)))
seen = []
with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t) or t.clone(), lambda t: t):
    y = torch.ones(2, requires_grad=True)
    (y.exp()).sum().backward()
assert seen and torch.allclose(y.grad, y.exp())
with torch.autocast("cpu", dtype=torch.bfloat16):
    assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype is torch.bfloat16
bag = nn.EmbeddingBag(5, 2, mode="sum", sparse=True)
bag(torch.tensor([1, 2]), torch.tensor([0])).sum().backward()
assert bag.weight.grad.is_sparse
print("all there")
"""


def test_what_programs_use_in_passing_is_there(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text('HERE = "beside the script"\n')
    (tmp_path / "program.py").write_text(PROGRAM)
    for options in ((), ("--jit",)):
        ran = python("-m", "fxtorch", *options, str(tmp_path / "program.py"), cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert "all there" in ran.stdout and "RuntimeError No CUDA GPUs are available" in ran.stdout
