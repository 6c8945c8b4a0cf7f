"""Sums over channels are as exact as NumPy's in float64 allows, in every dtype and layout."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fxtorch.ops.channels import add_to_channels


@pytest.mark.parametrize("shape", [(3, 5), (64, 6, 8, 8), (3, 5, 7), (2, 4, 4, 4, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_the_gradient_of_a_bias_is_the_sum_over_its_channel(shape: tuple[int, ...], dtype: str) -> None:
    g = jnp.asarray(np.random.default_rng(0).standard_normal(shape), dtype)
    bias = jnp.arange(shape[1]).astype(dtype)
    out, pull = jax.vjp(add_to_channels, jnp.zeros_like(g), bias)
    assert (out == jnp.broadcast_to(bias.reshape(-1, *[1] * (len(shape) - 2)), shape)).all()
    d_x, d_bias = pull(g)
    assert (d_x == g).all() and d_bias.dtype == bias.dtype
    wanted = np.asarray(g, np.float64).sum(tuple(i for i in range(len(shape)) if i != 1))
    rtol, atol = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7), "bfloat16": (1.6e-2, 1e-5)}[dtype]
    np.testing.assert_allclose(np.asarray(d_bias, np.float64), wanted, rtol=rtol, atol=atol)
