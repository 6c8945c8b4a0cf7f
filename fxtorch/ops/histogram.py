"""Histograms in one dimension and in several."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast, is_float, type_name
from fxtorch.ops.table import Array, Arrays, op


class Histogram(NamedTuple):
    """The result of :func:`histogram`."""

    hist: Array
    bin_edges: Array


def _check(input: Array, weight: Array | None) -> None:
    if not is_float(input.dtype):
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{type_name(input.dtype)}'")
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, it should have the same dtype as the input tensor, "
            f"but got {type_name(input.dtype)} and {type_name(weight.dtype)}"
        )


def _check_count(bins: int, dim: int) -> None:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")


def _edges(column: Array, bins: int, limits: tuple[float, float] | None) -> Array:
    """``bins + 1`` evenly spaced edges from the least element to the greatest, or between ``limits``."""
    dtype = column.dtype
    if limits is not None:
        if limits[0] > limits[1]:
            raise RuntimeError("torch.histogram: min should not exceed max")
        low, high = cast(limits[0], dtype), cast(limits[1], dtype)
    elif column.size == 0:
        low, high = cast(0, dtype), cast(1, dtype)
    else:
        low, high = jnp.min(column), jnp.max(column)
    flat = low == high
    low, high = jnp.where(flat, low - 0.5, low), jnp.where(flat, high + 0.5, high)
    i = lax.iota(dtype, bins + 1)
    step = (high - low) / bins
    return jnp.where(i <= bins // 2, low + i * step, high - (bins - i) * step)


def _places(column: Array, edges: Array) -> Array:
    """The bin of each element, the last one closed at both sides; past the last for what lies outside."""
    bins = edges.shape[0] - 1
    place = jnp.searchsorted(edges, column, side="right") - 1
    place = jnp.where(column == edges[-1], bins - 1, place)
    return jnp.where((column >= edges[0]) & (column <= edges[-1]), place, bins)


def _counts(points: Array, edges: Arrays, weight: Array | None, density: bool) -> Array:
    sizes = tuple(e.shape[0] - 1 for e in edges)
    flat, inside = jnp.zeros(points.shape[:1], dtype=np.int64), jnp.ones(points.shape[:1], dtype=np.bool_)
    for d, (e, n) in enumerate(zip(edges, sizes, strict=True)):
        place = _places(points[:, d], e)
        inside = inside & (place < n)
        flat = flat * n + jnp.minimum(place, n - 1)
    each = jnp.ones(points.shape[:1], dtype=points.dtype) if weight is None else jnp.ravel(weight)
    total = int(np.prod(sizes, dtype=np.int64))
    hist = jnp.zeros((total,), dtype=points.dtype).at[flat].add(jnp.where(inside, each, 0)).reshape(sizes)
    if not density:
        return hist
    hist = hist / jnp.sum(hist)
    for d, e in enumerate(edges):
        width = jnp.diff(e).reshape([-1 if i == d else 1 for i in range(len(edges))])
        hist = hist / width
    return hist


@op(method=True, out=True, differentiable=False)
def histogram(
    input: Array,
    bins: Array | int,
    *,
    range: tuple[float, float] | None = None,
    weight: Array | None = None,
    density: bool = False,
) -> Histogram:
    """How many elements lie between the edges; the last bin includes its right edge.

    >>> histogram(jnp.asarray([1.0, 2.0, 1.0], dtype=np.float32), 2).hist
    Array([2., 1.], dtype=float32)

    Args:
        input: any shape, floating.
        bins: how many, or the edges, rising.
        range: the first and last edge; by default the least and greatest element.
        weight: what each element counts; the shape of ``input``.
        density: divide by the sum and by the width of the bins, so that the integral is 1.

    Raises:
        NotImplementedError: the input is not floating.
        RuntimeError: ``bins`` is not positive.
    """
    _check(input, weight)
    if isinstance(bins, int):
        _check_count(bins, 0)
    x = jnp.ravel(input)
    edges = _edges(x, bins, range) if isinstance(bins, int) else bins
    return Histogram(_counts(x[:, None], (edges,), weight, density), edges)


@op(differentiable=False)
def _histogramdd_bin_edges(
    input: Array,
    bins: tuple[int, ...],
    *,
    range: tuple[float, ...] | None = None,
    weight: Array | None = None,
    density: bool = False,
) -> tuple[Array, ...]:
    """The edges along each of the last dimension's coordinates."""
    _check(input, weight)
    points = input.reshape(-1, input.shape[-1])
    if len(bins) != points.shape[1]:
        raise RuntimeError(
            f"torch.histogramdd: if bins is a sequence, it should have the same length as the innermost dimension of "
            f"the input, {points.shape[1]}, but got {len(bins)}"
        )
    for d, n in enumerate(bins):
        _check_count(n, d)
    pairs = [None] * len(bins) if range is None else [(range[2 * d], range[2 * d + 1]) for d, _ in enumerate(bins)]
    return tuple(_edges(points[:, d], n, pairs[d]) for d, n in enumerate(bins))


@op(differentiable=False)
def _histogramdd_from_bin_tensors(
    input: Array, bins: Arrays, *, weight: Array | None = None, density: bool = False
) -> Array:
    """How many points of the last dimension's coordinates lie between the edges ``bins``."""
    _check(input, weight)
    return _counts(input.reshape(-1, input.shape[-1]), bins, weight, density)
