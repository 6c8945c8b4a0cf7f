"""Features of regions of an image: each region is cut into a grid of bins, and each bin becomes one number.

A region is a row ``(image, x1, y1, x2, y2)``; as in torchvision it gets no gradient.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.checks import check_concrete
from fxtorch.ops.table import Array, op


def _check(input: JaxArray, rois: JaxArray) -> None:
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise RuntimeError(f"rois must have shape as Tensor[K, 5], got {list(rois.shape)}")
    if input.dtype != rois.dtype:
        raise RuntimeError(f"Expected tensor for input and rois to have one type, got {input.dtype} and {rois.dtype}")


class _Samples(NamedTuple):
    """Where an axis is sampled, for each region and bin: ``(K, bins, samples)``.

    Attributes:
        low: the pixel before.
        high: the pixel after.
        weight: how much of the pixel after; the rest is of the one before.
        there: 1 for a sample that exists and lies in the image, else 0.
    """

    low: JaxArray
    high: JaxArray
    weight: JaxArray
    there: JaxArray


def _samples(start: JaxArray, length: JaxArray, bins: int, counts: JaxArray, most: int, size: int) -> _Samples:
    """``counts`` samples, evenly spaced, in each of ``bins`` bins of an axis of ``size`` pixels."""
    dtype = start.dtype
    step = (length / bins)[:, None, None]
    n = counts[:, None, None].astype(dtype)
    sample = jnp.arange(most, dtype=dtype)
    at = start[:, None, None] + jnp.arange(bins, dtype=dtype)[:, None] * step + (sample + 0.5) * step / n
    there = (at >= -1) & (at <= size) & (sample < n)
    at = jnp.clip(at, 0, size - 1)
    low = jnp.floor(at).astype(jnp.int32)
    return _Samples(low, jnp.minimum(low + 1, size - 1), at - low, there.astype(dtype))


def _bin_samples(
    rois: JaxArray, shape: tuple[int, ...], bins: tuple[int, int], sampling_ratio: int, scale: float, shift: float,
    least: float,
) -> tuple[tuple[_Samples, _Samples], JaxArray]:  # fmt: skip
    """The samples along height and width, and how many there are in a bin."""
    axes, counts = [], []
    for first, last, n, size in ((2, 4, bins[0], shape[2]), (1, 3, bins[1], shape[3])):
        start = rois[:, first] * scale - shift
        length = rois[:, last] * scale - shift - start
        length = jnp.maximum(length, least) if least else length
        if sampling_ratio > 0:
            most, count = sampling_ratio, jnp.full(rois.shape[:1], sampling_ratio, jnp.int32)
        else:
            check_concrete("roi_align", "give sampling_ratio", rois)
            count = jnp.ceil(length / n).astype(jnp.int32)
            most = max(int(np.max(np.asarray(count), initial=1)), 1)
        counts.append(count)
        axes.append(_samples(start, length, n, count, most, size))
    return (axes[0], axes[1]), jnp.maximum(counts[0] * counts[1], 1)


@op(
    where=("ops.torchvision",),
    saves="inputs",
    dynamic=lambda input, rois, spatial_scale, height, width, sampling_ratio, aligned: sampling_ratio <= 0,
)
def roi_align(
    input: Array,
    rois: Array,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Array:
    """The mean of bilinear samples in each bin of each region, ``(K, C, pooled_height, pooled_width)``.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(K, 5)``.
        spatial_scale: from the regions' coordinates to those of ``input``.
        pooled_height: bins down.
        pooled_width: bins across.
        sampling_ratio: samples in a bin, along each axis; 0 or less for as many as it has pixels, which needs
            regions whose values are known.
        aligned: whether pixel centres lie at half integers.

    Raises:
        RuntimeError: shapes or types do not fit.

    Source: He et al., "Mask R-CNN" (2017).
    """
    _check(input, rois)
    rois = lax.stop_gradient(rois)
    image = rois[:, 0].astype(jnp.int32)
    shift, least = (0.5, 0.0) if aligned else (0.0, 1.0)
    bins = (pooled_height, pooled_width)
    (y, x), count = _bin_samples(rois, input.shape, bins, sampling_ratio, spatial_scale, shift, least)
    channels_last = jnp.moveaxis(input, 1, -1)
    where = image[:, None, None, None, None]

    def corner(row: JaxArray, column: JaxArray, by_row: JaxArray, by_column: JaxArray) -> JaxArray:
        pixels = channels_last[where, row[:, :, None, :, None], column[:, None, :, None, :]]
        weight = by_row[:, :, None, :, None] * by_column[:, None, :, None, :]
        return jnp.einsum("kpqijc,kpqij->kcpq", pixels, weight, precision="highest")

    total = sum(
        corner(row, column, by_row * y.there, by_column * x.there)
        for row, by_row in ((y.low, 1 - y.weight), (y.high, y.weight))
        for column, by_column in ((x.low, 1 - x.weight), (x.high, x.weight))
    )
    return total / count.astype(input.dtype)[:, None, None, None]


def _round(x: JaxArray) -> JaxArray:
    """To the nearest integer, halves away from zero."""
    return (jnp.sign(x) * jnp.floor(jnp.abs(x) + 0.5)).astype(jnp.int32)


def _inside(first: JaxArray, length: JaxArray, bins: int, size: int, dtype: np.dtype) -> JaxArray:
    """Which of ``size`` pixels lie in each bin: ``(bins, size)``, for a region that starts at ``first``."""
    step = length.astype(dtype) / bins
    index = jnp.arange(bins, dtype=dtype)
    low = jnp.floor(index * step).astype(jnp.int32) + first
    high = jnp.ceil((index + 1) * step).astype(jnp.int32) + first
    pixel = jnp.arange(size, dtype=jnp.int32)
    return (pixel >= low[:, None]) & (pixel < high[:, None])


class MaxRegions(NamedTuple):
    """What :func:`roi_pool` returns: the maxima, and where each lies in its channel (-1: in an empty bin)."""

    output: JaxArray
    argmax: JaxArray


@op(where=("ops.torchvision",), saves="residuals")
def roi_pool(
    input: Array, rois: Array, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Array, Array]:
    """The maximum of each bin of each region, 0 for a bin without pixels, and where in its channel it lies.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(K, 5)``; scaled corners are rounded to pixels.
        spatial_scale: from the regions' coordinates to those of ``input``.
        pooled_height: bins down.
        pooled_width: bins across.

    Returns:
        ``(K, C, pooled_height, pooled_width)`` of ``input``'s type, and as many indexes, int32.

    Source: Girshick, "Fast R-CNN" (2015).
    """
    _check(input, rois)
    height, width = input.shape[2:]
    lowest = jnp.asarray(-jnp.inf, input.dtype)

    def one(roi: JaxArray) -> tuple[JaxArray, JaxArray]:
        corners = _round(roi[1:] * spatial_scale)
        lengths = jnp.maximum(corners[2:] - corners[:2] + 1, 1)
        rows = _inside(corners[1], lengths[1], pooled_height, height, input.dtype)
        columns = _inside(corners[0], lengths[0], pooled_width, width, input.dtype)
        pixels = lax.stop_gradient(input[roi[0].astype(jnp.int32)])
        across = jnp.where(columns, pixels[:, :, None], lowest)  # (C, H, bins across, W)
        column, best = across.argmax(-1), across.max(-1)
        down = jnp.where(rows[:, :, None], best[:, None], lowest)  # (C, bins down, H, bins across)
        row = down.argmax(2)
        at = row * width + jnp.take_along_axis(column, row, 1)
        filled = rows.any(1)[:, None] & columns.any(1)
        return at.astype(jnp.int32), jnp.broadcast_to(filled, at.shape)

    at, filled = lax.map(one, lax.stop_gradient(rois))
    flat = input.reshape(*input.shape[:2], height * width)
    image = rois[:, 0].astype(jnp.int32)[:, None, None, None]
    channel = jnp.arange(input.shape[1], dtype=jnp.int32)[:, None, None]
    value = jnp.where(filled, flat[image, channel, at], 0)
    return MaxRegions(value, jnp.where(filled, at, -1))


def _own_channels(input: JaxArray, bins: tuple[int, int]) -> JaxArray:
    """``(N, C * ph * pw, H, W)`` as ``(N, C, ph, pw, H, W)``: each bin has channels of its own."""
    n, channels, height, width = input.shape
    if channels % (bins[0] * bins[1]):
        raise RuntimeError("input channels must be a multiple of pooling height * pooling width")
    return input.reshape(n, channels // (bins[0] * bins[1]), *bins, height, width)


def _channel_mapping(k: int, channels: int, bins: tuple[int, int]) -> JaxArray:
    """The channel that each result was read from, int32."""
    mapping = jnp.arange(channels * bins[0] * bins[1], dtype=jnp.int32).reshape(channels, *bins)
    return jnp.broadcast_to(mapping, (k, *mapping.shape))


def _weigh(input: JaxArray, image: JaxArray, down: JaxArray, across: JaxArray) -> JaxArray:
    """Each bin's own channels, summed with the weights ``down`` (K, ph, H) and ``across`` (K, pw, W)."""

    def one(roi: tuple[JaxArray, JaxArray, JaxArray]) -> JaxArray:
        return jnp.einsum("cpqhw,ph,qw->cpq", input[roi[0]], roi[1], roi[2], precision="highest")

    return lax.map(one, (image, down, across))


