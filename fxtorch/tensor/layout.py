"""How torch would lay a Tensor out in memory: strides, learned by making the same views of a NumPy array.

That array has the shape of the base, but no real memory: it must never be read, so no view of it may copy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fxtorch.ops.dtypes import plain_of
from fxtorch.tensor.tensor import unwrap_aval

if TYPE_CHECKING:
    from fxtorch.tensor.tensor import Tensor


def layout(tensor: Tensor) -> tuple[int, np.ndarray]:
    """A NumPy array strided as torch would stride ``tensor``, and the address of its base."""
    aval, link = unwrap_aval(tensor), tensor._link
    if link is None:
        return _fresh(aval)
    start, base = layout(link.parent)
    if link.operator is None:
        return start, base
    assert link.operator.op.view is not None
    rule = link.operator.op.view.strides
    if rule is None:
        return (start, base.reshape(aval.shape)) if base.flags.c_contiguous else _fresh(aval)
    view = rule(base, *link.args)
    if view is None:
        return _fresh(aval)
    return start, view[link.index] if link.index is not None else view


def _fresh(aval: Any) -> tuple[int, np.ndarray]:
    element = np.empty(1, plain_of(aval.dtype))  # as large as the real ones: a view may be of another type
    strides = [element.itemsize * math.prod(max(n, 1) for n in aval.shape[i + 1 :]) for i in range(len(aval.shape))]
    array = np.lib.stride_tricks.as_strided(element, aval.shape, strides)
    return address(array), array


def address(array: np.ndarray) -> int:
    """Where its first element is."""
    return array.__array_interface__["data"][0]
