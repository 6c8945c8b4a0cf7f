"""Writes that PyTorch refuses because elements of what is written share memory, with each other or with an argument.

Here they would have a meaning, arrays being values; a program that does them is wrong in PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.ops.getitem import is_basic, strided
from fxtorch.tensor.layout import address, layout
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.tensor import Tensor

# what PyTorch fills without asking: all elements that share a place get the same value, or the last one counts
_FILLS = frozenset("fill zero masked_fill index_fill index_put tril triu fill_diagonal conj_physical".split())
_AMONG = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
    "clone() the tensor before performing the operation."
)
_WITH = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)


def check_written(operator: Operator, position: int, args: Sequence[Any]) -> None:
    """Raise PyTorch's error where ``operator`` may not write over its argument at ``position``, a view or a base.

    Raises:
        RuntimeError: elements of that argument share memory, or some of them with an argument of another layout.
    """
    target, name, region = args[position], operator.op.name, None
    if name == "setitem":
        region = args[2:]
        if not is_basic(region[1]):
            return  # positions are given by Tensors, and PyTorch puts value after value
    if name not in _FILLS and _repeats(target):
        _check_among(_part(target, region)[1])
    if name == "ldexp":
        return  # PyTorch makes the factor anew
    for place, other in enumerate(args):
        shared = place != position and isinstance(other, Tensor) and other._cell is target._cell
        if shared and _meet(_part(target, region), layout(other)):
            raise RuntimeError(_WITH)


def check_out(out: Tensor) -> None:
    """Raise PyTorch's error where elements of the Tensor given as ``out=`` share memory."""
    if out._link is not None and _repeats(out):
        _check_among(layout(out)[1])


def _repeats(tensor: Tensor) -> bool:
    """Whether it is a view that was made by repeating elements."""
    link = tensor._link
    while link is not None:
        if link.operator is not None and link.operator.op.view is not None and link.operator.op.view.repeats:
            return True
        link = link.parent._link
    return False


def _part(tensor: Tensor, region: Sequence[Any] | None) -> tuple[int, np.ndarray]:
    """The layout of ``tensor``, or of the region that ``tensor[...] = value`` writes."""
    start, view = layout(tensor)
    return start, view if region is None else strided(view, *region)


def _check_among(view: np.ndarray) -> None:
    if any(stride == 0 and size > 1 for stride, size in zip(view.strides, view.shape, strict=True)):
        raise RuntimeError(_AMONG)


def _meet(a: tuple[int, np.ndarray], b: tuple[int, np.ndarray]) -> bool:
    """Whether two dense blocks of memory overlap otherwise than element by element."""
    (start, view), (begin, other) = a, b
    if not view.size or not other.size or not (_dense(view) and _dense(other)):
        return False
    low, first = address(view) - start, address(other) - begin
    if (low, view.nbytes) == (first, other.nbytes):
        return view.strides != other.strides
    return low < first + other.nbytes and first < low + view.nbytes


def _dense(view: np.ndarray) -> bool:
    """Whether its elements lie side by side, in any order of the dimensions."""
    step = view.itemsize
    for stride, size in sorted((t, n) for t, n in zip(view.strides, view.shape, strict=True) if n > 1):
        if stride != step:
            return False
        step *= size
    return True
