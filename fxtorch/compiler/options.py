"""Numbers that optimizers and schedulers keep in Python: a program has none of them in it unnoticed.

What an optimizer's step uses is an input of the program (``Capture.scalar``).  This is about what the user's own code
reads, or sets, while it is traced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fxtorch.compiler import errors
from fxtorch.compiler.guards import SIMPLE, Guards
from fxtorch.compiler.places import Item, Place
from fxtorch.compiler.surroundings import Surroundings
from fxtorch.optim import Optimizer

_EVERY = frozenset({"items", "values", "copy", "deepcopy", "dict"})  # code that mentions these may read any option


class Options:
    """Those of one trace.

    Args:
        guards: what the trace relies on.
        surroundings: tells of optimizers and schedulers, and which names the code mentions.
    """

    def __init__(self, guards: Guards, surroundings: Surroundings) -> None:
        self._guards = guards
        self._surroundings = surroundings
        self._all: dict[int, tuple[Any, str, list[tuple[dict[Any, Any], dict[Any, Any]]]]] = {}
        self._moved: set[int] = set()  # the schedulers that step
        self._places: set[tuple[int, Any]] = set()  # and the numbers that they set
        surroundings.on_trainer = self.met

    def met(self, owner: Any, name: str) -> None:
        """An optimizer or a scheduler is within reach: what it has now is what it had before the trace."""
        if id(owner) in self._all:
            return
        tables = owner.param_groups if isinstance(owner, Optimizer) else [owner.__dict__]
        self._all[id(owner)] = owner, name, [(table, dict(table)) for table in tables]
        optimizer = owner.__dict__.get("optimizer")
        if isinstance(optimizer, Optimizer):
            self.met(optimizer, f"{name}.optimizer")

    def moves(self, owner: Any, places: set[tuple[int, Any]]) -> None:
        """A scheduler steps, which is done when the program has run."""
        self._moved.add(id(owner))
        self._places |= places

    def shown(self, owner: Any, key: str | None = None) -> None:
        """An optimizer or a scheduler is asked for one of its numbers, or for all.

        Raises:
            NotCompilable: the function has changed them before.
        """
        self.met(owner, type(owner).__name__)
        _, name, tables = self._all[id(owner)]
        for table, before in tables:
            for k in before if key is None else (key,):
                self._rely(owner, table, before, k, name)

    def _rely(self, owner: Any, table: dict[Any, Any], before: dict[Any, Any], key: Any, name: str) -> None:
        value = before.get(key)
        if not _numeric(value):
            return
        if (id(table), key) in self._places or id(owner) in self._moved:
            raise errors.NotCompilable(
                f"it steps a scheduler, and reads {key!r} of {name}, which that changes; read it outside"
            )
        if isinstance(value, list):
            self._guards.computed(f"{name}.{key}", lambda: list(table.get(key) or ()), list(value))
        else:
            self._guards.entry(table, key, value, name)

    def written(self) -> Iterator[tuple[Place, Any]]:
        """The options of optimizers that the function set, with what they were."""
        for owner, _, tables in self._all.values():
            for table, before in tables if isinstance(owner, Optimizer) else ():
                for key, value in before.items():
                    if _numeric(value) and table.get(key) is not value:
                        yield Item(table, key), value

    def settle(self) -> None:
        """Note what the code may have read by name, at the end of the function.

        Raises:
            NotCompilable: it has set an option of an optimizer, or read one that it changes.
        """
        for place, _ in self.written():
            raise errors.NotCompilable(
                f"it sets {place.key!r} of an optimizer, which a program would do only while it is traced; set it "  # type: ignore[union-attr]
                "outside, or step a scheduler"
            )
        names = self._surroundings.names
        for owner, name, tables in self._all.values():
            groups = isinstance(owner, Optimizer)
            for table, before in tables:
                if groups and "param_groups" in names:
                    read = set(before) if names & _EVERY else set(before) & names
                else:
                    read = set() if groups or id(owner) not in self._moved else set(before) & names
                for key in before:
                    if key in read:
                        self._rely(owner, table, before, key, f"{name}.param_groups" if groups else name)


def _numeric(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return bool(value) and all(isinstance(v, int | float) for v in value)
    return isinstance(value, SIMPLE) and value is not None
