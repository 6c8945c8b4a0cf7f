"""Resampling of images and signals along their axes.

Each axis is resampled by itself: nearest neighbours by an index, the others by a sparse combination of neighbours whose
indexes and weights depend on sizes only and are computed in NumPy.  Coordinates are those of the centres of pixels:
result ``i`` lies at ``(i + 1/2) scale - 1/2``, or with ``align_corners`` at ``i (size - 1) / (out - 1)``.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.average_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from fxtorch.ops.dtypes import at_least_single, cast, is_float, type_name
from fxtorch.ops.fixed_point import combine_bytes
from fxtorch.ops.table import Array, op

Scale = float | tuple[float, ...] | None
_CUBIC = -0.75
_CUBIC_ANTIALIAS = -0.5
_NEAREST = ("nearest", "nearest-exact")
_LINEAR = {"linear": 3, "bilinear": 4, "trilinear": 5}
_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def _cubic(d: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution kernel at distance ``d``."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _positions(size: int, out: int, scale: float | None, align: bool) -> np.ndarray:
    i = np.arange(out, dtype=np.float64)
    if align:
        return i * ((size - 1) / (out - 1) if out > 1 else 0.0)
    return (i + 0.5) * (1 / scale if scale else size / out) - 0.5


def _neighbours(size: int, out: int, scale: float | None, align: bool, cubic: bool) -> tuple[np.ndarray, np.ndarray]:
    """``(out, taps)`` indexes and weights of the inputs that each result combines."""
    at = _positions(size, out, scale, align)
    at = at if cubic or align else np.maximum(at, 0)
    low = np.floor(at)
    taps = np.arange(-1, 3) if cubic else np.arange(2)
    index = low[:, None] + taps
    distance = at[:, None] - index
    weights = _cubic(distance, _CUBIC) if cubic else np.maximum(1 - np.abs(distance), 0)
    return np.clip(index, 0, size - 1).astype(np.int32), weights


def _dense(size: int, out: int, scale: float | None, align: bool, cubic: bool) -> np.ndarray:
    """:func:`_neighbours` as ``(out, size)`` weights."""
    index, weights = _neighbours(size, out, scale, align, cubic)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], index), weights)
    return matrix


def _antialias(size: int, out: int, scale: float | None, align: bool, cubic: bool) -> np.ndarray:
    """``(out, size)`` weights of a kernel widened to the step between results."""
    step = ((size - 1) / (out - 1) if out > 1 else 0.0) if align else (1 / scale if scale else size / out)
    width = max(step, 1.0)
    centre = step * (np.arange(out) + 0.5)
    distance = (np.arange(size) + 0.5 - centre[:, None]) / width
    weights = _cubic(distance, _CUBIC_ANTIALIAS) if cubic else np.maximum(1 - np.abs(distance), 0)
    reach = (2 if cubic else 1) * width
    start = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + reach + 0.5).astype(np.int64), size)
    at = np.arange(size)
    weights = np.where((at >= start[:, None]) & (at < end[:, None]), weights, 0)
    return weights / weights.sum(1, keepdims=True)


def _resample(x: JaxArray, axis: int, out: int, scale: float | None, mode: str, align: bool, smooth: bool) -> JaxArray:
    size = x.shape[axis]
    if mode in _NEAREST:
        if out % size == 0 and (scale is None or scale == out / size):
            return jnp.repeat(x, out // size, axis)
        shift = 0.5 if mode == "nearest-exact" else 0.0
        step = np.float32(1 / scale if scale else size / out)
        index = np.minimum(np.floor((np.arange(out, dtype=np.float32) + np.float32(shift)) * step), size - 1)
        return jnp.take(x, index.astype(np.int32), axis)
    cubic = mode == "bicubic"
    if size == out and (scale is None or scale == 1) and not smooth:
        return x
    if x.dtype == np.uint8:
        if size == out:
            return x
        dense = _antialias(size, out, scale, align, cubic) if smooth else _dense(size, out, scale, align, cubic)
        return combine_bytes(x, axis, dense)
    if smooth:
        matrix = jnp.asarray(_antialias(size, out, scale, align, cubic), x.dtype)
        return jnp.moveaxis(jnp.matmul(jnp.moveaxis(x, axis, -1), matrix.T, precision="highest"), -1, axis)
    index, weights = _neighbours(size, out, scale, align, cubic)
    shape = [1] * x.ndim
    shape[axis] = out
    terms = (
        jnp.take(x, index[:, k], axis) * jnp.asarray(weights[:, k].reshape(shape), x.dtype)
        for k in range(index.shape[1])
    )
    return sum(terms, start=jnp.zeros((), x.dtype))


def _target(
    x: JaxArray, size: Any, scale_factor: Scale, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The result's sizes, and the scales that positions are computed from (``None``: from the sizes)."""
    n = x.ndim - 2
    if (size is None) == (scale_factor is None):
        both = "only one of size or scale_factor should be defined"
        raise ValueError(both if size is not None else "either size or scale_factor should be defined")
    if size is not None:
        sizes = (size,) * n if isinstance(size, int) else tuple(int(s) for s in size)
        if len(sizes) != n:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(x.shape[2:])} and output size of {size}. Please provide input tensor in "
                "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        return sizes, (None,) * n
    assert scale_factor is not None
    scales = (float(scale_factor),) * n if isinstance(scale_factor, int | float) else tuple(map(float, scale_factor))
    if len(scales) != n:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(x.shape[2:])} and scale_factor of shape {list(scales)}. Please provide input tensor "
            "in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    sizes = tuple(math.floor(s * f) for s, f in zip(x.shape[2:], scales, strict=True))
    return sizes, (None,) * n if recompute else scales


