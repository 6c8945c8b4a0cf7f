"""``out=``: storing a result in a Tensor that the caller made."""

from __future__ import annotations

from typing import Any

import numpy as np

from fxtorch.ops import dtypes as rules
from fxtorch.ops.table import Out
from fxtorch.tensor import errors
from fxtorch.tensor.layout import layout
from fxtorch.tensor.modes import modes
from fxtorch.tensor.overlap import check_out
from fxtorch.tensor.tensor import Tensor, unwrap


def into(out: Any, result: Any) -> Any:
    """Store ``result`` in the Tensors given as ``out=``.

    Raises:
        RuntimeError: a gradient would be lost, or the type cannot hold the result.
    """
    if isinstance(result, tuple):
        for o, r in zip(out, result, strict=True):
            into(o, r)
        return result.__class__(*out) if hasattr(result, "_fields") else tuple(out)
    if modes.grad and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    check_out(out)
    array = unwrap(result)
    errors.check_result_cast(array.dtype, unwrap(out).dtype)
    out._rebind(rules.cast(array, unwrap(out).dtype))
    return out


def into_fitting(out: Any, result: Any, wanted: Out, arguments: tuple[Any, ...]) -> Any:
    """:func:`into` for an operator that wants more of ``out`` than its size.

    Raises:
        RuntimeError: it has another type than the result, or shares memory with an argument.
    """
    results = result if isinstance(result, tuple) else (result,)
    for o, r in zip(out if isinstance(result, tuple) else (out,), results, strict=True):
        if wanted.typed and o.dtype != r.dtype:
            have, given = (errors.type_name(unwrap(t).dtype) for t in (r, o))
            raise RuntimeError(f"Expected out tensor to have dtype {have}, but got {given} instead")
        if wanted.apart and any(_share(o, t) for t in _tensors(arguments)):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )
    return into(out, result)


def _tensors(arguments: tuple[Any, ...]) -> list[Tensor]:
    nested = [a if isinstance(a, list | tuple) else (a,) for a in arguments]
    return [t for part in nested for t in part if isinstance(t, Tensor)]


def _share(a: Tensor, b: Tensor) -> bool:
    """Whether some memory between the first and last element of one lies between those of the other."""
    if a is b or a._cell is None or a._cell is not b._cell:
        return a is b
    (low, high), (start, end) = map(_extent, (a, b))
    return low < end and start < high


def _extent(tensor: Tensor) -> tuple[int, int]:
    start, view = layout(tensor)
    low, high = np.lib.array_utils.byte_bounds(view)
    return low - start, high - start if view.size else low - start
