"""Filters that feed back what they gave."""

from __future__ import annotations

from jax import lax
from jax import numpy as jnp

from fxtorch.ops.table import Array, op


@op(name="_feed_back", where=("audio",), saves="residuals")
def feed_back(input: Array, coefficients: Array) -> Array:
    """``y[n] = x[n] - sum_k coefficients[k] y[n - 1 - k]``, along the last dimension.

    Args:
        input: ``(..., channels, samples)``.
        coefficients: ``(channels, order)``.

    >>> feed_back(jnp.ones((1, 3)), jnp.full((1, 1), -0.5)).tolist()
    [[1.0, 1.5, 1.75]]
    """
    order = coefficients.shape[-1]
    if order == 0:
        return input
    before = jnp.zeros((*input.shape[:-1], order), input.dtype)

    def step(before: Array, x: Array) -> tuple[Array, Array]:
        y = x - jnp.sum(coefficients * before, axis=-1)
        return jnp.concatenate([y[..., None], before[..., :-1]], axis=-1), y

    return jnp.moveaxis(lax.scan(step, before, jnp.moveaxis(input, -1, 0))[1], 0, -1)
