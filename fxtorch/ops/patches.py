"""Windows as columns and back, and channels as space and back."""

from __future__ import annotations

import math
from itertools import product

import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.pool_kernels import Window, slices
from fxtorch.ops.table import Array, op
from fxtorch.ops.windows import Sizes, expand, times, window_count


def _window(sizes: tuple[int, ...], kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Window:
    k, d = expand(kernel, 2, "kernel_size"), expand(dilation, 2, "dilation")
    p, s = expand(padding, 2, "padding"), expand(stride, 2, "stride")
    count = tuple(window_count(*row) for row in zip(sizes, k, s, p, d, strict=True))
    return Window(k, s, p, d, count)


@op(where=("nn.functional",))
def unfold(input: Array, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Array:
    """Every window of ``(N, C, H, W)`` as a column: ``(N, C KH KW, windows)``.

    Raises:
        RuntimeError: the rank does not fit or no window does.
    """
    if input.ndim not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(input.shape)}"
        )
    x = input[None] if input.ndim == 3 else input
    window = _window(x.shape[2:], kernel_size, dilation, padding, stride)
    if min(window.count) <= 0:
        raise RuntimeError(
            f"Given input with spatial size ({times(x.shape[2:])}), the calculated shape of the array of sliding "
            f"blocks is ({times(window.count)}), but its components must be at least one."
        )
    columns = jnp.stack(slices(x, window, jnp.zeros((), x.dtype), 2), 2)
    out = columns.reshape(x.shape[0], x.shape[1] * math.prod(window.kernel), math.prod(window.count))
    return out[0] if input.ndim == 3 else out


@op(where=("nn.functional",))
def fold(
    input: Array,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Array:
    """Columns ``(N, C KH KW, windows)`` back into ``(N, C, H, W)``, overlapping windows added up.

    Raises:
        RuntimeError: the columns are not those of that size.
    """
    x = input[None] if input.ndim == 2 else input
    sizes = expand(output_size, 2, "output_size")
    window = _window(sizes, kernel_size, dilation, padding, stride)
    area, columns = math.prod(window.kernel), math.prod(window.count)
    if x.shape[1] % area:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={x.shape[1]} and kernel_size=({', '.join(map(str, window.kernel))})."
        )
    if x.shape[2] != columns:
        raise RuntimeError(
            f"Given output_size=({', '.join(map(str, sizes))}), expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {times(window.count)} = {columns}, "
            f"but got input.size(2)={x.shape[2]}."
        )
    channels, zero = x.shape[1] // area, jnp.zeros((), x.dtype)
    parts = x.reshape(x.shape[0], channels, area, *window.count)
    total = jnp.zeros((x.shape[0], channels, *sizes), x.dtype)
    for k, at in enumerate(product(*map(range, window.kernel))):
        edges = [(0, 0, 0), (0, 0, 0)]
        for i in range(2):
            before = at[i] * window.dilation[i] - window.padding[i]
            span = (window.count[i] - 1) * window.stride[i] + 1
            edges.append((before, sizes[i] - span - before, window.stride[i] - 1))
        total = total + lax.pad(parts[:, :, k], zero, edges)
    return total[0] if input.ndim == 2 else total


@op(where=("torch", "nn.functional"))
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    """``(..., C r^2, H, W)`` as ``(..., C, H r, W r)``.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution" (2016).

    Raises:
        RuntimeError: fewer than 3 dimensions, or channels that are no multiple of ``r^2``.
    """
    _check_image("pixel_shuffle", input)
    r = upscale_factor
    *lead, c, h, w = input.shape
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={c} is not divisible by {r * r}"
        )
    x = input.reshape(math.prod(lead), c // (r * r), r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(*lead, c // (r * r), h * r, w * r)


@op(where=("torch", "nn.functional"))
def pixel_unshuffle(input: Array, downscale_factor: int) -> Array:
    """``(..., C, H r, W r)`` as ``(..., C r^2, H, W)``: the inverse of :func:`pixel_shuffle`."""
    _check_image("pixel_unshuffle", input)
    r = downscale_factor
    *lead, c, h, w = input.shape
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    for name, at, size in (("height", -2, h), ("width", -1, w)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({at})={size} is "
                f"not divisible by {r}"
            )
    x = input.reshape(math.prod(lead), c, h // r, r, w // r, r).transpose(0, 1, 3, 5, 2, 4)
    return x.reshape(*lead, c * r * r, h // r, w // r)


def _check_image(name: str, x: JaxArray) -> None:
    if x.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {x.ndim} dimension(s)"
        )


@op(where=("torch", "nn.functional"), aliases=("native_channel_shuffle",))
def channel_shuffle(input: Array, groups: int) -> Array:
    """The channels of ``(N, C, ...)`` taken in turn from each of ``groups`` groups.

    Raises:
        RuntimeError: fewer than 3 dimensions, or channels that do not split into the groups.
    """
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    n, c, *rest = input.shape
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    return input.reshape(n, groups, c // groups, *rest).swapaxes(1, 2).reshape(input.shape)
