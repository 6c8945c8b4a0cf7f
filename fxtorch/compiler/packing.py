"""How the state that a program overwrites lies in its inputs.

It lies there as it is, or stacked with others of its shape, or in the order of dimensions in which a convolution makes
its new value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Jaxpr
from jax.sharding import SingleDeviceSharding

from fxtorch.compiler import errors
from fxtorch.compiler.references import Gradient, Held, Reference
from fxtorch.ops.orders import Order, back, orders_of_results, turned
from fxtorch.tensor.resident import Slot, Slots
from fxtorch.tensor.stacks import Stacks

if TYPE_CHECKING:
    from fxtorch.compiler.trace import Layout

_LARGE = 2**14  # elements from which transposing an array costs more than starting a kernel that does it


class Packing:
    """Which arrays of the state are rows of which inputs.

    Args:
        references: the state that is overwritten.
        scalar: of each, whether it is a single number: those come last, as their new values do.
        stacked: what to stack.
        orders: in which order to keep which of the state, and the gradients of which (see :func:`new_orders`).

    Attributes:
        slots: what each input holds, by the numbers of the references.
        early: how many inputs hold more than single numbers.
    """

    def __init__(
        self,
        references: Sequence[Reference],
        scalar: Sequence[bool],
        stacked: Sequence[Sequence[Held]],
        orders: Mapping[Any, Order],
    ) -> None:
        self.orders = orders
        places = {r.identity: i for i, r in enumerate(references)}
        stacks = [
            tuple(places[r.identity] for r in rows) for rows in stacked if all(r.identity in places for r in rows)
        ]
        inside = {i for stack in stacks for i in stack}
        alone = [Slot((i,), orders.get(r.identity)) for i, r in enumerate(references) if i not in inside]
        slots = sorted([*map(Slot, stacks), *alone], key=lambda slot: slot.members)
        early = [slot for slot in slots if not scalar[slot.members[0]]]
        self.slots: Slots = (*early, *(slot for slot in slots if scalar[slot.members[0]]))
        self.early = len(early)
        self.stacks = bool(stacks)

    def join(self, arrays: Sequence[Any]) -> list[Any]:
        """The inputs that hold ``arrays``, which are in the order of the references.

        Raises:
            StateChanged: arrays that were alike no longer are.
        """
        return [_join([arrays[i] for i in members], order) for members, order in self.slots]

    def separate(self, inputs: Sequence[Any], stacks: Stacks | None) -> list[Any]:
        """The arrays that the inputs hold, in a trace."""
        arrays: list[Any] = [None] * sum(len(slot.members) for slot in self.slots)
        for (members, order), given in zip(self.slots, inputs, strict=True):
            rows = [given] if stacks is None or len(members) == 1 else stacks.rows(given)
            for i, row in zip(members, rows, strict=True):
                arrays[i] = row if order is None else lax.transpose(row, order)
        return arrays


def new_orders(jaxpr: Jaxpr, layout: Layout) -> dict[Any, Order]:
    """In which order to keep large state, and large gradients: that in which the function makes their new values.

    Args:
        jaxpr: the traced function.
        layout: what its outputs mean.

    Returns:
        the orders by the identities of the references; what is not there is kept as it is.
    """
    of_state, of_grads = orders_of_results(jaxpr), orders_of_results(jaxpr, rows=True)
    made = [(c.reference, c.reference, c.output, of_state) for c in layout.changed if c.output is not None]
    pieces = ((owner, layout.pieces.plain[piece]) for owner, piece in layout.grads if piece is not None)
    made += [(owner, Gradient(owner), output, of_grads) for owner, output in pieces if output >= 0]
    orders: dict[Any, Order] = {}
    for owner, reference, output, found in made:
        if (order := found[output]) is None or not isinstance(owner, Held):
            continue
        array = owner.tensor._data
        if array.size >= _LARGE and isinstance(getattr(array, "sharding", None), SingleDeviceSharding):
            orders[reference.identity] = order
    return orders


def new_slot(slot: Slot, arrays: Sequence[Any], stacks: Stacks | None) -> Any:
    """What ``slot`` is to hold of the new ``arrays`` of its members, in a trace."""
    if slot.order is not None:
        return lax.transpose(arrays[0], back(slot.order))
    return arrays[0] if stacks is None or len(arrays) == 1 else stacks.whole(arrays)


def slots_of(arrays: Sequence[Any], orders: Sequence[Order | None], stacks: Stacks | None) -> Slots:
    """Which of ``arrays`` are all rows of one stack, and which stand alone, and in which order."""
    places = {id(a): i for i, a in enumerate(arrays)}
    slots: list[Slot] = []
    placed: set[int] = set()
    for i, array in enumerate(arrays):
        if i in placed:
            continue
        rows = None if stacks is None else stacks.siblings(array)
        members = tuple(places.get(id(row), -1) for row in rows or ())
        stacked = i in members and -1 not in members and placed.isdisjoint(members)
        slot = Slot(members) if stacked else Slot((i,), orders[i])
        placed.update(slot.members)
        slots.append(slot)
    return tuple(slots)


def _join(rows: list[Any], order: Order | None) -> Any:
    first = rows[0]
    if len(rows) == 1:
        if order is None:
            return first
        if first.ndim != len(order):
            raise errors.StateChanged
        return turned(first, back(order))
    if any((r.shape, r.dtype, r.sharding) != (first.shape, first.dtype, first.sharding) for r in rows):
        raise errors.StateChanged
    return _stacked(rows)


@jax.jit
def _stacked(rows: list[Any]) -> Any:
    return jnp.stack(rows)
