"""The optimizers that step in a trace: what they remember is state, their structure and hooks are guards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fxtorch.compiler.guards import ABSENT, Guards
from fxtorch.compiler.places import Item, Place
from fxtorch.compiler.surroundings import Surroundings
from fxtorch.optim.optimizer import step_hooks

_STATE = "an optimizer's state"


class _Contents:
    """A dictionary of an optimizer's, and what was in it before the trace."""

    __slots__ = ("before", "table")

    def __init__(self, table: dict[Any, Any], *, empty: bool = False) -> None:
        self.table = table
        self.before: dict[Any, Any] = {}
        if not empty:
            self.look()

    def look(self) -> None:
        """Take what is there now as what was there before."""
        self.before = dict(self.table)


class Optimizers:
    """Those of one trace."""

    def __init__(self, guards: Guards, surroundings: Surroundings) -> None:
        self._guards = guards
        self._surroundings = surroundings
        self._all: dict[int, Any] = {}
        self._tables: dict[int, _Contents] = {}

    def steps(self, optimizer: Any) -> None:
        """One steps."""
        if id(optimizer) in self._all:
            return
        self._all[id(optimizer)] = optimizer
        naming, guards = self._surroundings.naming, self._guards
        naming.met(optimizer, type(optimizer).__name__)
        name = naming.of(optimizer)
        guards.entry(optimizer.__dict__, "state", optimizer.state, name)
        guards.entry(optimizer.__dict__, "param_groups", optimizer.param_groups, name)
        for group in optimizer.param_groups:
            guards.entry(group, "params", group["params"], f"{name}.param_groups")
        for hooks in step_hooks(optimizer):
            guards.contents(hooks, hooks, f"the hooks of {name}")
            self._surroundings.value(list(hooks.values()), f"the hooks of {name}")
        for table in (optimizer.state, *optimizer.state.values()):
            self._tables[id(table)] = _Contents(table)

    def built(self) -> None:
        """State was created outside of the trace: it is there for good."""
        for optimizer in self._all.values():
            for state in optimizer.state.values():
                self._tables.setdefault(id(state), _Contents(state))
        for table in self._tables.values():
            table.look()

    def settle(self, numbers_read: set[tuple[int, Any]]) -> Iterator[tuple[Place, Any]]:
        """Guard what they relied on, at the end of the function; yields the places written, with what was there.

        Args:
            numbers_read: the dictionaries and keys of numbers that are inputs of the program.
        """
        for optimizer in self._all.values():
            name = self._surroundings.naming.of(optimizer)
            for group in optimizer.param_groups:
                for key, value in group.items():
                    if (id(group), key) not in numbers_read:
                        self._guards.entry(group, key, value, f"{name}.param_groups")
            for state in optimizer.state.values():
                self._tables.setdefault(id(state), _Contents(state, empty=True))
        for table in self._tables.values():
            self._guards.sized(table.table, len(table.before), _STATE)
            for key, value in table.before.items():
                self._guards.entry(table.table, key, value, _STATE)
            for key, value in table.table.items():
                old = table.before.get(key, ABSENT)
                if value is not old:
                    yield Item(table.table, key), old
