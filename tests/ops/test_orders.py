"""In which order of dimensions results come, and what puts them in another."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fxtorch.ops.conv_kernels import Geometry, forward, weight_gradient
from fxtorch.ops.orders import back, orders_of_results, turned
from fxtorch.ops.transposes import cancelling

X, W = jnp.ones((2, 3, 4), "float32"), jnp.ones((4, 2, 3), "float32")
TURN = (2, 0, 1)

RESULTS = {
    "as it is": (lambda x, w: w * 2, None),
    "a transposition": (lambda x, w: lax.transpose(x, TURN), TURN),
    "elementwise work after it": (lambda x, w: w - 0.1 * jnp.tanh(lax.transpose(x, TURN)), TURN),
    "in a function of its own": (lambda x, w: jax.jit(lambda x: lax.transpose(x, TURN) + 1)(x) * w, TURN),
    "of an operand of a function of its own": (lambda x, w: jax.jit(lambda y: y + 1)(lax.transpose(x, TURN)), TURN),
    "two that cancel": (lambda x, w: lax.transpose(lax.transpose(x, TURN), back(TURN)), None),
    "two that do not": (lambda x, w: lax.transpose(lax.transpose(x, TURN), TURN), (1, 2, 0)),
    "a sum over a dimension after it": (lambda x, w: lax.transpose(x, TURN).sum(0), None),
    "work in another order after it": (lambda x, w: jnp.sort(lax.transpose(x, TURN), axis=0), None),
    "rows that are moved": (lambda x, w: lax.transpose(x, (1, 0, 2)), None),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_order_is_that_of_the_last_transposition(name: str) -> None:
    function, order = RESULTS[name]
    assert orders_of_results(jax.make_jaxpr(function)(X, W).jaxpr) == [order]


def test_rows_that_are_moved_count_where_they_are_asked_for() -> None:
    def gradient(x: jax.Array, g: jax.Array) -> jax.Array:
        return weight_gradient(x, g, (3, 3), Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 1))

    jaxpr = jax.make_jaxpr(gradient)(jnp.ones((2, 3, 5, 5)), jnp.ones((2, 4, 5, 5))).jaxpr
    assert orders_of_results(jaxpr) == [(3, 2, 0, 1)]
    assert orders_of_results(jaxpr, rows=True) == [(3, 0, 1, 2)]


def test_turning_back_gives_the_array() -> None:
    x = jnp.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(turned(turned(x, TURN), back(TURN)), x)


def test_a_weight_that_lies_as_it_is_read_is_not_transposed() -> None:
    geometry = Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 1)

    def step(w: jax.Array, x: jax.Array) -> jax.Array:
        w = lax.transpose(w, (3, 2, 0, 1))
        new = w - 0.1 * weight_gradient(x, forward(x, w, geometry), (3, 3), geometry)
        return lax.transpose(new, (2, 3, 1, 0))

    w, x = jnp.ones((3, 3, 8, 4), "float32"), jnp.ones((2, 8, 5, 5), "float32")
    lines = str(jax.make_jaxpr(cancelling(step))(w, x)).splitlines()
    of_weights = [line for line in lines if "transpose[" in line and "f32[3,3" in line]
    assert len(of_weights) == 1, of_weights  # the rows of the gradient, which come in another order
    assert "permutation=(1, 2, 0, 3)" in of_weights[0]
