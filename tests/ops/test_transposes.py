"""Transpositions moved past elementwise work: what is computed stays, and those that meet are gone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fxtorch.ops import activation
from fxtorch.ops.transposes import cancelling, convolves

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def values(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


def between(work):
    """``work`` on channels first, between transpositions from and to channels last."""
    return lambda x, *rest: lax.transpose(work(lax.transpose(x, FIRST), *rest), LAST)


WORKS = {
    "relu": jax.nn.relu,
    "leaky relu, jitted": jax.jit(lambda x: jnp.where(x > 0, x, 0.2 * x)),
    "bias": lambda x: x + jnp.arange(3.0, dtype="float32").reshape(3, 1, 1),
    "two paths": lambda x: jnp.tanh(x) * x - 1,
    "two paths' gradient": lambda x: jax.vjp(lambda x: jnp.sin(x) * jnp.tanh(x), x)[1](x)[0],
}


def transpositions(function, *args) -> int:
    return str(jax.make_jaxpr(function)(*args)).count("transpose[")


@pytest.mark.parametrize("name", WORKS)
def test_transpositions_around_elementwise_work_cancel(name: str) -> None:
    function, x = between(WORKS[name]), values(2, 4, 5, 3)
    large = [line for line in str(jax.make_jaxpr(cancelling(function))(x)).splitlines() if "f32[2,3,4,5]" in line]
    assert not large
    np.testing.assert_allclose(jax.jit(cancelling(function))(x), function(x), rtol=1.3e-6, atol=1e-5)


ACTIVATIONS = (
    "celu elu gelu hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6 selu silu softplus softsign"
).split()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_transpositions_around_an_activation_and_its_gradient_cancel(name: str) -> None:
    act = getattr(activation, name)
    function, x = between(lambda x: act(x) + jax.vjp(act, x)[1](x)[0]), values(2, 4, 5, 3)
    large = [line for line in str(jax.make_jaxpr(cancelling(function))(x)).splitlines() if "f32[2,3,4,5]" in line]
    assert all("broadcast_in_dim" in line for line in large), "of numbers alone, which costs nothing"
    np.testing.assert_allclose(jax.jit(cancelling(function))(x), function(x), rtol=1.3e-6, atol=1e-5)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2, 3), (1, 3), (0, 1, 2, 3)])
def test_sums_over_any_dimensions_stay(axes: tuple[int, ...]) -> None:
    def function(x):
        return jnp.sum(lax.transpose(x, FIRST), axes)

    x = values(2, 4, 5, 3)
    np.testing.assert_allclose(cancelling(function)(x), function(x), rtol=1.3e-6, atol=1e-5)


def test_an_operand_in_the_other_layout_ends_the_delay() -> None:
    function, x, y = between(lambda x, y: x * y), values(2, 4, 5, 3), values(2, 3, 4, 5)
    assert transpositions(cancelling(function), x, y) == 2
    np.testing.assert_allclose(cancelling(function)(x, y), function(x, y), rtol=1.3e-6, atol=1e-5)


def test_what_is_not_elementwise_sees_the_transposed_value() -> None:
    def function(x):
        y = lax.transpose(x, FIRST)
        return y.reshape(2, -1), lax.scan(lambda c, row: (c + row.sum(), row * 2), 0.0, y)[1], y

    x = values(2, 4, 5, 3)
    for actual, expected in zip(cancelling(function)(x), function(x), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_names_for_profiles_are_kept() -> None:
    def function(x):
        with jax.named_scope("block"):
            return jnp.tanh(x)

    assert "block" in jax.jit(cancelling(function)).lower(values(2, 3)).as_text(debug_info=True)


def test_a_convolution_is_seen_through_nested_functions() -> None:
    def convolved(x):
        return jax.jit(lambda x: lax.conv(x, x, (1, 1), "SAME"))(x)

    x = values(2, 2, 3, 3)
    assert convolves(jax.make_jaxpr(convolved)(x).jaxpr)
    assert not convolves(jax.make_jaxpr(jnp.tanh)(x).jaxpr)
