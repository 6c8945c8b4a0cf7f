"""Batch normalisation with one-pass moments and the closed-form gradient.

The moments are sums of ``x - s`` and ``(x - s)^2`` in one pass over the data; the shift ``s``, each channel's mean over
the first sample, keeps ``E[(x - s)^2] - E[x - s]^2`` free of cancellation where the mean is large beside the deviation.

Measured on two cores at 128 x 32 x 32 x 32, 64 x 16 x 16 and 128 x 8 x 8, forward and backward: by XLA reducing over
three dimensions 18, 9 and 3 ms, over one 11, 4.6 and 1.4, as products with blocks of ones 7.5, 3 and 1, PyTorch 14, 4
and 1.8.  Against float64 the blocks are as exact as PyTorch; one product with all rows loses two digits.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
from jax import Array, lax

from fxtorch.ops.channels import totals, wide
from fxtorch.ops.dtypes import cast
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.layout import channels_last_inside, from_last, to_last


def _axes(x: Array, channel: int) -> tuple[tuple[int, ...], list[int], int]:
    axes = tuple(i for i in range(x.ndim) if i != channel)
    shape = [1] * x.ndim
    shape[channel] = x.shape[channel]
    return axes, shape, math.prod(x.shape[i] for i in axes)


def moments(x: Array, channel: int) -> tuple[Array, Array]:
    """Mean and biased variance over all dimensions but ``channel``."""
    x = wide(x)
    axes, _, count = _axes(x, channel)
    shift = lax.stop_gradient(jnp.mean(lax.index_in_dim(x, 0, 0), axes, keepdims=True))
    moved = x - shift
    mean = totals(moved, channel) / count
    variance = totals(moved * moved, channel) / count - mean * mean
    return mean + shift.reshape(-1), jnp.maximum(variance, 0)


def _normalize(x: Array, weight: Array, bias: Array, eps: float, channel: int) -> tuple[Array, Array, Array]:
    shape = _axes(x, channel)[1]
    mean, variance = moments(x, channel)
    scale = lax.rsqrt(variance + eps) * wide(weight)
    y = (wide(x) - mean.reshape(shape)) * scale.reshape(shape) + wide(bias).reshape(shape)
    return cast(y, x.dtype), mean, variance


@functools.partial(custom_gradient, static=(3,))
def batch_norm_train(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` for ``(N, C, ...)``, and the moments used.

    The moments serve the running statistics.
    """
    if not channels_last_inside():
        y, mean, variance = _normalize(x, weight, bias, eps, 1)
    else:
        y, mean, variance = _normalize(to_last(x), weight, bias, eps, x.ndim - 1)
        y = from_last(y)
    return y, mean, variance


def _train_fwd(x: Array, weight: Array, bias: Array, eps: float) -> tuple[tuple[Array, Array, Array], tuple]:
    out = batch_norm_train(x, weight, bias, eps)
    return out, (x, weight, *out[1:])


def _train_bwd(eps: float, saved: tuple, cotangents: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    """``dx = weight / std (g - mean(g) - xhat mean(g xhat))``, the constants folded into three per channel.

    The moments' own cotangents, which second derivatives need, only change those constants.
    """
    x, weight, mean, variance = saved
    last, dtype = channels_last_inside(), x.dtype
    g, g_mean, g_variance = cotangents
    x, g = (to_last(x), to_last(g)) if last else (x, g)
    x, g = wide(x), wide(g)
    channel = x.ndim - 1 if last else 1
    _, shape, count = _axes(x, channel)
    inverse = lax.rsqrt(variance + eps)
    centred = x - mean.reshape(shape)
    total = totals(g, channel)
    along = totals(g * centred, channel) * inverse
    scale = wide(weight) * inverse
    offset = (scale * total - g_mean) / count
    slope = (scale * inverse * along - 2 * g_variance) / count
    dx = g * scale.reshape(shape) - offset.reshape(shape) - centred * slope.reshape(shape)
    dx = cast(from_last(dx) if last else dx, dtype)
    return dx, cast(along, weight.dtype), cast(total, weight.dtype)


batch_norm_train.defvjp(_train_fwd, _train_bwd)
