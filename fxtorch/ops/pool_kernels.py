"""Maximum over sliding windows with torch's rule for ties: the first maximum in row-major order gets the gradient.

``x`` is ``(N, C, ...)``.  How a pooling is computed is chosen here, by measurement on 2 CPU cores (128x32x32x32, kernel
2, channels last: forward and backward 2.7 ms as below, 4.0 by stacking the parts, 6.9 by interior pads):

* the forward is a running maximum over one strided slice for each element of the window;
* where windows tile the input, the gradient is spread by repeating it and masking with the winner's position;
* otherwise it is put back by one interior pad for each element;
* windows of more than ``MAX_SLICES`` elements, and those of adaptive pooling, are gathered, and the gradient scattered.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.layout import channels_last_inside, from_last, to_last
from fxtorch.ops.windows import strided_slice

MAX_SLICES = 64


class Window(NamedTuple):
    """A pooling: one entry a spatial dimension; ``count`` is the size of the result."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    count: tuple[int, ...]


def lowest(dtype: np.dtype) -> Array:
    """The value that no maximum prefers."""
    return jnp.array(-jnp.inf if jnp.issubdtype(dtype, jnp.inexact) else jnp.iinfo(dtype).min, dtype)


def pads(sizes: tuple[int, ...], window: Window) -> list[tuple[int, int, int]]:
    """Padding before and after (negative where windows leave a rest) so that exactly ``count`` windows fit."""
    rows = zip(sizes, *window, strict=True)
    return [(p, (c - 1) * s + d * (k - 1) + 1 - n - p, 0) for n, k, s, p, d, c in rows]


def slices(x: Array, window: Window, fill: Array, spatial: int) -> list[Array]:
    """For each element of the window, in row-major order, what every window has there.

    ``spatial`` is the first spatial dimension of ``x``: 2 for channels first, 1 for channels last.
    """
    rank = len(window.kernel)
    sizes = x.shape[spatial : spatial + rank]
    edges = [(0, 0, 0)] * x.ndim
    edges[spatial : spatial + rank] = pads(sizes, window)
    x = lax.pad(x, fill, edges)
    out = []
    for at in product(*map(range, window.kernel)):
        start, count, stride = [0] * x.ndim, list(x.shape), [1] * x.ndim
        for i in range(rank):
            start[spatial + i] = at[i] * window.dilation[i]
            count[spatial + i], stride[spatial + i] = window.count[i], window.stride[i]
        out.append(strided_slice(x, start, count, stride))
    return out


def _first_maximum(x: Array, window: Window, spatial: int) -> tuple[Array, Array]:
    """The maxima and their positions in the window; NaN beats every number."""
    parts = slices(x, window, lowest(x.dtype), spatial)
    best, position = parts[0], jnp.zeros(parts[0].shape, np.int32)
    for k, part in enumerate(parts[1:], 1):
        better = (part > best) | (part != part)
        best, position = jnp.where(better, part, best), jnp.where(better, np.int32(k), position)
    return best, position


def tiles(sizes: tuple[int, ...], window: Window) -> bool:
    """Whether the windows neither overlap nor leave a gap, so that every input belongs to one window at most."""
    plain = not any(window.padding) and all(d == 1 for d in window.dilation) and window.kernel == window.stride
    return plain and all(c * k <= n for c, k, n in zip(window.count, window.kernel, sizes, strict=True))


def _spread(g: Array, position: Array, sizes: tuple[int, ...], window: Window, spatial: int) -> Array:
    """Each cotangent at the place in the input that won its window; windows tile the input."""
    rank = len(window.kernel)
    place, edges = jnp.zeros((1,) * g.ndim, np.int32), [(0, 0, 0)] * g.ndim
    for i, k in enumerate(window.kernel):
        axis = spatial + i
        g, position = jnp.repeat(g, k, axis), jnp.repeat(position, k, axis)
        shape = [1] * g.ndim
        shape[axis] = g.shape[axis]
        place = place * k + (jnp.arange(g.shape[axis], dtype=np.int32) % k).reshape(shape)
    out = jnp.where(position == place, g, jnp.zeros((), g.dtype))
    edges[spatial : spatial + rank] = [(0, n - m, 0) for n, m in zip(sizes, out.shape[spatial:], strict=False)]
    return lax.pad(out, jnp.zeros((), g.dtype), edges[: g.ndim])


