"""The three bilinear maps of a convolution, each the gradient of the other two.

With ``y = x * w`` the sum ``<x * w, g>`` is linear in ``x``, ``w`` and ``g``.  :func:`forward` is its derivative by
``g``, :func:`input_gradient` by ``x`` and :func:`weight_gradient` by ``w``, so that each rule below is made of the
other two and derivatives of every order use the same three kernels.

How each is given to XLA is chosen here, by measurement on a CPU (benchmarks: convolution):

* channels last inside on a CPU (see layout.py);
* the weight gradient as a convolution whose contracted feature is the batch;
* the gradient by the input as one product and a sum of its taps where there are few outputs and many channels: the
  kernel, which is then the largest array, need not be turned round (3x3, batch 16, two cores: 512 to 512 channels on
  4x4, 8.5 to 4.3 ms; 256 to 512 with stride 2, 4.5 to 2.5; no gain from as many outputs as channels on);
* where a kernel is larger than its input, XLA exchanges the two, which a CPU then does without a matrix product: the
  padding is done first (3x3 over 2x2, 256 to 256 channels, batch 64: 44 to 3.3 ms; 5x5 over 4x4: 924 to 22), and a
  transposed convolution is done by phases (4x4 over 3x3, stride 2: 85 to 5.8 ms; 7x7 over 1x1: 45 to 3.2).
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.layout import channels_last_inside, from_last, to_last

_SPATIAL = "HWD"


class Geometry(NamedTuple):
    """What, besides the arrays, determines a convolution."""

    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int


def _layouts(n: int, last: bool) -> tuple[str, str, str]:
    s = _SPATIAL[:n]
    return (f"N{s}C", f"{s}IO", f"N{s}C") if last else (f"NC{s}", f"OI{s}", f"NC{s}")


def _kernel_last(w: Array) -> Array:
    return w.transpose(*range(2, w.ndim), 1, 0)


def _convolve(
    x: Array,
    w: Array,
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    groups: int,
    spread: tuple[int, ...] | None = None,
) -> Array:
    """XLA's convolution of ``(N, C, ...)`` with ``(O, C / groups, ...)``; ``spread`` puts zeros between the inputs."""
    last = channels_last_inside()
    if last and groups == 1 and math.prod(w.shape[2:]) > math.prod(x.shape[2:]) and any(map(any, padding)):
        between = spread or (1,) * len(padding)
        edges = [(lo, hi, step - 1) for (lo, hi), step in zip(padding, between, strict=True)]
        # the barrier keeps XLA from making the padding a part of the convolution again
        x = lax.optimization_barrier(lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), (0, 0, 0), *edges]))
        padding, spread = ((0, 0),) * len(padding), None
    out = lax.conv_general_dilated(
        to_last(x) if last else x,
        _kernel_last(w) if last else w,
        stride,
        padding,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        dimension_numbers=_layouts(x.ndim - 2, last),
        feature_group_count=groups,
    )
    return from_last(out) if last else out


@functools.partial(custom_gradient, static=(2,))
def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """``y[n, o, p] = sum_{c, k} x[n, c, stride p + dilation k - padding] w[o, c, k]``."""
    return _convolve(x, w, *geometry)