class PositionSensitive(NamedTuple):
    """What the position-sensitive operators return: the means, and the channel that each was read from."""

    output: JaxArray
    channel_mapping: JaxArray


@op(
    where=("ops.torchvision",),
    saves="inputs",
    dynamic=lambda input, rois, spatial_scale, height, width, sampling_ratio: sampling_ratio <= 0,
)
def ps_roi_align(
    input: Array, rois: Array, spatial_scale: float, pooled_height: int, pooled_width: int, sampling_ratio: int
) -> tuple[Array, Array]:
    """:func:`roi_align` where each bin reads channels of its own.

    Args:
        input: ``(N, C * pooled_height * pooled_width, H, W)``.
        rois: ``(K, 5)``.
        spatial_scale: from the regions' coordinates to those of ``input``.
        pooled_height: bins down.
        pooled_width: bins across.
        sampling_ratio: as in :func:`roi_align`.

    Returns:
        ``(K, C, pooled_height, pooled_width)``, and the channels, int32.

    Source: Li et al., "Light-Head R-CNN" (2017).
    """
    _check(input, rois)
    bins = (pooled_height, pooled_width)
    own = _own_channels(input, bins)
    rois = lax.stop_gradient(rois)
    (y, x), count = _bin_samples(rois, input.shape, bins, sampling_ratio, spatial_scale, 0.5, 0.0)

    def dense(s: _Samples, size: int) -> JaxArray:
        low, high = (jax.nn.one_hot(i, size, dtype=input.dtype) for i in (s.low, s.high))
        return (low * ((1 - s.weight) * s.there)[..., None] + high * (s.weight * s.there)[..., None]).sum(2)

    total = _weigh(own, rois[:, 0].astype(jnp.int32), dense(y, input.shape[2]), dense(x, input.shape[3]))
    mapping = _channel_mapping(rois.shape[0], own.shape[1], bins)
    return PositionSensitive(total / count.astype(input.dtype)[:, None, None, None], mapping)