def _put_back(g: Array, position: Array, sizes: tuple[int, ...], window: Window, spatial: int) -> Array:
    """Each cotangent at the place that won; places of several windows add up."""
    rank, zero = len(window.kernel), jnp.zeros((), g.dtype)
    total = jnp.zeros((), g.dtype)
    for k, at in enumerate(product(*map(range, window.kernel))):
        edges = [(0, 0, 0)] * g.ndim
        for i in range(rank):
            before = at[i] * window.dilation[i] - window.padding[i]
            span = (window.count[i] - 1) * window.stride[i] + 1
            edges[spatial + i] = (before, sizes[i] - span - before, window.stride[i] - 1)
        term = lax.pad(jnp.where(position == k, g, zero), zero, edges)
        total = total + term
    return total


def flat_index(position: Array, sizes: tuple[int, ...], window: Window) -> Array:
    """Positions in the window as int64 positions in the flattened spatial dimensions of an ``(N, C, ...)`` input."""
    rank, rest = len(window.kernel), position
    index = jnp.zeros(position.shape, np.int64)
    scale = 1
    for i in reversed(range(rank)):
        offset, rest = rest % window.kernel[i], rest // window.kernel[i]
        start = np.arange(window.count[i], dtype=np.int64) * window.stride[i] - window.padding[i]
        shape = [1] * position.ndim
        shape[position.ndim - rank + i] = -1
        index += (start.reshape(shape) + offset * window.dilation[i]) * scale
        scale *= sizes[i]
    return index


@functools.partial(custom_gradient, static=(1,))
def max_pool(x: Array, window: Window) -> Array:
    """The maxima of all windows of ``(N, C, ...)``."""
    last = channels_last_inside()
    out = _first_maximum(to_last(x) if last else x, window, 1 if last else 2)[0]
    return from_last(out) if last else out


def max_pool_indices(x: Array, window: Window) -> Array:
    """For every window of ``(N, C, ...)`` where its maximum lies in the flattened spatial dimensions."""
    return flat_index(_first_maximum(x, window, 2)[1], x.shape[2:], window)


def _max_pool_fwd(x: Array, window: Window) -> tuple[Array, Array]:
    return max_pool(x, window), x


def _max_pool_bwd(window: Window, x: Array, g: Array) -> tuple[Array]:
    last = channels_last_inside()
    spatial, sizes = (1 if last else 2), x.shape[2:]
    x, g = (to_last(x), to_last(g)) if last else (x, g)
    position = _first_maximum(x, window, spatial)[1]
    place = _spread if tiles(sizes, window) else _put_back
    out = place(g, position, sizes, window, spatial)
    return (from_last(out) if last else out,)


max_pool.defvjp(_max_pool_fwd, _max_pool_bwd)


def window_table(size: int, kernel: int, stride: int, padding: int, dilation: int, count: int) -> np.ndarray:
    """``(count, kernel)``: the inputs under each window, those outside replaced by the window's nearest inside."""
    start = np.arange(count)[:, None] * stride - padding
    table = start + np.arange(kernel)[None] * dilation
    inside = (table >= 0) & (table < size)
    nearest = np.where(
        table < 0, np.where(inside, table, size).min(1)[:, None], np.where(inside, table, -1).max(1)[:, None]
    )
    return np.where(inside, table, nearest).astype(np.int32)


def gathered_indices(x: Array, tables: Sequence[np.ndarray]) -> Array:
    """Where, in the flattened spatial dimensions of ``(N, C, ...)``, the maxima under ``tables`` lie."""
    rank, sizes = len(tables), x.shape[2:]
    patches, flat = x, np.zeros((1,) * (2 * rank), np.int64)
    for i, table in enumerate(tables):
        patches = jnp.take(patches, table, axis=2 + 2 * i)
        shape = [1] * (2 * rank)
        shape[2 * i : 2 * i + 2] = table.shape
        flat = flat * sizes[i] + table.reshape(shape)
    order = (*range(0, 2 * rank, 2), *range(1, 2 * rank, 2))
    counts = tuple(t.shape[0] for t in tables)
    patches = patches.transpose(0, 1, *(2 + o for o in order)).reshape(*x.shape[:2], *counts, -1)
    flat = jnp.asarray(flat.transpose(order).reshape(*counts, -1))
    best = jnp.argmax(patches, -1, keepdims=True)
    return jnp.take_along_axis(jnp.broadcast_to(flat, patches.shape), best, -1)[..., 0]


def pick(x: Array, index: Array) -> Array:
    """The elements of ``(N, C, ...)`` at ``index`` into its flattened spatial dimensions."""
    flat, at = (a.reshape(*a.shape[:2], math.prod(a.shape[2:])) for a in (x, index))
    return jnp.take_along_axis(flat, at, -1).reshape(index.shape)
