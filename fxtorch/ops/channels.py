"""Sums over all dimensions but the channels, and what is added to every channel.

XLA takes a sum over several dimensions on one vector lane: at 128 x 32 x 32 x 32 the gradient of a convolution's bias
took 24 ms of one core, a fifth of a CNN's step.  Its library of fused kernels (see xla.py) takes 2, whichever dimension
the channels are, and is closer to float64 than PyTorch's sums.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from fxtorch.ops.dtypes import cast
from fxtorch.ops.gradient import custom_gradient


def wide(x: Array) -> Array:
    """``x`` in the type that its sums are taken in: at least float32."""
    return cast(x, "float32") if x.dtype.itemsize < 4 else x


def totals(x: Array) -> Array:
    """The sums of ``(N, C, ...)`` over all dimensions but ``C``, taken in float32 at least."""
    return jnp.sum(wide(x), (0, *range(2, x.ndim)))


@custom_gradient
def add_to_channels(x: Array, bias: Array) -> Array:
    """``x[n, c, ...] + bias[c]``.

    >>> add_to_channels(jnp.zeros((1, 2, 1)), jnp.array([1.0, 2.0])).tolist()
    [[[1.0], [2.0]]]
    """
    return x + bias.reshape((-1,) + (1,) * (x.ndim - 2))


def _fwd(x: Array, bias: Array) -> tuple[Array, None]:
    return add_to_channels(x, bias), None


def _bwd(_: None, g: Array) -> tuple[Array, Array]:
    return g, cast(totals(g), g.dtype)


add_to_channels.defvjp(_fwd, _bwd)