@op(where=("ops.torchvision",), saves="inputs")
def ps_roi_pool(
    input: Array, rois: Array, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Array, Array]:
    """The mean of each bin's pixels, each bin reading channels of its own.

    Args:
        input: ``(N, C * pooled_height * pooled_width, H, W)``.
        rois: ``(K, 5)``; scaled corners are rounded to pixels.
        spatial_scale: from the regions' coordinates to those of ``input``.
        pooled_height: bins down.
        pooled_width: bins across.

    Returns:
        ``(K, C, pooled_height, pooled_width)``, and the channels, int32.

    Source: Dai et al., "R-FCN" (2016).
    """
    _check(input, rois)
    bins = (pooled_height, pooled_width)
    own = _own_channels(input, bins)
    rois = lax.stop_gradient(rois)
    corners = _round(rois[:, 1:] * spatial_scale)
    lengths = jnp.maximum(corners[:, 2:] - corners[:, :2], 1)
    inside = jax.vmap(_inside, (0, 0, None, None, None))
    down = inside(corners[:, 1], lengths[:, 1], pooled_height, input.shape[2], input.dtype).astype(input.dtype)
    across = inside(corners[:, 0], lengths[:, 0], pooled_width, input.shape[3], input.dtype).astype(input.dtype)
    # torchvision leaves out the last row and column of pixels; its gradient counts them, ours is that of the result
    down, across = down.at[..., -1].set(0), across.at[..., -1].set(0)
    area = jnp.maximum(down.sum(-1)[:, None, :, None] * across.sum(-1)[:, None, None, :], 1)
    total = _weigh(own, rois[:, 0].astype(jnp.int32), down, across)
    return PositionSensitive(total / area, _channel_mapping(rois.shape[0], own.shape[1], bins))
