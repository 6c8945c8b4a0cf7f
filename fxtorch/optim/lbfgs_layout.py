"""L-BFGS's memory in torch's layout: lists of vectors, the oldest first, that a checkpoint of either library holds."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.optim.lbfgs_memory import LBFGSState, scale_by_lbfgs
from fxtorch.tensor import Tensor, unwrap, wrap

NAMES = ("old_dirs", "old_stps", "ro")  # the changes of gradient, the steps and 1 over their products
FEWEST_ROWS = 8


def restored(state: dict[str, Any], gradient: jax.Array, history_size: int) -> LBFGSState:
    """The memory that ``state`` describes, in arrays of its own, with room for one pair more.

    Args:
        state: torch's names; without ``prev_flat_grad`` nothing is remembered.
        gradient: a vector like those that follow.
        history_size: how many pairs are kept at most; of more, the newest.
    """
    lists = [[unwrap(x) for x in state.get(name, ())][-history_size:] for name in NAMES]
    held = len(lists[0])
    rows = _rows(held, history_size)
    memory: Any = scale_by_lbfgs(rows).init(gradient)
    if "prev_flat_grad" not in state:
        return memory
    if held:
        full = [x + [x[-1]] * (rows - held) for x in lists]  # one program, however many are held
        memory = memory._replace(**dict(zip(("changes", "steps", "inverse"), _stacked(*full), strict=True)))
    scale = state.get("H_diag", 1)
    return memory._replace(
        count=jnp.asarray(held, jnp.int32),
        direction=jnp.array(unwrap(state["d"])),
        updates=jnp.array(unwrap(state["prev_flat_grad"])),
        scale=jnp.array(unwrap(scale) if isinstance(scale, Tensor) else scale, gradient.dtype),
    )


def with_room(memory: LBFGSState, count: int, history_size: int) -> LBFGSState:
    """The same with twice the rows where ``count`` pairs fill them and ``history_size`` allows it."""
    rows = memory.inverse.size
    return _extended(memory, _rows(count, history_size)) if count == rows < history_size else memory


def saved(memory: LBFGSState) -> dict[str, Any]:
    """``memory`` by torch's names."""
    count, rows = int(memory.count), memory.inverse.size
    held = min(count, rows)
    order = [k % rows for k in range(count - held, count)]
    lists = {name: [wrap(x[row]) for row in order] for name, x in zip(NAMES, _taken_apart(memory), strict=True)}
    scale = wrap(memory.scale) if held else 1
    return {"d": wrap(memory.direction), **lists, "H_diag": scale, "prev_flat_grad": wrap(memory.updates)}


def _rows(held: int, history_size: int) -> int:
    """A power of two above ``held``, so that few programs are compiled while a memory fills."""
    return min(history_size, max(FEWEST_ROWS, 1 << held.bit_length()))


@jax.jit
def _stacked(*lists: list[jax.Array]) -> list[jax.Array]:
    return [jnp.stack(x) for x in lists]


@functools.partial(jax.jit, static_argnums=1)
def _extended(memory: LBFGSState, rows: int) -> LBFGSState:
    def padded(x: jax.Array) -> jax.Array:
        return jnp.zeros((rows, *x.shape[1:]), x.dtype).at[: x.shape[0]].set(x)

    return memory._replace(changes=padded(memory.changes), steps=padded(memory.steps), inverse=padded(memory.inverse))


@jax.jit
def _taken_apart(memory: LBFGSState) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
    return list(memory.changes), list(memory.steps), list(memory.inverse)