@op(where=("nn.functional",))
def interpolate(
    input: Array,
    size: int | tuple[int, ...] | None = None,
    scale_factor: Scale = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Array:
    """``(N, C, ...)`` resampled to another size.

    Args:
        input: ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        size: the size of the result, or
        scale_factor: how many times that of the input.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"``, ``"bilinear"``, ``"trilinear"``, ``"bicubic"`` or
            ``"area"`` (adaptive average pooling).
        align_corners: whether the corners' centres stay where they are.
        recompute_scale_factor: compute positions from the sizes, not from ``scale_factor``.
        antialias: widen the kernel when scaling down (bilinear and bicubic).

    Raises:
        ValueError: options that exclude one another, or do not fit the dimensions.
        NotImplementedError: a mode that does not go with the number of dimensions.

    >>> import jax.numpy as jnp
    >>> interpolate(jnp.array([[[1.0, 2.0]]]), scale_factor=2).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """
    if mode in (*_NEAREST, "area") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    align = bool(align_corners)
    sizes, scales = _target(input, size, scale_factor, recompute_scale_factor)
    if antialias and (mode not in ("bilinear", "bicubic") or input.ndim != 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input"
        )
    wanted = {**_LINEAR, "bicubic": 4}.get(mode)
    if input.ndim not in (3, 4, 5) or (wanted is None and mode not in (*_NEAREST, "area")):
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
            f"{input.ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact "
            f"(got {mode})"
        )
    if wanted is not None and wanted != input.ndim:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {wanted}D input")
    if min(sizes) <= 0:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input (H: {list(input.shape[2:])}) "
            f"output {list(sizes)}"
        )
    bytes_too = mode in (*_NEAREST, "bilinear", "bicubic")
    if not is_float(input.dtype) and not (bytes_too and input.dtype == np.uint8):
        name = "adaptive_avg_pool" if mode == "area" else f"upsample_{mode}".replace("-", "_")
        raise NotImplementedError(f"\"{name}{input.ndim - 2}d\" not implemented for '{type_name(input.dtype)}'")
    if mode == "area":
        return _AREA[input.ndim - 2](input, sizes)
    out = input if mode in _NEAREST else at_least_single(input)
    for i, (target, scale) in reversed(list(enumerate(zip(sizes, scales, strict=True)))):
        out = _resample(out, 2 + i, target, scale, mode, align, antialias)
    return cast(out, input.dtype)


def _warn(name: str) -> None:
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)


@op(where=("nn.functional",))
def upsample(
    input: Array,
    size: int | tuple[int, ...] | None = None,
    scale_factor: Scale = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Array:
    """:func:`interpolate` under its old name, with torch's warning."""
    _warn("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


@op(where=("nn.functional",))
def upsample_nearest(input: Array, size: int | tuple[int, ...] | None = None, scale_factor: Scale = None) -> Array:
    """:func:`interpolate` with ``"nearest"``, under its old name."""
    _warn("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


@op(where=("nn.functional",))
def upsample_bilinear(input: Array, size: int | tuple[int, ...] | None = None, scale_factor: Scale = None) -> Array:
    """:func:`interpolate` with ``"bilinear"`` and corners aligned, under its old name."""
    _warn("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)
