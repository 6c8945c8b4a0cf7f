"""State that stays with its program from call to call, while nobody looks at it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

import jax.numpy as jnp

from fxtorch.tensor import Tensor
from fxtorch.tensor.resident import Resident
from fxtorch.tensor.slots import Slots

_HELD_BY_ITS_TENSOR = 4  # the Tensor, a list, a variable and getrefcount's own argument

_known: WeakValueDictionary[Any, Steady] = WeakValueDictionary()


class Steady:
    """Tensors that programs overwrite at each call, and Tensors that get a new gradient at each.

    Programs with the same Tensors, for other shapes of the arguments, say, share one.

    Args:
        tensors: what is overwritten.
        slots: which of them each array of the program's is for (see :class:`Resident`).
        owners: what gets gradients, all of them plain leaves of which nobody knows.
        grad_slots: the same of the gradients.
    """

    def __init__(self, tensors: Sequence[Tensor], slots: Slots, owners: Sequence[Tensor], grad_slots: Slots) -> None:
        self.tensors = list(tensors)
        self.slots = slots
        self.owners = list(owners)
        self.grad_slots = grad_slots
        self._state: Resident | None = None
        self._grads: Resident | None = None
        self._looked: list[int] = []  # who was asked for since the last call, by number
        self._watched: list[list[int]] = []  # versions that somebody may compare: views, and graphs that saved one

    @classmethod
    def of(cls, tensors: Sequence[Tensor], slots: Slots, owners: Sequence[Tensor], grad_slots: Slots) -> Steady:
        """The one that programs with these Tensors share."""
        key = tuple(map(id, tensors)), slots, tuple(map(id, owners)), grad_slots
        found = _known.get(key)
        if found is None:
            found = _known[key] = cls(tensors, slots, owners, grad_slots)
        return found

    def __del__(self) -> None:
        for resident in (self._state, self._grads):  # or a generator's key, say, would keep a whole model
            if resident is not None:
                resident.dissolve()

    def arrays(self) -> list[Any] | None:
        """What is to be overwritten; None where the Tensors have it, and others may, too."""
        state = self._state
        if state is not None and state.arrays:
            self._looked += state.taken
            arrays = state.all_arrays(jnp.copy)
            if arrays is not None:
                return arrays
        for tensor in self.tensors:
            if tensor._resident is not None:
                tensor._resident.release()
        return None

    def keep(self, arrays: list[Any], grads: list[Any]) -> None:
        """Keep the new values and the new gradients."""
        state = self._state
        if state is None or not state.arrays:
            state = self._state = Resident(self.tensors, self.slots)
        if state.taken or state.returned:
            self._looked += state.taken
            state.renew(arrays)
        else:
            state.arrays = arrays
        if self._looked or self._watched:
            self._count()
        if grads:
            self._keep_grads(grads)

    def _count(self) -> None:
        """Count the change, where somebody could tell: who holds a version has asked for the Tensor's values, too."""
        looked = (cell for i in self._looked if (cell := self.tensors[i]._cell) is not None)
        cells = list({id(cell): cell for cell in (*self._watched, *looked)}.values())
        self._looked, self._watched = [], [cell for cell in cells if sys.getrefcount(cell) > _HELD_BY_ITS_TENSOR]
        for cell in cells:
            cell[0] += 1
            cell[1] += 1

    def _keep_grads(self, arrays: list[Any]) -> None:
        grads = self._grads
        if grads is None or not grads.arrays:
            grads = self._grads = Resident([object.__new__(Tensor) for _ in self.owners], self.grad_slots)
            for owner, grad in zip(self.owners, grads.tensors, strict=True):
                owner._set_grad(grad)
        else:
            for place in grads.taken:  # who has seen the old one keeps it
                self.owners[place]._set_grad(grads.exchange(place))
            for place in grads.restore():
                self.owners[place]._set_grad(grads.tensors[place])
        grads.renew(arrays)
