"""Python's operators on Tensors: ``x + y``, ``x[i]``, ``len(x)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from fxtorch.ops.index_parser import parse_index
from fxtorch.tensor import construction, dispatch
from fxtorch.tensor.overriding import overrider
from fxtorch.tensor.quick import quick
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.tensor import Tensor, method, unwrap, unwrap_aval

torch = dispatch.namespace("torch")

_BINARY = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
_COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")
_UNARY = {"neg": "neg", "abs": "abs", "invert": "bitwise_not", "pos": "positive"}


def _operand(x: Any) -> bool:
    # NumPy's arrays compute themselves, as in torch, and __array_wrap__ makes the result a Tensor
    if isinstance(x, Tensor | int | float | complex):
        return True
    return (hasattr(x, "dtype") and not isinstance(x, np.ndarray)) or overrider(type(x)) is not None


def _runner(name: str) -> Callable[[Any, Any], Any]:
    """The operator of two operands, without the public function around it."""
    operator = dispatch.operator(name)
    rest = tuple(p.default for p in operator.op.params[2:])
    return quick(operator) or (lambda a, b: operator(a, b, *rest))


def _binary(name: str) -> Callable[..., Any]:
    run = _runner(name)
    equality = name in ("eq", "ne")  # NumPy leaves these to the Tensor

    def forward(self: Tensor, other: Any) -> Any:
        if equality and isinstance(other, np.ndarray):
            other = construction.as_tensor(other)
        return run(self, other) if other.__class__ is Tensor or _operand(other) else NotImplemented

    return forward


def _reflected(name: str) -> Callable[..., Any]:
    run = _runner(name)

    def reflected(self: Tensor, other: Any) -> Any:
        if not isinstance(self, Tensor):
            words = f"{name}: a reflected operator is one of Tensors, not of {type(self).__name__}"
            raise AttributeError(words) if name == "div" else TypeError(words)  # torch asks it for its reciprocal
        return run(other, self) if _operand(other) else NotImplemented

    return reflected


for _name, _op in _BINARY.items():
    setattr(Tensor, f"__{_name}__", _binary(_op))
    setattr(Tensor, f"__r{_name}__", _reflected(_op))
    if hasattr(Tensor, f"{_op}_"):
        setattr(Tensor, f"__i{_name}__", getattr(Tensor, f"{_op}_"))
for _name in _COMPARE:
    setattr(Tensor, f"__{_name}__", _binary(_name))
for _name, _op in _UNARY.items():
    setattr(Tensor, f"__{_name}__", torch[_op])

setattr(Tensor, "__rdiv__", _reflected(_BINARY["truediv"]))  # noqa: B010  its old name, as in torch
Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]


@method
def __len__(self: Tensor) -> int:
    """The size of the first dimension."""
    shape = unwrap_aval(self).shape
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


@method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    """The slices along the first dimension."""
    if not unwrap_aval(self).shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


@method
def __contains__(self: Tensor, value: Any) -> bool:
    """Whether an element equals ``value``."""
    return bool((self == value).any())


@method
def __reversed__(self: Tensor) -> Tensor:
    """The elements in the opposite order along the first dimension."""
    return self.flip(0) if self.ndim else self


_getitem = dispatch.operator("getitem")
_index = dispatch.operator("index")
_setitem = dispatch.operator("setitem")


def _index_array(x: Any) -> Any:
    """An index that is a Tensor, as its array; None for anything else."""
    return unwrap(x) if isinstance(x, Tensor) else x if isinstance(x, jax.Array) else None


@method
def __getitem__(self: Tensor, index: Any) -> Tensor:
    """``x[index]``: basic indexing gives a view, integer and boolean Tensors a copy."""
    if isinstance(self._data, Stored):
        return _of_sparse(self, index)
    parsed = parse_index(index, unwrap_aval(self).shape, _index_array)
    return (_getitem if parsed.basic else _index)(self, parsed.places, parsed.spec)


def _of_sparse(self: Tensor, index: Any) -> Tensor:
    """Rows of a sparse Tensor, and rows of these.

    Raises:
        NotImplementedError: another index than integers.
    """
    for i in index if isinstance(index, tuple) else (index,):
        if not isinstance(i, int) or isinstance(i, bool):
            raise NotImplementedError("a sparse Tensor takes integers as indexes; use to_dense() for others")
        self = self.select(0, i)
    return self


@method
def __setitem__(self: Tensor, index: Any, value: Any) -> None:
    """``x[index] = value``, in place."""
    if not isinstance(value, Tensor | int | float | complex):
        value = construction.as_tensor(value, dtype=self.dtype)
    parsed = parse_index(index, unwrap_aval(self).shape, _index_array, keep_mask=True)
    dispatch.in_place(_setitem, 0, (self, value, parsed.places, parsed.spec))
