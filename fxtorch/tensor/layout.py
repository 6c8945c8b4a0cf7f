"""How torch would lay a Tensor out in memory: strides, learned by making the same views of a NumPy array.

That array has the shape of the base, but no real memory: it must never be read, so no view of it may copy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fxtorch.tensor.tensor import unwrap_aval

if TYPE_CHECKING:
    from fxtorch.tensor.tensor import Tensor


def layout(tensor: Tensor) -> tuple[int, np.ndarray]:
    """A NumPy array strided as torch would stride ``tensor``, and the address of its base."""
    shape, link = unwrap_aval(tensor).shape, tensor._link
    if link is None:
        return _fresh(shape)
    start, base = layout(link.parent)
    if link.operator is None:
        return start, base
    assert link.operator.op.view is not None
    rule = link.operator.op.view.strides
    if rule is None:
        return (start, base.reshape(shape)) if base.flags.c_contiguous else _fresh(shape)
    view = rule(base, *link.args)
    if view is None:
        return _fresh(shape)
    return start, view[link.index] if link.index is not None else view


def _fresh(shape: Sequence[int]) -> tuple[int, np.ndarray]:
    strides = tuple(int(math.prod(max(n, 1) for n in shape[i + 1 :])) for i in range(len(shape)))
    array = np.lib.stride_tricks.as_strided(np.empty(1, np.int8), shape, strides)
    return address(array), array


def address(array: np.ndarray) -> int:
    """Where its first element is."""
    return array.__array_interface__["data"][0]
