"""Batch normalisation with one-pass moments and the closed-form gradient.

The moments are sums of ``x - s`` and ``(x - s)^2`` in one pass over the data; the shift ``s``, each channel's mean over
the first sample, keeps ``E[(x - s)^2] - E[x - s]^2`` free of cancellation where the mean is large beside the deviation.

Measured on two cores at 128 x 32 x 32 x 32, 64 x 16 x 16 and 128 x 8 x 8, the moments alone: 2.7, 1.6 and 0.7 ms; as
products with blocks of ones 13, 2.9 and 1.1; by XLA's own sums 32, 7 and 2.6.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
from jax import Array, lax

from fxtorch.ops.channels import totals, wide
from fxtorch.ops.dtypes import cast
from fxtorch.ops.gradient import custom_gradient


def _over_channels(c: Array, x: Array) -> Array:
    """``(C,)`` in the shape that broadcasts over ``(N, C, ...)``."""
    return c.reshape(-1, *(1,) * (x.ndim - 2))


def _count(x: Array) -> int:
    """How many elements a channel of ``(N, C, ...)`` has."""
    return math.prod((x.shape[0], *x.shape[2:]))


def _moved(x: Array) -> tuple[Array, Array]:
    """``x`` without each channel's mean over the first sample, and that mean."""
    shift = lax.stop_gradient(jnp.mean(x[0], tuple(range(1, x.ndim - 1))))
    return x - _over_channels(shift, x), shift


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and biased variance of ``(N, C, ...)`` over all dimensions but ``C``."""
    x = wide(x)
    count = _count(x)
    moved, shift = _moved(x)
    mean = totals(moved) / count
    variance = totals(moved * moved) / count - mean * mean
    return mean + shift, jnp.maximum(variance, 0)


@functools.partial(custom_gradient, static=(3,))
def batch_norm_train(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` for ``(N, C, ...)``, and the moments used.

    The moments serve the running statistics.
    """
    mean, variance = moments(x)
    scale = lax.rsqrt(variance + eps) * wide(weight)
    y = (wide(x) - _over_channels(mean, x)) * _over_channels(scale, x) + _over_channels(wide(bias), x)
    return cast(y, x.dtype), mean, variance


def _train_fwd(x: Array, weight: Array, bias: Array, eps: float) -> tuple[tuple[Array, Array, Array], tuple]:
    out = batch_norm_train(x, weight, bias, eps)
    return out, (x, weight, *out[1:])


def _train_bwd(eps: float, saved: tuple, cotangents: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    """``dx = weight / std (g - mean(g) - xhat mean(g xhat))``, the constants folded into three per channel.

    The moments' own cotangents, which second derivatives need, only change those constants.  The sum of
    ``g (x - mean)`` is made from that of ``g (x - s)``: XLA's sums want what they add in memory, where the ``x - s`` of
    the moments is already (a CNN's step 1.03 times as fast).
    """
    x, weight, mean, variance = saved
    g, g_mean, g_variance = cotangents
    dtype, count = x.dtype, _count(x)
    x, g = wide(x), wide(g)
    inverse = lax.rsqrt(variance + eps)
    moved, shift = _moved(x)
    far = mean - shift
    total = totals(g)
    along = (totals(g * moved) - far * total) * inverse
    scale = wide(weight) * inverse
    slope = (scale * inverse * along - 2 * g_variance) / count
    offset = (scale * total - g_mean) / count - far * slope
    dx = g * _over_channels(scale, x) - _over_channels(offset, x) - moved * _over_channels(slope, x)
    return cast(dx, dtype), cast(along, weight.dtype), cast(total, weight.dtype)


batch_norm_train.defvjp(_train_fwd, _train_bwd)
