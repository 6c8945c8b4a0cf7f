"""L-BFGS's memory: an optax transformation, optax's own where the formulas agree, in torch's layout and back."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fxtorch.optim import lbfgs_memory
from fxtorch.optim.lbfgs_layout import restored, saved, with_room

CURVES = jnp.linspace(0.1, 1.0, 6)
START = jnp.asarray(
    [0.3, -0.2, 0.1, 0.4, -0.1, 0.2]
)  # the gradient is shorter than 1: optax does not cap the first step
STEP = 0.7
scale_by_lbfgs: Any = lbfgs_memory.scale_by_lbfgs


def gradient(x):
    return CURVES * x + 0.01 * x**3


def walk(tx: Any, steps: int, **options: Any) -> Any:
    """The points that ``steps`` updates lead to, each of ``STEP``."""
    path: list[Any] = []
    x, state = START, tx.init(START)
    for _ in range(steps):
        updates, state = tx.update(gradient(x), state, x, **options)
        x = x - STEP * updates
        path.append(x)
    return np.stack(path), state


@pytest.mark.parametrize("history", [1, 3, 20])
def test_directions_are_optaxs_where_every_pair_is_curved(history):
    ours, state = walk(scale_by_lbfgs(history), 12, step_size=STEP)
    theirs, _ = walk(optax.with_extra_args_support(optax.scale_by_lbfgs(history)), 12)
    assert state.count == 11
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-12)


def test_a_scan_and_a_jit_walk_the_same_path():
    tx = scale_by_lbfgs(3)

    def step(carry, _):
        x, state = carry
        updates, state = tx.update(gradient(x), state, step_size=STEP)
        x = x - STEP * updates
        return (x, state), x

    eager, _ = walk(tx, 8, step_size=STEP)
    _, scanned = jax.lax.scan(step, (START, tx.init(START)), length=8)
    np.testing.assert_allclose(scanned, eager, rtol=1e-9)
    compiled, carry = jax.jit(step), (START, tx.init(START))
    for expected in eager:
        carry, x = compiled(carry, None)
        np.testing.assert_allclose(x, expected, rtol=1e-9)


def test_a_learned_step_size_is_differentiable():
    def end(step_size):
        tx = scale_by_lbfgs(2)
        x, state = START, tx.init(START)
        for _ in range(2):
            updates, state = tx.update(gradient(x), state, step_size=step_size)
            x = x - step_size * updates
        return jnp.sum(x * x)

    difference = (end(STEP + 1e-6) - end(STEP - 1e-6)) / 2e-6
    tangent = jax.jvp(end, (STEP,), (1.0,))[1]
    np.testing.assert_allclose(tangent, difference, rtol=1e-5)


def test_a_pair_without_curvature_leaves_the_memory_as_it_was():
    tx = scale_by_lbfgs(4)
    _, state = walk(tx, 3, step_size=STEP)
    updates, after = tx.update(state.updates, state, step_size=STEP)  # the gradient has not changed
    for name in ("count", "changes", "steps", "inverse", "scale"):
        np.testing.assert_array_equal(getattr(after, name), getattr(state, name))
    np.testing.assert_array_equal(updates, -state.direction)


def test_flatten_takes_a_pytree_as_one_vector():
    tree = {"a": START[:2], "b": START[2:].reshape(2, 2)}
    tx: Any = optax.flatten(scale_by_lbfgs(3))
    flat = scale_by_lbfgs(3)
    state, flat_state, scale = tx.init(tree), flat.init(START), 1.0
    for _ in range(3):
        scale *= 0.8
        updates, state = tx.update(jax.tree.map(lambda x, s=scale: s * x, tree), state, step_size=0.1)
        expected, flat_state = flat.update(scale * START, flat_state, step_size=0.1)
        np.testing.assert_array_equal(np.concatenate([updates["a"], updates["b"].ravel()]), expected)


def test_a_state_can_be_donated_whole():
    tx = scale_by_lbfgs(2)
    update = jax.jit(tx.update, donate_argnums=1)
    updates, state = update(START, tx.init(START), step_size=STEP)
    np.testing.assert_array_equal(updates, START)
    updates, _ = update(0.5 * START, state, step_size=STEP)
    assert np.isfinite(updates).all()


@pytest.mark.parametrize("history", [3, 8, 11])
@pytest.mark.parametrize("steps", [2, 9, 10, 14])
def test_torchs_lists_hold_the_memory(history, steps):
    tx = scale_by_lbfgs(history)
    _, memory = walk(tx, steps, step_size=STEP)
    lists = saved(memory)
    assert len(lists["old_dirs"]) == len(lists["old_stps"]) == len(lists["ro"]) == min(history, steps - 1)
    again = restored(lists, START, history)
    g = 0.3 * START
    np.testing.assert_allclose(
        tx.update(g, again, step_size=STEP)[0], tx.update(g, memory, step_size=STEP)[0], rtol=1e-12
    )


def test_the_lists_begin_with_the_oldest_pair():
    _, memory = walk(scale_by_lbfgs(20), 6, step_size=STEP)
    _, short = walk(scale_by_lbfgs(3), 3, step_size=STEP)
    np.testing.assert_array_equal(saved(memory)["old_stps"][0].numpy(), saved(short)["old_stps"][0].numpy())


def test_the_rows_double_until_the_history_is_full():
    memory = restored({}, START, 20)
    rows = []
    for count in range(25):
        memory = with_room(memory, count, 20)
        rows.append(memory.inverse.size)
        _, memory = scale_by_lbfgs(20).update(START * 0.9**count, memory, step_size=-1.0)
    assert sorted(set(rows)) == [8, 16, 20]
    assert rows == sorted(rows)


def test_what_is_no_memory_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        scale_by_lbfgs(0)
    with pytest.raises(ValueError, match="one real vector"):
        scale_by_lbfgs(2).init(START.reshape(2, 3))
    with pytest.raises(ValueError, match="one real vector"):
        scale_by_lbfgs(2).init(START.astype(jnp.complex128))
