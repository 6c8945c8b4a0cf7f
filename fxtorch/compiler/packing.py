"""How the state that a program overwrites lies in its inputs.

It lies there as it is, or stacked with others of its shape, or in the order of dimensions in which a convolution makes
its new value; what is small lies in one array with all else that is (see tensor/slots.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Jaxpr
from jax.sharding import SingleDeviceSharding

from fxtorch.compiler import errors
from fxtorch.compiler.references import Gradient, Held, Reference
from fxtorch.ops.orders import Order, back, orders_of_results, turned
from fxtorch.tensor.slots import Slot, Slots, divided, joined
from fxtorch.tensor.stacks import Stacks

if TYPE_CHECKING:
    from fxtorch.compiler.trace import Layout

_LARGE = 2**14  # elements from which transposing an array costs more than starting a kernel that does it
_SMALL = 2**12  # elements up to which copying an array costs less than handing it over
_TOGETHER = 2**15, 64  # elements, and arrays, that lie in one: all of it is copied at each step


class Packing:
    """Which arrays of the state are rows of which inputs.

    Args:
        references: the state that is overwritten.
        arrays: their present values; none where nothing may be moved.
        stacked: what to stack.
        orders: in which order to keep which of the state, and the gradients of which (see :func:`new_orders`).

    Attributes:
        slots: what each input holds, by the numbers of the references.
        early: how many inputs hold more than single numbers, which come last, as their new values do.
        joins: whether small ones lie in one array.
    """

    def __init__(
        self,
        references: Sequence[Reference],
        arrays: Sequence[Any],
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
        found = together(alone, arrays, _kind) if arrays else alone
        slots = sorted([*map(Slot, stacks), *found], key=lambda slot: slot.members)
        single = [bool(arrays) and all(arrays[i].ndim == 0 for i in slot.members) for slot in slots]
        self.slots: Slots = tuple(
            slot for late in (False, True) for slot, s in zip(slots, single, strict=True) if s is late
        )
        self.early = single.count(False)
        self.stacks = bool(stacks)
        self.joins = any(slot.shapes for slot in slots)

    def join(self, arrays: Sequence[Any]) -> list[Any]:
        """The inputs that hold ``arrays``, which are in the order of the references.

        Raises:
            StateChanged: arrays that were alike no longer are.
        """
        return [_join([arrays[i] for i in slot.members], slot) for slot in self.slots]

    def separate(self, inputs: Sequence[Any], stacks: Stacks | None) -> list[Any]:
        """The arrays that the inputs hold, in a trace."""
        arrays: list[Any] = [None] * sum(len(slot.members) for slot in self.slots)
        for slot, given in zip(self.slots, inputs, strict=True):
            for i, array in zip(slot.members, _members(slot, given, stacks), strict=True):
                arrays[i] = array
        return arrays


def together(slots: Sequence[Slot], arrays: Sequence[Any], kind: Callable[[Any], Any]) -> list[Slot]:
    """``slots``, with one for all small arrays of a ``kind``; what has none stays alone.

    >>> small, large = jnp.ones((2, 3)), jnp.ones((100, 100))
    >>> together([Slot((0,)), Slot((1,)), Slot((2,))], [small, large, small], lambda a: a.dtype)
    [Slot(members=(1,), order=None, shapes=()), Slot(members=(0, 2), order=None, shapes=((2, 3), (2, 3)))]
    """
    kinds: dict[Any, list[int]] = {}
    found = []
    for slot in slots:
        first, *others = slot.members
        small = not others and slot.order is None and arrays[first].size <= _SMALL
        if small and (k := kind(arrays[first])) is not None:
            kinds.setdefault(k, []).append(first)
        else:
            found.append(slot)
    for members in kinds.values():
        chosen = _that_fit(members, arrays)
        found += [Slot((i,)) for i in members if len(chosen) < 2 or i not in chosen]
        if len(chosen) > 1:
            found.append(Slot(tuple(chosen), shapes=tuple(arrays[i].shape for i in chosen)))
    return found


def _that_fit(members: Sequence[int], arrays: Sequence[Any]) -> list[int]:
    """The smallest of them, as many as may lie in one array."""
    room, most = _TOGETHER
    chosen = []
    for i in sorted(members, key=lambda i: arrays[i].size)[:most]:
        room -= arrays[i].size
        if room >= 0:
            chosen.append(i)
    return sorted(chosen)


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
    if slot.shapes:
        return joined(arrays)
    return arrays[0] if stacks is None or len(arrays) == 1 else stacks.whole(arrays)


def slots_of(arrays: Sequence[Any], orders: Sequence[Order | None], stacks: Stacks | None, *, joins: bool) -> Slots:
    """Which of ``arrays`` are all rows of one stack, and which stand alone, and in which order; which lie together."""
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
    return tuple(together(slots, arrays, lambda array: array.dtype) if joins else slots)


def _members(slot: Slot, given: Any, stacks: Stacks | None) -> list[Any]:
    """The arrays of a slot's members, in a trace."""
    if slot.order is not None:
        return [lax.transpose(given, slot.order)]
    if slot.shapes:
        return divided(given, slot.shapes)
    return [given] if stacks is None or len(slot.members) == 1 else stacks.rows(given)


def _kind(array: Any) -> Any:
    """What small arrays that lie in one have in common; None for one that is spread over devices."""
    place = getattr(array, "sharding", None)
    return (array.dtype, place) if isinstance(place, SingleDeviceSharding) and not array.weak_type else None


def _join(arrays: list[Any], slot: Slot) -> Any:
    first = arrays[0]
    if len(arrays) == 1:
        if slot.order is None:
            return first
        if first.ndim != len(slot.order):
            raise errors.StateChanged
        return turned(first, back(slot.order))
    if any((a.dtype, a.sharding) != (first.dtype, first.sharding) for a in arrays):
        raise errors.StateChanged
    if tuple(a.shape for a in arrays) != (slot.shapes or (first.shape,) * len(arrays)):
        raise errors.StateChanged
    return _joined(arrays) if slot.shapes else _stacked(arrays)


_joined = jax.jit(joined)


@jax.jit
def _stacked(rows: list[Any]) -> Any:
    return jnp.stack(rows)
