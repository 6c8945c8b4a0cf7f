"""Places in sorted sequences, distinct elements, and counts in bins."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from fxtorch.ops.checks import check_concrete, wrap_dim
from fxtorch.ops.dtypes import cast, is_float, is_inexact, promote, type_name
from fxtorch.ops.table import Array, Strict, op


def _side(right: bool, side: str | None) -> str:
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    return "right" if right or side == "right" else "left"


@op(out=True, differentiable=False)
def searchsorted(
    sorted_sequence: Strict,
    input: Array,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Strict | None = None,
) -> Array:
    """Where each of ``input`` would go in ``sorted_sequence``, sorted along its last dimension.

    Args:
        sorted_sequence: (..., n), or (n,) for all of ``input``.
        input: the values, with the same leading dimensions, or a number.
        out_int32: give int32 indices.
        right: after equal elements, else before.
        side: the same as a word, ``"left"`` or ``"right"``.
        sorter: the order that sorts ``sorted_sequence``.

    Raises:
        RuntimeError: the leading dimensions differ, or ``side`` contradicts ``right``.
    """
    find = functools.partial(jnp.searchsorted, side=_side(right, side))
    sequence, x = promote(sorted_sequence, input)
    if sorter is not None:
        sequence = jnp.take_along_axis(sequence, sorter, axis=-1)
    if sequence.ndim > 1:
        if x.ndim != sequence.ndim or x.shape[:-1] != sequence.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                "boundaries tensor and input value tensor must match, but we got boundaries tensor "
                f"{list(sequence.shape)} and input value tensor {list(x.shape)}"
            )
        for _ in range(sequence.ndim - 1):
            find = jax.vmap(find)
    return cast(find(sequence, x), np.int32 if out_int32 else np.int64)


@op(out=True, differentiable=False, real=True)
def bucketize(input: Array, boundaries: Strict, *, out_int32: bool = False, right: bool = False) -> Array:
    """The bucket of each element: ``boundaries[i - 1] < input <= boundaries[i]``, or with ``right`` the other way.

    Raises:
        RuntimeError: ``boundaries`` is not 1-dim.
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def _several(values: Any, inverse: Any, counts: Any, return_inverse: bool, return_counts: bool) -> Any:
    chosen = [jnp.asarray(values)]
    chosen += [jnp.asarray(inverse, dtype=np.int64)] if return_inverse else []
    chosen += [jnp.asarray(counts, dtype=np.int64)] if return_counts else []
    return chosen[0] if len(chosen) == 1 else tuple(chosen)


def _check_slices(x: Any, dim: int | None) -> None:
    if dim is not None and x.ndim and x.shape[dim] and not x.size:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")


@op(method=True, differentiable=False, dynamic=True)
def unique(
    input: Array,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Array | tuple[Array, ...]:
    """The distinct elements (slices along ``dim``) in order; where each element went; how often each came.

    Raises:
        RuntimeError: the values are traced, since they decide the shape; or the slices are empty.
    """
    check_concrete("unique", "call it outside the traced function", input)
    axis = None if dim is None else wrap_dim(dim, input.ndim)
    _check_slices(input, axis)
    values, inverse, counts = np.unique(np.asarray(input), return_inverse=True, return_counts=True, axis=axis)
    inverse = inverse.reshape(input.shape if dim is None else (-1,))
    return _several(values, inverse, counts, return_inverse, return_counts)


@op(method=True, differentiable=False, dynamic=True)
def unique_consecutive(
    input: Strict, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Array | tuple[Array, ...]:
    """The elements (slices along ``dim``) that differ from the one before; where each went; how long each run is.

    Raises:
        RuntimeError: the values are traced, since they decide the shape; or the slices are empty.
    """
    check_concrete("unique_consecutive", "call it outside the traced function", input)
    x = np.asarray(input)
    _check_slices(x, dim)
    count = x.size if dim is None else x.shape[dim]
    rows = (x if dim is None else np.moveaxis(x, dim, 0)).reshape(count, x.size // count if count else 0)
    fresh = np.ones(len(rows), dtype=np.bool_)
    fresh[1:] = np.any(rows[1:] != rows[:-1], axis=1)
    starts = np.flatnonzero(fresh)
    values = x.reshape(-1)[starts] if dim is None else np.take(x, starts, axis=dim)
    inverse = (np.cumsum(fresh) - 1).reshape(x.shape if dim is None else (-1,))
    counts = np.diff(np.append(starts, len(rows)))
    return _several(values, inverse, counts, return_inverse, return_counts)


@op(method=True, out=True, differentiable=False, real=True)
def histc(input: Strict, bins: int = 100, min: float = 0, max: float = 0) -> Array:
    """How many elements fall in each of ``bins`` equal bins of [``min``, ``max``] (of the data where both are equal).

    Raises:
        NotImplementedError: the input is not floating.
        RuntimeError: ``bins`` is not positive, or ``max`` is below ``min``.
    """
    if not is_float(input.dtype):
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{type_name(input.dtype)}'")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if max < min:
        raise RuntimeError("torch.histc: max must be larger than min")
    x = jnp.ravel(input)
    if min == max and x.size:
        low, high = jnp.min(x), jnp.max(x)
        same = low == high
        low, high = jnp.where(same, low - 1, low), jnp.where(same, high + 1, high)
    else:
        low, high = cast(min, x.dtype), cast(max, x.dtype)
    inside = (x >= low) & (x <= high)
    place = cast(jnp.where(inside, (x - low) * bins / (high - low), 0), np.int64)
    counts = jnp.zeros((bins,), dtype=np.int64)
    return cast(counts.at[jnp.minimum(place, bins - 1)].add(cast(inside, np.int64)), input.dtype)


@op(method=True, dynamic=True)
def bincount(input: Strict, weights: Strict | None = None, minlength: int = 0) -> Array:
    """How often each of 0, 1, ... comes in a 1-dim integer input, or the sum of the ``weights`` there.

    Raises:
        NotImplementedError: the input is not of integers.
        RuntimeError: the input is not 1-dim or has negative ones; or it is traced, since its largest element decides
            the shape.
    """
    if is_inexact(input.dtype) or input.dtype == np.bool_:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{type_name(input.dtype)}'")
    if input.ndim != 1:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    check_concrete("bincount", "use torch.zeros(n).scatter_add(0, input, ...)", input)
    if input.size and int(jnp.min(input)) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    length = max(int(jnp.max(input)) + 1 if input.size else 0, minlength)
    if weights is None:
        return jnp.zeros((length,), dtype=np.int64).at[input].add(1)
    w = weights if is_inexact(weights.dtype) else cast(weights, np.float64)
    return jnp.zeros((length,), dtype=w.dtype).at[input].add(w)
