"""Average pooling, its adaptive form, and power-average pooling, in one to three dimensions."""

from __future__ import annotations

import functools
import math
import operator

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.dtypes import at_least_single, cast, is_inexact
from fxtorch.ops.layout import channels_last_inside, from_last, to_last
from fxtorch.ops.max_pooling import (
    OptionalSizes,
    adaptive_bounds,
    check_adaptive,
    check_pool,
    output_sizes,
    pool_window,
)
from fxtorch.ops.pool_kernels import MAX_SLICES, Window, pads, slices, tiles
from fxtorch.ops.table import Array, Number, op
from fxtorch.ops.windows import Sizes, batched


def _window_sums(x: JaxArray, window: Window) -> JaxArray:
    """The sum over every window of ``(N, C, ...)``: a reshape where windows tile, else one slice for each element."""
    sizes, zero = x.shape[2:], np.zeros((), x.dtype)  # a constant, so that the sum is seen to be one
    if tiles(sizes, window):
        x = x[(..., *(slice(0, c * k) for c, k in zip(window.count, window.kernel, strict=True)))]
        split = [v for row in zip(window.count, window.kernel, strict=True) for v in row]
        x = x.reshape(*x.shape[:2], *split)
        return jnp.sum(x, tuple(range(3, x.ndim, 2)))
    if math.prod(window.kernel) > MAX_SLICES:
        edges = [(0, 0), (0, 0), *((lo, hi) for lo, hi, _ in pads(sizes, window))]
        return lax.reduce_window(x, zero, lax.add, (1, 1, *window.kernel), (1, 1, *window.stride), edges)
    last = channels_last_inside()
    parts = slices(to_last(x) if last else x, window, jnp.asarray(zero, x.dtype), 1 if last else 2)
    total = functools.reduce(operator.add, parts)
    return from_last(total) if last else total


def _divisors(sizes: tuple[int, ...], window: Window, count_padding: bool) -> np.ndarray:
    """How many elements each window averages over; what overhangs beyond the padding never counts."""
    total = np.ones((), np.int64)
    for size, k, s, p, c in zip(sizes, window.kernel, window.stride, window.padding, window.count, strict=True):
        start = np.arange(c) * s - p
        end = np.minimum(start + k, size + p)
        inside = np.minimum(end, size) - np.maximum(start, 0)
        total = total[..., None] * (end - start if count_padding else inside)
    return total


def _avg_pool(
    x: JaxArray,
    kernel: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
    n: int,
) -> JaxArray:
    check_pool(x, n, f"avg_pool{n}d")
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    window = pool_window(x, kernel, stride, padding, 1, ceil_mode, n)
    x, unbatched = batched(x, n)
    by = _divisors(x.shape[2:], window, count_include_pad) if divisor is None else np.full((), divisor)
    if by.size and (by == by.flat[0]).all():
        by = by.flat[0]
    total = _window_sums(at_least_single(x), window)
    by = jnp.asarray(by, total.dtype)
    y = cast(total / by, x.dtype) if is_inexact(x.dtype) else lax.div(total, jnp.broadcast_to(by, total.shape))
    return y[0] if unbatched else y


@op(where=("torch", "nn.functional"))
def avg_pool1d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """The mean over windows of ``(N, C, L)`` or ``(C, L)``; see :func:`avg_pool2d`."""
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


@op(where=("nn.functional",), out=True)
def avg_pool2d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """``out[n, c, p] = (1 / K) sum_k input[n, c, stride p + k - padding]``.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        kernel_size: the window's size.
        stride: its step; the kernel size where absent.
        padding: zeros on every side, at most half the kernel.
        ceil_mode: also take windows that overhang the end.
        count_include_pad: whether padding counts in ``K``.
        divisor_override: this instead of ``K``.

    Raises:
        RuntimeError: the rank or a size does not fit, or the divisor is 0.
    """
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)


