"""Where Python keeps what a function may store: an entry of a dictionary, an item of a list, a variable."""

from __future__ import annotations

import operator
from collections import deque
from dataclasses import dataclass
from types import CellType, MemberDescriptorType
from typing import Any

from fxtorch.compiler.guards import ABSENT
from fxtorch.tensor.structure import Attributes


class _Single:
    """A place with one value, or with none, for which ABSENT stands.

    A kind of place says how to ``_read``, ``_store`` and ``_remove``; the first and the last raise where nothing is.
    """

    @property
    def attribute(self) -> tuple[Any, str]:
        """An object and the name of its attribute that is what is here: what a check in C can read."""
        return self, "now"

    @property
    def now(self) -> Any:
        """What is there, for places that are no attributes."""
        return self.get()

    def _read(self) -> Any:
        raise NotImplementedError

    def _store(self, value: Any) -> None:
        raise NotImplementedError

    def _remove(self) -> None:
        raise NotImplementedError

    def get(self) -> Any:
        """What is there; ABSENT where nothing is."""
        try:
            return self._read()
        except (KeyError, ValueError, AttributeError):
            return ABSENT

    def set(self, value: Any) -> None:
        """Store ``value``; ABSENT takes away what is there."""
        if value is not ABSENT:
            self._store(value)
        elif self.get() is not ABSENT:
            self._remove()


@dataclass(frozen=True, eq=False)
class Item(_Single):
    """An entry of a dictionary: an attribute, a global variable, an optimizer's state."""

    table: dict[Any, Any]
    key: Any

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return id(self.table), self.key

    def get(self) -> Any:
        """What is there; ABSENT where nothing is (a defaultdict makes nothing)."""
        return self.table.get(self.key, ABSENT)

    def _store(self, value: Any) -> None:
        if isinstance(self.table, Attributes) and self.key in self.table:  # a Module's: who relies on it looks at it
            self.table.put(self.key, value)
        else:
            self.table[self.key] = value

    def _remove(self) -> None:
        del self.table[self.key]


@dataclass(frozen=True, eq=False)
class Variable(_Single):
    """A variable of an enclosing function."""

    cell: CellType
    name: str

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "variable", id(self.cell)

    @property
    def attribute(self) -> tuple[Any, str]:
        """The contents of the cell."""
        return self.cell, "cell_contents"

    def _read(self) -> Any:
        return self.cell.cell_contents

    def _store(self, value: Any) -> None:
        self.cell.cell_contents = value

    def _remove(self) -> None:
        del self.cell.cell_contents


@dataclass(frozen=True, eq=False)
class Slot(_Single):
    """A slot of an object, or an attribute of a class."""

    owner: Any
    name: str

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "slot", id(self.owner), self.name

    @property
    def attribute(self) -> tuple[Any, str]:
        """The attribute of a class itself, where the class shows it as it is (not a static method, say)."""
        shown = isinstance(self.owner, type) and getattr(self.owner, self.name, None) is self.get()
        return (self.owner, self.name) if shown else super().attribute

    def _read(self) -> Any:
        if isinstance(self.owner, type):
            return vars(self._holder())[self.name]
        return object.__getattribute__(self.owner, self.name)

    def _store(self, value: Any) -> None:
        (type if isinstance(self.owner, type) else object).__setattr__(self._holder(), self.name, value)

    def _remove(self) -> None:
        (type if isinstance(self.owner, type) else object).__delattr__(self._holder(), self.name)

    def _holder(self) -> Any:
        """The object; of a class, the one among its bases that has the attribute."""
        if not isinstance(self.owner, type):
            return self.owner
        return next((c for c in self.owner.__mro__ if self.name in vars(c)), self.owner)


@dataclass(frozen=True, eq=False)
class Whole:
    """All items of a list, of a deque or of a set."""

    items: Any

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "items", id(self.items)

    def get(self) -> Any:
        """A copy."""
        return list(self.items) if isinstance(self.items, deque) else self.items.copy()  # a deque is no tree to JAX

    def set(self, value: Any) -> None:
        """Make the items those of ``value``."""
        fill(self.items, value)


@dataclass(frozen=True, eq=False)
class Within:
    """All items of the container that is at a place, which may be another one at each call."""

    place: Any

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "within", self.place.identity

    def get(self) -> Any:
        """A copy."""
        return Whole(self.place.get()).get()

    def set(self, value: Any) -> None:
        """Make the items those of ``value``."""
        fill(self.place.get(), value)


@dataclass(frozen=True, eq=False)
class Tail:
    """What a function appends to a list or deque that it does not read.

    Attributes:
        items: the list.
        before: what was in it when the trace began.
    """

    items: Any
    before: Any

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "tail", id(self.items)

    def get(self) -> Any:
        """The new items."""
        if isinstance(self.items, list):
            return self.items[len(self.before) :]
        now, before = list(self.items), list(self.before)
        for kept in range(min(len(now), len(before)), 0, -1):  # a full deque drops items at its other end
            if all(map(operator.is_, now[:kept], before[-kept:])):
                return now[kept:]
        return now

    def set(self, value: Any) -> None:
        """Append the items of ``value``; ABSENT takes those of the trace away."""
        if value is not ABSENT:
            self.items.extend(value)
        elif isinstance(self.items, list):
            del self.items[len(self.before) :]
        else:
            fill(self.items, self.before)


Place = Item | Variable | Slot | Whole | Within | Tail


def fill(container: Any, items: Any) -> None:
    """Make the items of a list, deque, set or dictionary those of another."""
    container.clear()
    (container.extend if isinstance(container, list | deque) else container.update)(items)


def place_of(owner: Any, name: str) -> Place | None:
    """Where an object keeps an attribute; None where a property stands for it."""
    for c in type(owner).__mro__:
        if name in vars(c):
            if isinstance(vars(c)[name], MemberDescriptorType):
                return Slot(owner, name)
            if hasattr(type(vars(c)[name]), "__set__"):
                return None
            break
    table = table_of(owner)
    return None if table is None else Item(table, name)


def table_of(owner: Any) -> dict[str, Any] | None:
    """The ``__dict__`` of an object, without asking the object."""
    try:
        return object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return None


def is_empty(owner: Any) -> bool:
    """Whether an object has no attributes yet."""
    slots = (n for c in type(owner).__mro__ for n, d in vars(c).items() if isinstance(d, MemberDescriptorType))
    return not table_of(owner) and all(Slot(owner, n).get() is ABSENT for n in slots)
