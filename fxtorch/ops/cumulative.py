"""Running sums, products and extremes along a dimension; differences and areas."""

from __future__ import annotations

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import at_least_single, cast, default_float, is_complex, is_inexact, promote
from fxtorch.ops.exponential import complex_logaddexp
from fxtorch.ops.extrema import ValuesIndices
from fxtorch.ops.table import Array, Number, op


def _summed(input: Array, dtype: np.dtype | None) -> Array:
    if dtype is not None:
        return cast(input, dtype)
    return input if is_inexact(input.dtype) else cast(input, np.int64)


@op(method=True, inplace=True, out=True)
def cumsum(input: Array, dim: int, *, dtype: np.dtype | None = None) -> Array:
    """``result[i] = input[0] + ... + input[i]`` along ``dim``; integers sum to int64."""
    x = _summed(input, dtype)
    d = wrap_dim(dim, x.ndim)
    return cast(lax.cumsum(at_least_single(x), axis=d), x.dtype) if x.ndim else x


@op(method=True, inplace=True, out=True)
def cumprod(input: Array, dim: int, *, dtype: np.dtype | None = None) -> Array:
    """``result[i] = input[0] * ... * input[i]`` along ``dim``; integers multiply to int64."""
    x = _summed(input, dtype)
    d = wrap_dim(dim, x.ndim)
    return cast(lax.cumprod(at_least_single(x), axis=d), x.dtype) if x.ndim else x


@op(method=True, out=True)
def logcumsumexp(input: Array, dim: int) -> Array:
    """``log(cumsum(exp(input)))`` along ``dim`` without overflow."""
    d = wrap_dim(dim, input.ndim)
    x = input if is_inexact(input.dtype) else cast(input, default_float())
    if x.size == 0 or x.ndim == 0:
        return x
    return _in_turn(x, d) if is_complex(x.dtype) else lax.cumlogsumexp(x, axis=d)


def _in_turn(x: Array, axis: int) -> Array:
    """The running :func:`complex_logaddexp`, whose branch depends on the order."""
    rows = jnp.moveaxis(x, axis, 0)

    def step(so_far: Array, row: Array) -> tuple[Array, Array]:
        total = complex_logaddexp(row, so_far)
        return total, total

    return jnp.moveaxis(jnp.concatenate([rows[:1], lax.scan(step, rows[0], rows[1:])[1]]), 0, axis)


def _running(input: Array, dim: int, larger: bool) -> ValuesIndices:
    """The running extreme along ``dim``, and where it was last met; NaN, once met, stays."""
    d = wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        return ValuesIndices(input, jnp.zeros((), dtype=np.int64))
    x = lax.stop_gradient(input)
    x = cast(x, np.uint8) if x.dtype == np.bool_ else x
    best = lax.cummax(x, axis=d) if larger else lax.cummin(x, axis=d)
    met = (x == best) | (x != x)
    place = lax.broadcasted_iota(np.dtype("int64"), x.shape, d)
    indices = lax.cummax(jnp.where(met, place, 0), axis=d)
    return ValuesIndices(jnp.take_along_axis(input, indices, axis=d), indices)


@op(method=True, out=True, real=True)
def cummax(input: Array, dim: int) -> ValuesIndices:
    """The largest element so far along ``dim``, and where it was last met."""
    return _running(input, dim, larger=True)


@op(method=True, out=True, real=True)
def cummin(input: Array, dim: int) -> ValuesIndices:
    """The smallest element so far along ``dim``, and where it was last met."""
    return _running(input, dim, larger=False)


@op(method=True, out=True)
def diff(input: Array, n: int = 1, dim: int = -1, prepend: Array | None = None, append: Array | None = None) -> Array:
    """``input[i + 1] - input[i]`` along ``dim``, ``n`` times; booleans differ by xor.

    Raises:
        RuntimeError: the input has no dimension.
    """
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = wrap_dim(dim, input.ndim)
    if n == 0:
        return input
    x = jnp.concatenate([part for part in (prepend, input, append) if part is not None], axis=d)
    for _ in range(min(n, x.shape[d])):
        low = lax.slice_in_dim(x, 0, x.shape[d] - 1, axis=d)
        high = lax.slice_in_dim(x, 1, x.shape[d], axis=d)
        x = high ^ low if x.dtype == np.bool_ else high - low
    return x


def _areas(y: Array, x: Array | None, dx: Number, dim: int) -> tuple[Array, int]:
    """The trapezoids between neighbours along ``dim``, and ``dim`` counted from the front."""
    d = wrap_dim(dim, y.ndim)
    if not is_inexact(y.dtype):
        y = cast(y, default_float())
    size = y.shape[d]
    pairs = lax.slice_in_dim(y, 0, size - 1, axis=d) + lax.slice_in_dim(y, 1, size, axis=d)
    if x is None:
        return pairs * dx / 2, d
    y, at = promote(y, x)
    if at.ndim == 1:
        at = jnp.reshape(at, tuple(-1 if i == d else 1 for i in range(y.ndim)))
    axis = wrap_dim(dim, at.ndim) if dim < 0 else d + at.ndim - y.ndim
    step = lax.slice_in_dim(at, 1, at.shape[axis], axis=axis) - lax.slice_in_dim(at, 0, at.shape[axis] - 1, axis=axis)
    return pairs * step / 2, d


@op(aliases=("trapz",))
def trapezoid(y: Array, x: Array | None = None, *, dx: Number = 1, dim: int = -1) -> Array:
    """The integral of ``y`` along ``dim`` by the trapezoid rule, at points ``x`` or ``dx`` apart."""
    areas, d = _areas(y, x, dx, dim)
    return jnp.sum(areas, axis=d)


@op()
def cumulative_trapezoid(y: Array, x: Array | None = None, *, dx: Number = 1, dim: int = -1) -> Array:
    """The running integral of ``y`` along ``dim`` by the trapezoid rule."""
    areas, d = _areas(y, x, dx, dim)
    return lax.cumsum(areas, axis=d)
