"""How the state that a program overwrites lies in its inputs: alone, or stacked with others of its shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.compiler import errors
from fxtorch.compiler.references import Held, Reference
from fxtorch.tensor.resident import Slots
from fxtorch.tensor.stacks import Stacks


class Packing:
    """Which arrays of the state are rows of which inputs.

    Args:
        references: the state that is overwritten.
        scalar: of each, whether it is a single number: those come last, as their new values do.
        stacked: what to stack.

    Attributes:
        slots: what each input holds, by the numbers of the references.
        early: how many inputs hold more than single numbers.
    """

    def __init__(
        self, references: Sequence[Reference], scalar: Sequence[bool], stacked: Sequence[Sequence[Held]]
    ) -> None:
        places = {r.identity: i for i, r in enumerate(references)}
        stacks = [
            tuple(places[r.identity] for r in rows) for rows in stacked if all(r.identity in places for r in rows)
        ]
        inside = {i for stack in stacks for i in stack}
        slots = sorted(stacks + [(i,) for i in range(len(references)) if i not in inside])
        early = [slot for slot in slots if not scalar[slot[0]]]
        self.slots: Slots = (*early, *(slot for slot in slots if scalar[slot[0]]))
        self.early = len(early)
        self.stacks = bool(stacks)

    def join(self, arrays: Sequence[Any]) -> list[Any]:
        """The inputs that hold ``arrays``, which are in the order of the references.

        Raises:
            StateChanged: arrays that were alike no longer are.
        """
        return [arrays[slot[0]] if len(slot) == 1 else _stack([arrays[i] for i in slot]) for slot in self.slots]

    def separate(self, inputs: Sequence[Any], stacks: Stacks | None) -> list[Any]:
        """The arrays that the inputs hold, in a trace."""
        arrays: list[Any] = [None] * sum(map(len, self.slots))
        for slot, given in zip(self.slots, inputs, strict=True):
            rows = [given] if stacks is None or len(slot) == 1 else stacks.rows(given)
            for i, row in zip(slot, rows, strict=True):
                arrays[i] = row
        return arrays


def slots_of(arrays: Sequence[Any], stacks: Stacks | None) -> Slots:
    """Which of ``arrays`` are all rows of one stack, and which stand alone."""
    places = {id(a): i for i, a in enumerate(arrays)}
    slots: list[tuple[int, ...]] = []
    placed: set[int] = set()
    for i, array in enumerate(arrays):
        if i in placed:
            continue
        rows = None if stacks is None else stacks.siblings(array)
        slot = tuple(places.get(id(row), -1) for row in rows or ())
        if i not in slot or -1 in slot or not placed.isdisjoint(slot):
            slot = (i,)
        placed.update(slot)
        slots.append(slot)
    return tuple(slots)


def _stack(rows: list[Any]) -> Any:
    first = rows[0]
    if any((r.shape, r.dtype, r.sharding) != (first.shape, first.dtype, first.sharding) for r in rows):
        raise errors.StateChanged
    return _stacked(rows)


@jax.jit
def _stacked(rows: list[Any]) -> Any:
    return jnp.stack(rows)
