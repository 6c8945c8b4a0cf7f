"""Where Python keeps what a function may store: an entry of a dictionary, an item of a list, a variable."""

from __future__ import annotations

from dataclasses import dataclass
from types import CellType
from typing import Any

from fxtorch.compiler.guards import ABSENT


@dataclass(frozen=True, eq=False)
class Item:
    """An entry of a dictionary: an attribute, a global variable, an optimizer's state."""

    table: dict[Any, Any]
    key: Any

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return id(self.table), self.key

    def get(self) -> Any:
        """What is there; ABSENT where nothing is."""
        return self.table.get(self.key, ABSENT)

    def set(self, value: Any) -> None:
        """Store ``value``; ABSENT takes the entry away."""
        if value is ABSENT:
            self.table.pop(self.key, None)
        else:
            self.table[self.key] = value


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable of an enclosing function."""

    cell: CellType
    name: str

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "variable", id(self.cell)

    def get(self) -> Any:
        """Its value; ABSENT where it has none yet."""
        try:
            return self.cell.cell_contents
        except ValueError:
            return ABSENT

    def set(self, value: Any) -> None:
        """Assign it."""
        if value is ABSENT:
            del self.cell.cell_contents
        else:
            self.cell.cell_contents = value


@dataclass(frozen=True, eq=False)
class Whole:
    """All items of a list or of a set."""

    items: Any

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "items", id(self.items)

    def get(self) -> Any:
        """A copy."""
        return self.items.copy()

    def set(self, value: Any) -> None:
        """Make the items those of ``value``."""
        self.items.clear()
        (self.items.extend if isinstance(self.items, list) else self.items.update)(value)


@dataclass(frozen=True, eq=False)
class Tail:
    """What a function appends to a list that it does not read.

    Attributes:
        items: the list.
        length: how long it was when the trace began.
    """

    items: list[Any]
    length: int

    @property
    def identity(self) -> Any:
        """What tells two places apart."""
        return "tail", id(self.items)

    def get(self) -> Any:
        """The new items."""
        return self.items[self.length :]

    def set(self, value: Any) -> None:
        """Append the items of ``value``; ABSENT takes those of the trace away."""
        if value is ABSENT:
            del self.items[self.length :]
        else:
            self.items.extend(value)


Place = Item | Variable | Whole | Tail
