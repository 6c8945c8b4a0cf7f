"""The ``torch.`` functions and types that this room uses, without the package's front, which is above it."""

from __future__ import annotations

from types import SimpleNamespace

from fxtorch.autograd import no_grad
from fxtorch.tensor import Size, Tensor, dtype
from fxtorch.tensor.construction import as_tensor, get_default_dtype, tensor
from fxtorch.tensor.conversion import from_numpy
from fxtorch.tensor.dispatch import namespace

torch = SimpleNamespace(
    **namespace("torch"),
    **dtype.ALL,
    Size=Size,
    Tensor=Tensor,
    as_tensor=as_tensor,
    from_numpy=from_numpy,
    get_default_dtype=get_default_dtype,
    iinfo=dtype.iinfo,
    no_grad=no_grad,
    tensor=tensor,
)
operators = SimpleNamespace(**namespace("ops.torchvision"))