@op(where=("nn.functional",), out=True)
def avg_pool3d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The mean over windows of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :func:`avg_pool2d`."""
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)


def _adaptive_avg_pool(x: JaxArray, output_size: OptionalSizes, n: int) -> JaxArray:
    """Each dimension by a reshape where it divides, else as a product with the matrix of window means."""
    check_adaptive(x, n, f"adaptive_avg_pool{n}d")
    out = output_sizes(x, output_size, n)
    sizes = x.shape[-n:]
    if out == (1,) * n:
        return jnp.mean(x, tuple(range(x.ndim - n, x.ndim)), keepdims=True)
    if min(out) > 0 and all(s % o == 0 for s, o in zip(sizes, out, strict=True)):
        kernel = tuple(s // o for s, o in zip(sizes, out, strict=True))
        return _avg_pool(x, kernel, kernel, 0, False, True, None, n)
    for i, (s, o) in enumerate(zip(sizes, out, strict=True)):
        start, end = adaptive_bounds(s, o)
        at = np.arange(s)
        inside = (at >= start[:, None]) & (at < end[:, None])
        weights = jnp.asarray(inside / (end - start)[:, None], x.dtype)
        axis = x.ndim - n + i
        x = jnp.moveaxis(jnp.matmul(jnp.moveaxis(x, axis, -1), weights.T, precision="highest"), -1, axis)
    return x


@op(where=("torch", "nn.functional"))
def adaptive_avg_pool1d(input: Array, output_size: OptionalSizes) -> Array:
    """Average pooling to ``output_size``; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg_pool(input, output_size, 1)


@op(where=("nn.functional",))
def adaptive_avg_pool2d(input: Array, output_size: OptionalSizes) -> Array:
    """The mean over windows ``floor(i H / OH) .. ceil((i + 1) H / OH)``, so that the result is ``output_size``.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        output_size: one number, or one a dimension; ``None`` keeps a dimension.
    """
    return _adaptive_avg_pool(input, output_size, 2)


@op(where=("nn.functional",))
def adaptive_avg_pool3d(input: Array, output_size: OptionalSizes) -> Array:
    """Average pooling to ``output_size``; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg_pool(input, output_size, 3)


def _lp_pool(x: JaxArray, norm_type: Number, kernel: Sizes, stride: Sizes | None, ceil_mode: bool, n: int) -> JaxArray:
    check_pool(x, n, f"lp_pool{n}d")
    window = pool_window(x, kernel, stride, 0, 1, ceil_mode, n)
    x, unbatched = batched(x, n)
    # An overhanging window's mean is over what lies inside, and torch multiplies it by the whole kernel's size.
    scale = math.prod(window.kernel) / _divisors(x.shape[2:], window, count_padding=True)
    y = _window_sums(x**norm_type, window) * jnp.asarray(scale, x.dtype)
    y = jnp.sign(y) * jnp.maximum(jnp.abs(y), 0)
    y = y ** (1.0 / norm_type)
    return y[0] if unbatched else y


@op(where=("nn.functional",), dtype="float")
def lp_pool1d(
    input: Array, norm_type: Number, kernel_size: int, stride: Sizes | None = None, ceil_mode: bool = False
) -> Array:
    """``(sum_k x_k^p)^(1/p)`` over windows of ``(N, C, L)``; see :func:`lp_pool2d`."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 1)


@op(where=("nn.functional",), dtype="float")
def lp_pool2d(
    input: Array, norm_type: Number, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Array:
    """``(sum_k x_k^p)^(1/p)`` over windows: ``p = 1`` is the sum, ``p`` to infinity the maximum.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        norm_type: ``p``.
        kernel_size: the window's size.
        stride: its step; the kernel size where absent.
        ceil_mode: also take windows that overhang the end.
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 2)


@op(where=("nn.functional",), dtype="float")
def lp_pool3d(
    input: Array, norm_type: Number, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Array:
    """``(sum_k x_k^p)^(1/p)`` over windows of ``(N, C, D, H, W)``; see :func:`lp_pool2d`."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 3)
