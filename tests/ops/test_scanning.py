"""A scan over its inputs' buffers gives what ``lax.scan`` gives, and copies no buffer inside its loop."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fxtorch.ops.recurrent_kernels import Weights, recurrent_layer
from fxtorch.ops.scanning import scan_in_place
from fxtorch.ops.xla import compiled

STEPS, BATCH, FEATURES, HIDDEN = 20, 8, 16, 32
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def step(factor: Any, total: Any, row: Any) -> Any:
    x, y = row
    total = total + factor * jnp.sin(x) * y
    return total, (total * x, total + 1, jnp.cos(total))


def inputs() -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(0)
    arrays = [jnp.asarray(draw.standard_normal((7, 3, 4)), "float64") for _ in range(2)]
    return jnp.float64(1.5), jnp.zeros((3, 4), "float64"), arrays


@pytest.mark.parametrize("reverse", [False, True])
def test_results_and_derivatives_are_those_of_scan(reverse: bool) -> None:
    consts, carry, xs = inputs()

    def plain(consts: Any, carry: Any, xs: Any) -> Any:
        return lax.scan(lambda c, x: step(consts, c, x), carry, xs, reverse=reverse)

    def ours(consts: Any, carry: Any, xs: Any) -> Any:
        return scan_in_place(step, reverse, consts, carry, xs)

    def loss(scan: Any) -> Any:
        return lambda *args: sum(jnp.sum(leaf**3) for leaf in jax.tree.leaves(scan(*args)))

    def twice(scan: Any) -> Any:
        once = jax.grad(loss(scan), 2)
        return jax.grad(lambda *args: sum(jnp.sum(g**2) for g in once(*args)), (0, 1, 2))

    for make in (lambda f: f, lambda f: jax.grad(loss(f), (0, 1, 2)), twice):
        found, wanted = (jax.jit(make(f))(consts, carry, xs) for f in (ours, plain))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), found, wanted)


def test_no_steps_leave_the_carry() -> None:
    carry, out = scan_in_place(lambda c, s, x: (s + x, x), False, None, jnp.ones(2), jnp.zeros((0, 2)))
    assert carry.tolist() == [1, 1] and out.shape == (0, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", [*GATES, "projected lstm"])
def test_no_step_of_a_recurrent_layer_copies_all_steps(kind: str, masked: bool, reverse: bool, dtype: str) -> None:
    projected, kind = kind.startswith("projected"), kind.removeprefix("projected ")
    rows, width = GATES[kind] * HIDDEN, 24 if projected else HIDDEN

    def ones(*shape: int) -> Any:
        return jnp.full(shape, 0.1, dtype)

    w = Weights(ones(rows, FEATURES), ones(rows, width), ones(rows), ones(rows), ones(width, HIDDEN))
    w = w if projected else w._replace(w_hr=None)
    h = ones(BATCH, width)
    s = {"lstm": ones(BATCH, HIDDEN), "gru": h}.get(kind, h[:, :0])
    mask = jnp.arange(STEPS)[:, None] < jnp.arange(BATCH) + 5 if masked else None

    def loss(x: Any, w: Any, h: Any, s: Any) -> Any:
        return sum(jnp.sum(leaf**2) for leaf in recurrent_layer(x, w, h, s, mask, kind, reverse))

    arguments = (ones(STEPS, BATCH, FEATURES), w, h, s)
    text = compiled(jax.value_and_grad(loss, (0, 1, 2, 3))).lower(*arguments).compile().as_text()
    bodies = [text[text.index(f"\n%{name} (") :].partition("\n}")[0] for name in re.findall(r"body=%?([\w.\-]+)", text)]
    assert len(bodies) == 2
    assert not [line for body in bodies for line in re.findall(rf"\[{STEPS},{BATCH},\d+\]\S* copy\(.*", body)]
