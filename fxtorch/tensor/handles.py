"""Hooks that can be taken off again: what every ``register_..._hook`` returns."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Hooks = OrderedDict[int, Callable[..., Any]]
_next_id = itertools.count().__next__


class RemovableHandle:
    """Takes one hook off when :meth:`remove` is called or its ``with`` block ends.

    Args:
        hooks: the table that holds the hook.
        marks: further tables that have an entry for it (such as "is called with keywords").

    >>> hooks = OrderedDict()
    >>> with RemovableHandle.add(hooks, print):
    ...     len(hooks)
    1
    >>> len(hooks)
    0
    """

    def __init__(self, hooks: OrderedDict[int, Any], *marks: OrderedDict[int, Any]) -> None:
        self.id = _next_id()
        self._tables = [weakref.ref(table) for table in (hooks, *marks)]

    @classmethod
    def add(
        cls,
        hooks: OrderedDict[int, Any],
        hook: Callable[..., Any],
        prepend: bool = False,
        marks: tuple[OrderedDict[int, Any], ...] = (),
    ) -> RemovableHandle:
        """Put ``hook`` at the end of ``hooks``, or at its beginning, and an entry into each of ``marks``."""
        handle = cls(hooks, *marks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        for mark in marks:
            mark[handle.id] = True
        return handle

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        for table in self._tables:
            found = table()
            if found is not None:
                found.pop(self.id, None)

    def __getstate__(self) -> tuple[int, list[OrderedDict[int, Any] | None]]:
        # Copied or pickled together with its tables, it then belongs to their copies.
        return self.id, [table() for table in self._tables]

    def __setstate__(self, state: tuple[int, list[OrderedDict[int, Any] | None]]) -> None:
        self.id, tables = state
        self._tables = [weakref.ref(OrderedDict() if table is None else table) for table in tables]

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
