"""The unrolled Threefry gives JAX's own bits."""

from __future__ import annotations

import jax
import pytest

from fxtorch.ops.random_bits import random_bits, random_floats


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 129)])
@pytest.mark.parametrize("seed", [0, 1, 2**32 + 5])
def test_the_bits_are_those_of_jax(shape: tuple[int, ...], seed: int) -> None:
    key = jax.random.key(seed, impl="threefry2x32")
    assert (random_bits(jax.random.key_data(key), shape) == jax.random.bits(key, shape, "uint32")).all()
    assert (random_floats(jax.random.key_data(key), shape) == jax.random.uniform(key, shape, "float32")).all()


def test_keys_in_a_batch_draw_what_each_draws() -> None:
    keys = jax.random.key_data(jax.random.split(jax.random.key(3), 4))
    rows = jax.vmap(lambda key: random_bits(key, (5, 2)))(keys)
    assert all((row == random_bits(key, (5, 2))).all() for row, key in zip(rows, keys, strict=True))
