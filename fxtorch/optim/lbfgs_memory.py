"""What L-BFGS remembers, as an optax transformation: the last steps, and the direction that follows from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class LBFGSState(NamedTuple):
    """The pairs (step, change of gradient) in a ring: pair ``k`` lies in row ``k % rows``.

    Attributes:
        count: how many pairs were taken, whether or not they are still held; int32.
        direction: the last direction, along which the next step is counted, ``(n,)``.
        updates: the last gradient, ``(n,)``.
        changes: the changes of gradient, ``(rows, n)``.
        steps: the steps, ``(rows, n)``.
        inverse: ``1 / (change . step)`` of each pair, ``(rows,)``.
        scale: ``(change . step) / (change . change)`` of the last pair; 1 before there is one.
    """

    count: jax.Array
    direction: jax.Array
    updates: jax.Array
    changes: jax.Array
    steps: jax.Array
    inverse: jax.Array
    scale: jax.Array


def scale_by_lbfgs(history_size: int) -> optax.GradientTransformationExtraArgs:
    """The gradient times an inverse Hessian that is estimated from the last ``history_size`` steps, torch's way.

    For one real vector; ``optax.flatten`` makes it one for any pytree of real arrays.  ``update`` takes ``step_size``,
    how far along the last direction the parameters have moved since the last call.  A pair counts only where
    ``change . step > 1e-10``.  The first call gives the gradient as it is.

    ``optax.scale_by_lbfgs`` is another: it subtracts parameters, which rounds, takes every pair, caps the first step.

    Args:
        history_size: how many pairs are kept, 1 or more.

    Raises:
        ValueError: ``history_size`` is less than 1.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> weights = {"a": jnp.asarray([1.0, 2.0]), "b": jnp.asarray(-3.0)}
        >>> loss = lambda w: (w["a"] ** 2).sum() + 4 * w["b"] ** 2
        >>> tx = optax.flatten(scale_by_lbfgs(5))
        >>> @jax.jit
        ... def step(w, state):
        ...     updates, state = tx.update(jax.grad(loss)(w), state, step_size=0.5)
        ...     return jax.tree.map(lambda p, u: p - 0.5 * u, w, updates), state
        >>> state = tx.init(weights)
        >>> for _ in range(30):
        ...     weights, state = step(weights, state)
        >>> bool(loss(weights) < 1e-9)
        True

    Source: Nocedal and Wright, "Numerical optimization", 2006, algorithm 7.4.
    """
    if history_size < 1:
        raise ValueError(f"history_size must be at least 1, not {history_size}")

    def init(params: Any) -> LBFGSState:
        if params.ndim != 1 or not jnp.issubdtype(params.dtype, jnp.floating):
            raise ValueError(f"one real vector is expected, not {params.dtype} of shape {params.shape}: optax.flatten")

        def zeros(*shape: int) -> jax.Array:  # each array is one of its own, so that all can be donated
            return jnp.zeros(shape, params.dtype)

        n, scale = params.size, jnp.ones((), params.dtype)
        rows = zeros(history_size, n), zeros(history_size, n)
        return LBFGSState(jnp.zeros((), jnp.int32), zeros(n), zeros(n), *rows, zeros(history_size), scale)

    def update(
        updates: Any, state: Any, params: Any = None, *, step_size: Any = 1.0, **_: Any
    ) -> tuple[Any, LBFGSState]:
        step = jnp.asarray(step_size).astype(updates.dtype) * state.direction
        state = _remember(state, updates - state.updates, step)
        direction = _direction(state, -updates)
        return -direction, state._replace(direction=direction, updates=updates)

    return optax.GradientTransformationExtraArgs(init, update)


def _remember(state: LBFGSState, change: jax.Array, step: jax.Array) -> LBFGSState:
    """Take the pair where it is curved enough; before the first step both are 0, which is no pair."""
    product = jnp.vdot(change, step)
    taken = product > 1e-10
    row = state.count % state.inverse.size

    def put(rows: jax.Array, value: jax.Array) -> jax.Array:
        return rows.at[row].set(jnp.where(taken, value, rows[row]))

    return state._replace(
        count=state.count + taken,
        changes=put(state.changes, change),
        steps=put(state.steps, step),
        inverse=put(state.inverse, 1 / product),
        scale=jnp.where(taken, product / jnp.vdot(change, change), state.scale),
    )


def _direction(state: LBFGSState, start: jax.Array) -> jax.Array:
    """The two loops over the pairs that are held, from the newest to the oldest and back."""
    rows = state.inverse.size
    held = jnp.minimum(state.count, rows)
    oldest = state.count - held

    def back(i: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        q, factors = carry
        row = (state.count - 1 - i) % rows
        factor = jnp.vdot(state.steps[row], q) * state.inverse[row]
        return q - factor * state.changes[row], factors.at[row].set(factor)

    def forth(i: jax.Array, r: jax.Array) -> jax.Array:
        row = (oldest + i) % rows
        return r + state.steps[row] * (factors[row] - jnp.vdot(state.changes[row], r) * state.inverse[row])

    q, factors = jax.lax.fori_loop(0, held, back, (start, jnp.zeros_like(state.inverse)))
    return jax.lax.fori_loop(0, held, forth, q * state.scale)
