"""Values that a compiled step keeps between its calls, until somebody asks for them.

A step that runs again and again need not give each parameter its new array, and take it back, while nobody looks.  The
Tensors then have no ``_data`` of their own; reading it takes it from the :class:`Resident` that holds it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.tensor.slots import Part, Slot, read, read_all
from fxtorch.tensor.tensor import Tensor, unwrap

lock = threading.RLock()  # held while arrays are taken, and by a step from the time it looks until they are renewed
_HELD_BY_US = 2  # a variable and getrefcount's own argument


class Resident:
    """The arrays of some Tensors, none of them a view, which nobody but this object knows.

    Args:
        tensors: whose they are.
        slots: which Tensors each array is for.

    Attributes:
        arrays: one for each slot; None for those that were taken.
        taken: the numbers of the Tensors that have their array again.
        returned: whether Tensors gave back what they had taken, before the arrays were renewed.
        dropped: those whose array nobody needs any more: gradients that were set to None.

    >>> import jax.numpy as jnp
    >>> v, w = Tensor(2), Tensor(2)
    >>> held = Resident([v, w], [Slot((0, 1))])
    >>> held.renew([jnp.ones((2, 2))])
    >>> list(held.taken), w.tolist(), held.taken
    ([], [1.0, 1.0], [1])
    """

    __slots__ = ("_all", "_left", "_parts", "_places", "_slots", "arrays", "dropped", "returned", "taken", "tensors")

    def __init__(self, tensors: Sequence[Tensor], slots: Sequence[Slot]) -> None:
        self.tensors = list(tensors)
        # of each Tensor, its slot and which part of it it is, all of it being None
        self._slots: dict[int, tuple[int, Part | None]] = {
            i: (n, part) for n, slot in enumerate(slots) for i, part in zip(slot.members, slot.parts(), strict=True)
        }
        self.arrays: list[Any] = [None] * len(slots)
        self.taken = list(range(len(self.tensors)))
        self.returned = False
        self.dropped: list[int] = []
        self._parts: dict[int, Any] = {}  # those that were taken out of an array, which holds them still
        self._all: dict[int, dict[Part, Any]] = {}  # all parts of the slots of which more than one was taken
        self._left = [len(slot.members) for slot in slots]  # how many Tensors of a slot were not dropped
        self._places = {id(tensor): i for i, tensor in enumerate(self.tensors)}
        for tensor in self.tensors:
            if tensor._resident is not None:
                tensor._resident.release()
            tensor._resident = self

    def renew(self, arrays: list[Any]) -> None:
        """Hold new arrays, one for each slot."""
        for i in self.taken:
            self.tensors[i].__dict__.pop("_data", None)
        if self.taken:
            self.taken = []
            self._parts, self._all = {}, {}
        self.returned = False
        self.arrays = arrays

    def take(self, tensor: Tensor) -> Any:
        """The array of ``tensor``, which has it as its own from now on."""
        with lock:
            own, arrays = tensor.__dict__, self.arrays  # the list: the collector may dissolve this one meanwhile
            if not arrays:
                return tensor._data
            if "_data" not in own:
                place = self._places[id(tensor)]
                slot, part = self._slots[place]
                if part is None:
                    own["_data"], arrays[slot] = arrays[slot], None
                else:
                    own["_data"] = self._parts[place] = self._cut_out(arrays[slot], slot, part)
                self.taken.append(place)
            return own["_data"]

    def _cut_out(self, whole: Any, slot: int, part: Part) -> Any:
        known = self._all.get(slot)
        if known is None:  # the first is taken alone, the second with all others: whoever asks twice asks for all
            self._all[slot] = {}
            return read(whole, part)
        if not known:
            parts = [p for n, p in self._slots.values() if n == slot and p is not None]
            known = self._all[slot] = dict(zip(parts, read_all(whole, parts), strict=True))
        return known[part]

    def drop(self, tensor: Tensor) -> None:
        """Forget the array of ``tensor``, unless it was taken."""
        with lock:
            place = self._places.get(id(tensor))
            if place is not None and "_data" not in tensor.__dict__:
                slot = self._slots[place][0]
                self._left[slot] -= 1
                if not self._left[slot]:
                    self.arrays[slot] = None
                self.dropped.append(place)

    def restore(self) -> list[int]:
        """The numbers of the Tensors that were dropped, which are in use again."""
        dropped, self.dropped = self.dropped, []
        for place in dropped:
            self._left[self._slots[place][0]] += 1
        return dropped

    def release(self) -> None:
        """Give every Tensor its array, and hold none."""
        with lock:
            arrays = self.arrays  # see take
            for tensor, slot, part in self._parts_left():
                tensor._data = self._cut_out(arrays[slot], slot, part)
                del tensor._resident
            self._forget()

    def dissolve(self) -> None:
        """Let no Tensor keep the others: each has its array, and the parts of another one are by themselves.

        The collector may call this in the middle of anything, so that JAX is not to be called here.
        """
        with lock:
            parts: dict[int, list[tuple[Tensor, Part]]] = {}
            for tensor, slot, part in self._parts_left():
                parts.setdefault(slot, []).append((tensor, part))
            for slot, members in parts.items():
                alone = Resident([], [])
                alone.tensors = [tensor for tensor, _ in members]
                alone.arrays, alone._left = [self.arrays[slot]], [len(members)]
                alone._slots = {i: (0, part) for i, (_, part) in enumerate(members)}
                alone._places = {id(tensor): i for i, (tensor, _) in enumerate(members)}
                for tensor, _ in members:
                    tensor._resident = alone
            self._forget()

    def _parts_left(self) -> list[tuple[Tensor, int, Part]]:
        """Give every Tensor an array that is for it as it is, and let it go; those that are left have a part of one."""
        left: list[tuple[Tensor, int, Part]] = []
        for place, tensor in enumerate(self.tensors) if self.arrays else ():  # a second time there are none
            own = tensor.__dict__
            if own.get("_resident") is not self:
                continue
            if "_data" not in own:
                slot, part = self._slots[place]
                array = self.arrays[slot]
                if part is not None and array is not None:
                    left.append((tensor, slot, part))
                    continue
                own["_data"] = array
            del own["_resident"]
        return left

    def _forget(self) -> None:
        self.arrays, self.taken, self.dropped, self._parts, self._all = [], [], [], {}, {}

    def exchange(self, place: int) -> Tensor:
        """Let the Tensor at ``place`` keep its array, and stand a new one there."""
        old = self.tensors[place]
        self.take(old)
        del self._places[id(old)], old._resident
        new = self.tensors[place] = object.__new__(Tensor)
        new._resident = self
        self._places[id(new)] = place
        return new

    def all_arrays(self, copy: Any) -> list[Any] | None:
        """What all slots hold now, to be overwritten; of what somebody else holds too, a ``copy``.

        The Tensors give up what would be overwritten, so that another thread that reads one waits for its new values.
        None where a part of an array has become something else, which does not fit in.
        """
        taken, self.taken = self.taken, []
        self.returned |= bool(taken)
        for i in taken:
            own = self.tensors[i].__dict__
            slot, part = self._slots[i]
            if part is None:
                array = own.pop("_data")
                held = sys.getrefcount(array) > _HELD_BY_US
                self.arrays[slot] = copy(array) if held else array
                continue
            self.taken.append(i)
            if (array := own["_data"]) is not self._parts[i]:
                whole, old = self.arrays[slot], self._parts[i]
                if (array.shape, array.dtype, array.sharding) != (old.shape, old.dtype, old.sharding):
                    return None
                self.arrays[slot] = part.write(whole, array)
                self._parts[i] = array
        return self.arrays


class Claim:
    """The arrays of some Tensors for as long as a program overwrites them, which no Tensor has meanwhile.

    Made and ended by who holds :data:`lock`, so that another thread that reads one of the Tensors waits for its new
    values; the thread itself still sees the old ones.

    Args:
        tensors: those that are overwritten.
        copy: of what somebody else holds too.

    >>> import jax.numpy as jnp
    >>> v = Tensor(2)
    >>> with lock:
    ...     claim = Claim([v], jnp.copy)
    ...     v._data = claim.take()[0] + 1
    ...     claim.end()
    >>> v.tolist()
    [1.0, 1.0]
    """

    def __init__(self, tensors: Sequence[Tensor], copy: Callable[[Any], Any]) -> None:
        self._tensors = tensors
        views = {i: copy(unwrap(t)) for i, t in enumerate(tensors) if t._link is not None}  # each has its own values
        for tensor in tensors:
            tensor._data  # noqa: B018  (takes it from whatever program keeps it)
        arrays = [views[i] if i in views else t.__dict__.pop("_data") for i, t in enumerate(tensors)]
        holders = list(map(sys.getrefcount, arrays))
        self._old = [None if i in views else x for i, x in enumerate(arrays)]
        _claimed.update({id(t): x for t, x in zip(tensors, self._old, strict=True) if x is not None})
        self._taken = [copy(x) if n > _HELD_BY_US else x for x, n in zip(arrays, holders, strict=True)]

    def take(self) -> list[Any]:
        """What is to be overwritten; to be asked for once."""
        taken, self._taken = self._taken, []
        return taken

    def end(self) -> None:
        """Give the Tensors that have no new values the old ones."""
        for tensor, old in zip(self._tensors, self._old, strict=True):
            _claimed.pop(id(tensor), None)
            if old is not None and tensor._resident is None:
                tensor.__dict__.setdefault("_data", old)


_claimed: dict[int, Any] = {}  # by the ids of the Tensors


class _Held:
    """Stands for the ``_data`` of a Tensor that has none of its own: a descriptor, asked only then."""

    def __get__(self, tensor: Tensor | None, owner: type) -> Any:
        if tensor is None:
            return self
        with lock:
            own = tensor.__dict__
            if "_data" in own:
                return own["_data"]
            if id(tensor) in _claimed:
                return _claimed[id(tensor)]
            resident = own.get("_resident")
            if resident is None:
                raise AttributeError("the Tensor has no values yet")
            return resident.take(tensor)


Tensor._data = _Held()
