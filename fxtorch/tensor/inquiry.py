"""Questions about Tensors and types: ``numel``, ``result_type``, ``can_cast``, and the plain facts of a Tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.ops import dtypes as rules
from fxtorch.ops.checks import check_broadcast
from fxtorch.tensor import dtype as types
from fxtorch.tensor.dispatch import operator
from fxtorch.tensor.errors import can_store
from fxtorch.tensor.size import Size
from fxtorch.tensor.tensor import Tensor, method, unwrap, unwrap_aval

# --- types ------------------------------------------------------------------------------------------------------------


def promote_types(type1: types.dtype, type2: types.dtype) -> types.dtype:
    """The smallest type that holds both, in size and category.

    >>> torch.promote_types(torch.int32, torch.float16), torch.promote_types(torch.uint8, torch.int8)
    (torch.float16, torch.int16)
    """
    return types.of(jnp.promote_types(type1.np, type2.np))


def result_type(tensor1: Any, tensor2: Any) -> types.dtype:
    """The type of the result of arithmetic on two Tensors or numbers.

    >>> torch.result_type(torch.tensor([1, 2], dtype=torch.int32), 1.0)
    torch.float32
    """
    return types.of(rules.result_type(*(unwrap(t) if isinstance(t, Tensor) else t for t in (tensor1, tensor2))))


def can_cast(from_: types.dtype, to: types.dtype) -> bool:
    """Whether an in-place operation may store ``from_`` as ``to``: not to a lower category.

    >>> torch.can_cast(torch.float64, torch.float32), torch.can_cast(torch.float32, torch.int64)
    (True, False)
    """
    return can_store(from_.np, to.np)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that Tensors of ``shapes`` broadcast to.

    >>> torch.broadcast_shapes((2, 1), (3,), 1)
    torch.Size([2, 3])

    Raises:
        RuntimeError: they do not broadcast.
    """
    sizes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    check_broadcast(*sizes)
    return Size(np.broadcast_shapes(*sizes))


# --- what a Tensor is -------------------------------------------------------------------------------------------------


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are real floating numbers."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex."""
    return input.is_complex()


def is_signed(input: Tensor) -> bool:
    """Whether the element type has negative values."""
    return input.dtype.is_signed


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero.

    Raises:
        RuntimeError: there is not exactly one element.
    """
    if input.numel() == 0:
        raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
    return bool(input)


method(is_signed)
method(is_nonzero)


@method
def nelement(self: Tensor) -> int:
    """The number of elements."""
    return self.numel()


@method
def ndimension(self: Tensor) -> int:
    """The number of dimensions."""
    return self.ndim


@method
def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal."""
    return self.shape == other.shape


def _fact(fn: Callable[[Tensor], Any]) -> None:
    """Add a function to Tensor as a property."""
    setattr(Tensor, fn.__name__, property(fn))


@_fact
def itemsize(self: Tensor) -> int:
    """Bytes an element."""
    return unwrap_aval(self).dtype.itemsize


@_fact
def nbytes(self: Tensor) -> int:
    """Bytes of all elements."""
    return self.numel() * self.element_size()


@_fact
def is_cuda(self: Tensor) -> bool:
    """Whether the values are on a GPU."""
    return self.device.type == "cuda"


@_fact
def is_cpu(self: Tensor) -> bool:
    """Whether the values are in main memory."""
    return self.device.type == "cpu"


# --- views ------------------------------------------------------------------------------------------------------------


def _part(name: str) -> property:
    of = operator(name)

    def read(self: Tensor) -> Tensor:
        return of(self)

    def write(self: Tensor, value: Any) -> None:
        read(self).copy_(value)

    return property(read, write, doc=f"The {name} part of each element, a view.")


Tensor.real, Tensor.imag = _part("real"), _part("imag")  # type: ignore[attr-defined]


# --- transposes, which are views --------------------------------------------------------------------------------------


@_fact
def T(self: Tensor) -> Tensor:
    """The dimensions in reverse order."""
    return self.permute(*range(self.ndim)[::-1])


@_fact
def mT(self: Tensor) -> Tensor:
    """Every matrix of the batch transposed.

    Raises:
        RuntimeError: there are fewer than two dimensions.
    """
    _matrices(self, "mT")
    return self.transpose(-2, -1)


@_fact
def mH(self: Tensor) -> Tensor:
    """Every matrix of the batch transposed and conjugated.

    Raises:
        RuntimeError: there are fewer than two dimensions.
    """
    _matrices(self, "mH")
    return self.adjoint()


@_fact
def H(self: Tensor) -> Tensor:
    """A matrix, transposed and conjugated.

    Raises:
        RuntimeError: there are neither two dimensions nor none.
    """
    if self.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.")
    return self.conj() if self.ndim == 0 else self.adjoint()


def _matrices(self: Tensor, name: str) -> None:
    if self.ndim < 2:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
        )
