"""Values that a compiled step keeps between its calls, until somebody asks for them.

A step that runs again and again need not give each parameter its new array, and take it back, while nobody looks.  The
Tensors then have no ``_data`` of their own; reading it takes it from the :class:`Resident` that holds it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

from fxtorch.tensor.tensor import Tensor

lock = threading.RLock()  # held while arrays are taken, and by a step from the time it looks until they are renewed
_HELD_BY_US = 4  # the Tensor, the list of arrays, a variable and getrefcount's own argument


class Resident:
    """The arrays of some Tensors, none of them a view, which nobody but this object knows.

    Attributes:
        tensors: whose they are.
        arrays: in the same order; None for those that were taken.
        taken: the numbers of the Tensors that have their array again.
        dropped: those whose array nobody needs any more: gradients that were set to None.

    >>> import jax.numpy as jnp
    >>> w = Tensor(2)
    >>> held = Resident([w])
    >>> held.renew([jnp.ones(2)])
    >>> list(held.taken), w.tolist(), held.taken
    ([], [1.0, 1.0], [0])
    """

    __slots__ = ("_places", "arrays", "dropped", "taken", "tensors")

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = list(tensors)
        self.arrays: list[Any] = [None] * len(self.tensors)
        self.taken = list(range(len(self.tensors)))
        self.dropped: list[int] = []
        self._places = {id(tensor): i for i, tensor in enumerate(self.tensors)}
        for tensor in self.tensors:
            if tensor._resident is not None:
                tensor._resident.release()
            tensor._resident = self

    def renew(self, arrays: list[Any]) -> None:
        """Hold new arrays, one for each Tensor."""
        for i in self.taken:
            self.tensors[i].__dict__.pop("_data", None)
        if self.taken:
            self.taken = []
        self.arrays = arrays

    def take(self, tensor: Tensor) -> Any:
        """The array of ``tensor``, which has it as its own from now on."""
        with lock:
            own = tensor.__dict__
            if "_data" not in own:
                place = self._places[id(tensor)]
                own["_data"], self.arrays[place] = self.arrays[place], None
                self.taken.append(place)
            return own["_data"]

    def drop(self, tensor: Tensor) -> None:
        """Forget the array of ``tensor``, unless it was taken."""
        with lock:
            place = self._places.get(id(tensor))
            if place is not None and "_data" not in tensor.__dict__:
                self.arrays[place] = None
                self.dropped.append(place)

    def release(self) -> None:
        """Give every Tensor its array, and hold none."""
        with lock:
            for tensor, array in zip(self.tensors, self.arrays, strict=False):  # a second time there are none
                own = tensor.__dict__
                if "_data" not in own:
                    own["_data"] = array
                if own.get("_resident") is self:
                    del own["_resident"]
            self.arrays, self.taken, self.dropped = [], [], []

    def exchange(self, place: int) -> Tensor:
        """Let the Tensor at ``place`` keep its array, and stand a new one there."""
        old = self.tensors[place]
        self.take(old)
        del self._places[id(old)], old._resident
        new = self.tensors[place] = object.__new__(Tensor)
        new._resident = self
        self._places[id(new)] = place
        return new

    def all_arrays(self, copy: Any) -> list[Any]:
        """The arrays of all Tensors, to be overwritten; of those that somebody else holds too, a ``copy``."""
        for i in self.taken:
            array = self.arrays[i] = self.tensors[i]._data
            if sys.getrefcount(array) > _HELD_BY_US:
                self.arrays[i] = copy(array)
        return self.arrays


class _Held:
    """Stands for the ``_data`` of a Tensor that has none of its own: a descriptor, asked only then."""

    def __get__(self, tensor: Tensor | None, owner: type) -> Any:
        if tensor is None:
            return self
        resident = tensor.__dict__.get("_resident")
        if resident is None:
            raise AttributeError("the Tensor has no values yet")
        return resident.take(tensor)


Tensor._data = _Held()
