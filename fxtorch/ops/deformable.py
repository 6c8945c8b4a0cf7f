"""Convolution whose taps are moved by learned offsets."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array as JaxArray

from fxtorch.ops.table import Array, op


def _bilinear(input: JaxArray, y: JaxArray, x: JaxArray) -> JaxArray:
    """``(N, G, C, H, W)`` at positions ``(N, G, ...)``, zero outside: ``(N, G, C, ...)``."""
    height, width = input.shape[-2:]
    n = jnp.arange(input.shape[0], dtype=jnp.int32).reshape(-1, 1, *(1,) * (y.ndim - 2))
    g = jnp.arange(input.shape[1], dtype=jnp.int32).reshape(1, -1, *(1,) * (y.ndim - 2))
    inside = (y > -1) & (y < height) & (x > -1) & (x < width)
    low_y, low_x = jnp.floor(y), jnp.floor(x)
    total = jnp.zeros((), input.dtype)
    for step_y in (0, 1):
        for step_x in (0, 1):
            at_y, at_x = low_y + step_y, low_x + step_x
            there = inside & (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
            weight = (1 - jnp.abs(y - at_y)) * (1 - jnp.abs(x - at_x))
            row = jnp.clip(at_y, 0, height - 1).astype(jnp.int32)
            column = jnp.clip(at_x, 0, width - 1).astype(jnp.int32)
            pixels = input[n, g, :, row, column]
            total = total + pixels * jnp.where(there, weight, 0)[..., None]
    return jnp.moveaxis(total, -1, 2)


@op(where=("ops.torchvision",), saves="inputs")
def deform_conv2d(
    input: Array,
    weight: Array,
    offset: Array,
    mask: Array,
    bias: Array,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    groups: int,
    offset_groups: int,
    use_mask: bool,
) -> Array:
    """A convolution that reads each tap at its place plus an offset, bilinearly, and may weigh it by a mask.

    Args:
        input: ``(N, C, H, W)``.
        weight: ``(C_out, C / groups, kh, kw)``.
        offset: ``(N, 2 * offset_groups * kh * kw, oh, ow)``: for each tap down and across.
        mask: ``(N, offset_groups * kh * kw, oh, ow)``; not read unless ``use_mask``.
        bias: ``(C_out,)``.
        stride_h: step down.
        stride_w: step across.
        pad_h: zeros above and below.
        pad_w: zeros left and right.
        dilation_h: distance of taps down.
        dilation_w: distance of taps across.
        groups: groups of channels that do not mix.
        offset_groups: groups of channels that have offsets of their own.
        use_mask: whether there is a mask.

    Raises:
        RuntimeError: the shapes do not fit.

    Source: Zhu et al., "Deformable ConvNets v2" (2018).
    """
    n, channels, height, width = input.shape
    out_channels, _, kh, kw = weight.shape
    oh = (height + 2 * pad_h - dilation_h * (kh - 1) - 1) // stride_h + 1
    ow = (width + 2 * pad_w - dilation_w * (kw - 1) - 1) // stride_w + 1
    wanted = {"offset": (offset, 2 * offset_groups * kh * kw)}
    if use_mask:
        wanted["mask"] = (mask, offset_groups * kh * kw)
    for name, (given, depth) in wanted.items():
        if given.shape != (n, depth, oh, ow):
            raise RuntimeError(f"{name} should have shape {[n, depth, oh, ow]}, got {list(given.shape)}")
    moved = offset.reshape(n, offset_groups, kh * kw, 2, oh, ow)
    tap_y, tap_x = jnp.meshgrid(
        jnp.arange(kh, dtype=input.dtype) * dilation_h, jnp.arange(kw, dtype=input.dtype) * dilation_w, indexing="ij"
    )
    row = jnp.arange(oh, dtype=input.dtype)[:, None] * stride_h - pad_h
    column = jnp.arange(ow, dtype=input.dtype) * stride_w - pad_w
    y = moved[:, :, :, 0] + tap_y.reshape(-1, 1, 1) + row
    x = moved[:, :, :, 1] + tap_x.reshape(-1, 1, 1) + column
    taps = _bilinear(input.reshape(n, offset_groups, channels // offset_groups, height, width), y, x)
    if use_mask:
        taps = taps * mask.reshape(n, offset_groups, 1, kh * kw, oh, ow)
    taps = taps.reshape(n, groups, channels // groups, kh * kw, oh, ow)
    kernel = weight.reshape(groups, out_channels // groups, channels // groups, kh * kw)
    out = jnp.einsum("ngckhw,gock->ngohw", taps, kernel, precision="highest")
    return out.reshape(n, out_channels, oh, ow) + bias[:, None, None]