@functools.partial(custom_gradient, static=(2, 3))
def input_gradient(g: Array, w: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The ``x`` of spatial ``sizes`` with ``<x, h> = <forward(h, w), g>`` for every ``h``."""
    groups, kernel = geometry.groups, w.shape[2:]
    undilated = all(d == 1 for d in geometry.dilation)
    if channels_last_inside() and groups == 1:
        if undilated and math.prod(kernel) > math.prod(g.shape[2:]):
            return _by_phases(g, w, sizes, geometry)
        if len(g) * math.prod(g.shape[2:]) <= len(w) * math.prod(geometry.stride):
            return _by_taps(g, w, sizes, geometry)
    out, per_group = w.shape[:2]
    flipped = lax.rev(w, tuple(range(2, w.ndim)))
    if groups == 1:
        flipped = flipped.swapaxes(0, 1)
    else:
        flipped = flipped.reshape(groups, out // groups, per_group, *kernel).swapaxes(1, 2)
        flipped = flipped.reshape(groups * per_group, out // groups, *kernel)
    pads = []
    rows = zip(sizes, g.shape[2:], kernel, geometry.stride, geometry.padding, geometry.dilation, strict=True)
    for size, count, k, stride, (low, _), dilation in rows:
        before = dilation * (k - 1) - low
        pads.append((before, size - 1 + low - (count - 1) * stride))
    return _convolve(g, flipped, (1,) * len(sizes), tuple(pads), geometry.dilation, groups, geometry.stride)


def _by_taps(g: Array, w: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """:func:`input_gradient` as one product for all taps of the kernel, each then added where it belongs."""
    n, kernel, last = len(sizes), w.shape[2:], to_last(g)
    rows = _kernel_last(w).reshape(-1, len(w))  # of two dimensions, or XLA turns it round for the product
    products = lax.dot_general(last.reshape(-1, len(w)), rows, (((1,), (1,)), ((), ())))
    products = products.reshape(*last.shape[:-1], *kernel, w.shape[1])
    total = None
    for tap in itertools.product(*map(range, kernel)):
        rows = zip(tap, sizes, g.shape[2:], geometry.stride, geometry.padding, geometry.dilation, strict=True)
        starts = [(k * dilation - low, size, count, step) for k, size, count, step, (low, _), dilation in rows]
        edges = [(lo, size - 1 - lo - (count - 1) * step, step - 1) for lo, size, count, step in starts]
        part = products[(slice(None),) * (1 + n) + tap]
        part = lax.pad(part, jnp.zeros((), part.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
        total = part if total is None else total + part
    assert total is not None
    return from_last(total)


def _by_phases(g: Array, w: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """:func:`input_gradient`, where every ``stride``-th element is made by the same taps of the kernel.

    One convolution with stride 1 makes the elements of all phases as channels, which are then put side by side.
    """
    n, kernel = len(sizes), w.shape[2:]
    # a single element has no neighbours, so that its stride may be as long as the kernel: then each phase has one tap
    stride = [max(s, k) if count == 1 else s for s, k, count in zip(geometry.stride, kernel, g.shape[2:], strict=True)]
    phases = [min(k, s) for k, s in zip(kernel, stride, strict=True)]
    taps = [-(-k // s) for k, s in zip(kernel, stride, strict=True)]
    low = [lo for lo, _ in geometry.padding]
    first = [lo // s for lo, s in zip(low, stride, strict=True)]
    blocks = [(lo + size - 1) // s + 1 - f for lo, size, s, f in zip(low, sizes, stride, first, strict=True)]
    tap_axes, phase_axes = range(2, 2 + 2 * n, 2), range(3, 3 + 2 * n, 2)
    whole = jnp.pad(w, [(0, 0), (0, 0), *((0, t * p - k) for t, p, k in zip(taps, phases, kernel, strict=True))])
    split = whole.reshape(*w.shape[:2], *(x for pair in zip(taps, phases, strict=True) for x in pair))
    rows = lax.rev(split, tuple(tap_axes)).transpose(*phase_axes, 1, 0, *tap_axes).reshape(-1, w.shape[0], *taps)
    edges = zip(taps, first, blocks, g.shape[2:], strict=True)
    pads = tuple((t - 1 - f, f + count_out - count) for t, f, count_out, count in edges)
    y = to_last(_convolve(g, rows, (1,) * n, pads, (1,) * n, 1))
    y = y.reshape(len(g), *blocks, *phases, w.shape[1])
    silent = [(0, s - p) for s, p in zip(stride, phases, strict=True)]  # phases that no tap reaches
    y = jnp.pad(y, [(0, 0)] * (1 + n) + silent + [(0, 0)])
    y = y.transpose(0, *(i for d in range(n) for i in (1 + d, 1 + n + d)), 1 + 2 * n)
    y = y.reshape(len(g), *(b * s for b, s in zip(blocks, stride, strict=True)), w.shape[1])
    start = [lo - f * s for lo, f, s in zip(low, first, stride, strict=True)]
    return from_last(y[(slice(None), *(slice(a, a + size) for a, size in zip(start, sizes, strict=True)))])


@functools.partial(custom_gradient, static=(2, 3))
def weight_gradient(x: Array, g: Array, kernel: tuple[int, ...], geometry: Geometry) -> Array:
    """The ``w`` of spatial size ``kernel`` with ``<w, h> = <forward(x, h), g>`` for every ``h``."""
    stride, padding, dilation, groups = geometry
    pads = tuple(
        (low, (k - 1) * d + (count - 1) * s + 1 - size - low)
        for size, count, k, s, (low, _), d in zip(
            x.shape[2:], g.shape[2:], kernel, stride, padding, dilation, strict=True
        )
    )
    s = _SPATIAL[: len(kernel)]
    last = channels_last_inside()
    if last:
        lhs, rhs, layouts = to_last(x), to_last(g), (f"C{s}N", f"I{s}O", f"N{s}C")
    else:
        lhs, rhs, layouts = x, g, (f"CN{s}", f"IO{s}", f"CN{s}")
    out = lax.conv_general_dilated(
        lhs,
        rhs,
        dilation,
        pads,
        rhs_dilation=stride,
        dimension_numbers=layouts,
        batch_group_count=groups,
    )
    if not last:
        return out
    spatial = range(out.ndim - 2)
    rows = out.transpose(*(1 + i for i in spatial), 0, out.ndim - 1)  # as forward reads them: so a step may keep them
    return rows.transpose(out.ndim - 1, out.ndim - 2, *spatial)


def _forward_fwd(x: Array, w: Array, geometry: Geometry) -> tuple[Array, tuple[Array, Array]]:
    return forward(x, w, geometry), (x, w)


def _forward_bwd(geometry: Geometry, saved: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, w = saved
    return input_gradient(g, w, x.shape[2:], geometry), weight_gradient(x, g, w.shape[2:], geometry)


forward.defvjp(_forward_fwd, _forward_bwd)


def _forward_like(x: Array, w: Array, geometry: Geometry, g: Array) -> Array:
    """:func:`forward`, cut to the shape of ``g``: output padding beyond the stride leaves room for more windows."""
    return forward(x, w, geometry)[tuple(slice(0, size) for size in g.shape)]


def _input_fwd(g: Array, w: Array, sizes: tuple[int, ...], geometry: Geometry) -> tuple[Array, tuple[Array, Array]]:
    return input_gradient(g, w, sizes, geometry), (g, w)


def _input_bwd(sizes: tuple[int, ...], geometry: Geometry, saved: tuple[Array, Array], h: Array) -> tuple[Array, Array]:
    g, w = saved
    return _forward_like(h, w, geometry, g), weight_gradient(h, g, w.shape[2:], geometry)


input_gradient.defvjp(_input_fwd, _input_bwd)


def _weight_fwd(x: Array, g: Array, kernel: tuple[int, ...], geometry: Geometry) -> tuple[Array, tuple[Array, Array]]:
    return weight_gradient(x, g, kernel, geometry), (x, g)


def _weight_bwd(
    kernel: tuple[int, ...], geometry: Geometry, saved: tuple[Array, Array], h: Array
) -> tuple[Array, Array]:
    x, g = saved
    return input_gradient(g, h, x.shape[2:], geometry), _forward_like(x, h, geometry, g)


weight_gradient.defvjp(_weight_fwd, _weight_bwd)
