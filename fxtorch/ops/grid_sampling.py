"""Sampling of images at given places: spatial transformers.

Source: Jaderberg et al., "Spatial Transformer Networks" (2015).
"""

from __future__ import annotations

import warnings
from itertools import product

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.dtypes import cast
from fxtorch.ops.table import Array, op

_CUBIC = -0.75


def _warn_align(name: str) -> None:
    warnings.warn(
        f"Default {name} and affine_grid behavior has changed to align_corners=False since 1.3.0. "
        "Please specify align_corners=True if the old behavior is desired. "
        f"See the documentation of {name} for details.",
        stacklevel=3,
    )


@op(where=("nn.functional",))
def affine_grid(theta: Array, size: tuple[int, ...], align_corners: bool | None = None) -> Array:
    """Where each pixel of a ``size`` image comes from under the affine maps ``theta``.

    Args:
        theta: ``(N, 2, 3)``, or ``(N, 3, 4)`` for volumes.
        size: ``(N, C, H, W)``, or ``(N, C, D, H, W)``.
        align_corners: whether -1 and 1 are the centres of the outer pixels, or their outer edges.

    Returns:
        ``(N, H, W, 2)`` of ``(x, y)``, or ``(N, D, H, W, 3)``.
    """
    if align_corners is None:
        _warn_align("affine_grid")
    spatial = size[2:]
    if theta.ndim != 3 or theta.shape[1:] != (len(spatial), len(spatial) + 1):
        shape = f"Nx{len(spatial)}x{len(spatial) + 1}"
        raise ValueError(
            f"Expected a batch of {len(spatial)}D affine matrices of shape {shape} for size torch.Size({list(size)}). "
            f"Got {list(theta.shape)}."
        )
    axes = []
    for n in reversed(spatial):
        line = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        axes.append(jnp.asarray(line if align_corners else line * ((n - 1) / n), theta.dtype))
    base = jnp.meshgrid(*reversed(axes), indexing="ij")[::-1]
    points = jnp.stack([*base, jnp.ones(spatial, theta.dtype)], -1)
    return jnp.einsum("...k,njk->n...j", points, theta)


def _reflect(x: JaxArray, low: float, high: float) -> JaxArray:
    """``x`` folded back at both ends until it lies between them."""
    span = high - low
    if span == 0:
        return jnp.zeros_like(x)
    x = jnp.abs(x - low)
    turns = jnp.floor(x / span)
    rest = x - turns * span
    return jnp.where(turns % 2 == 0, rest + low, span - rest + low)


def _inside(x: JaxArray, size: int, mode: str, align: bool) -> JaxArray:
    """Coordinates after padding: unchanged for zeros, else brought inside."""
    if mode == "reflection":
        x = _reflect(x, 0.0, size - 1.0) if align else _reflect(x, -0.5, size - 0.5)
    # torch's clip has derivative 0 at the bounds themselves.
    return x if mode == "zeros" else jnp.where(x <= 0, 0, jnp.where(x >= size - 1, size - 1, x))


def _pick(image: JaxArray, at: list[JaxArray]) -> JaxArray:
    """``image[n, :, at...]`` with zeros outside; ``at`` holds whole numbers, outermost axis first."""
    sizes = image.shape[2:]
    inside = jnp.ones(at[0].shape, bool)
    flat = jnp.zeros(at[0].shape, np.int32)
    for a, n in zip(at, sizes, strict=True):
        inside &= (a >= 0) & (a <= n - 1)
        flat = flat * n + cast(jnp.clip(jnp.nan_to_num(a), 0, n - 1), "int32")
    n, c = image.shape[:2]
    values = jnp.take_along_axis(image.reshape(n, c, -1), flat.reshape(n, 1, -1), 2).reshape(n, c, *flat.shape[1:])
    return jnp.where(inside[:, None], values, 0)


def _cubic_weights(t: JaxArray) -> list[JaxArray]:
    a = _CUBIC

    def near(d: JaxArray) -> JaxArray:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: JaxArray) -> JaxArray:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


@op(where=("nn.functional",), real=True)
def grid_sample(
    input: Array,
    grid: Array,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Array:
    """The values of ``input`` at the places of ``grid``.

    Args:
        input: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        grid: ``(N, OH, OW, 2)`` of ``(x, y)`` in ``[-1, 1]``, or ``(N, OD, OH, OW, 3)``.
        mode: ``"bilinear"`` (of 2 or 3 axes), ``"nearest"`` or ``"bicubic"`` (images only).
        padding_mode: outside lie ``"zeros"``, the ``"border"`` or the ``"reflection"``.
        align_corners: whether -1 and 1 are the centres of the outer pixels, or their outer edges.

    Raises:
        ValueError: an unknown mode.
        RuntimeError: shapes do not fit.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
            f"but got: '{padding_mode}'"
        )
    if align_corners is None:
        _warn_align("grid_sample")
    rank, align = input.ndim - 2, bool(align_corners)
    if rank not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != rank or grid.shape[0] != input.shape[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size and grid to have size {rank} in last "
            f"dimension, but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if mode == "bicubic" and rank != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    raw = []
    for i, size in enumerate(input.shape[2:]):
        g = grid[..., rank - 1 - i]
        raw.append((g + 1) / 2 * (size - 1) if align else ((g + 1) * size - 1) / 2)
    sizes = input.shape[2:]
    if mode == "bicubic":
        return _bicubic(input, raw, padding_mode, align)
    at = [_inside(a, n, padding_mode, align) for a, n in zip(raw, sizes, strict=True)]
    if mode == "nearest":
        return _pick(input, [jnp.round(a) for a in at])
    low = [jnp.floor(a) for a in at]
    out = jnp.zeros((), input.dtype)
    for corner in product((0, 1), repeat=rank):
        weight = jnp.ones((), input.dtype)
        for a, b, up in zip(at, low, corner, strict=True):
            weight = weight * ((a - b) if up else (b + 1 - a))
        out = out + _pick(input, [b + up for b, up in zip(low, corner, strict=True)]) * weight[:, None]
    return out


def _bicubic(image: JaxArray, raw: list[JaxArray], padding: str, align: bool) -> JaxArray:
    low = [jnp.floor(a) for a in raw]
    weights = [_cubic_weights(a - b) for a, b in zip(raw, low, strict=True)]
    out = jnp.zeros((), image.dtype)
    for i, j in product(range(4), repeat=2):
        places = [_inside(b + k - 1, n, padding, align) for b, k, n in zip(low, (i, j), image.shape[2:], strict=True)]
        out = out + _pick(image, places) * (weights[0][i] * weights[1][j])[:, None]
    return out


_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


@op(aliases=("grid_sampler_2d", "grid_sampler_3d"), real=True)
def grid_sampler(input: Array, grid: Array, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Array:
    """:func:`grid_sample` with its modes numbered in the order in which it lists them."""
    return grid_sample(input, grid, _MODES[interpolation_mode], _PADDINGS[padding_mode], align_corners)
