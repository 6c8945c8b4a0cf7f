"""Python as a program found it, for a moment: what has changed since its trace is put back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from fxtorch.compiler.guards import ABSENT, Guards
from fxtorch.compiler.places import fill


@contextmanager
def as_then(guards: Guards) -> Iterator[None]:
    """Give tables, lists and variables that a trace looked at what they had then, and take it away again.

    What was computed from them is not set, so that the guards may be broken even so.

    >>> from fxtorch.compiler.guards import Guards
    >>> table, guards = {"training": True}, Guards()
    >>> guards.entry(table, "training", True)
    >>> table["training"] = False
    >>> with as_then(guards):
    ...     print(table)
    {'training': True}
    >>> table
    {'training': False}
    """
    undo: list[Callable[[], None]] = []
    try:
        for table, then, whole in guards.tables():
            _put_back(table, then, whole, undo)
        for container, items in guards.others():
            undo.append(partial(fill, container, container.copy()))
            fill(container, items)
        for place, value in guards.variables():
            if (now := place.get()) is not value:
                undo.append(partial(place.set, now))
                place.set(value)
        guards.forget()
        yield
    finally:
        for back in reversed(undo):
            back()
        guards.forget()


def _put_back(table: dict[Any, Any], then: dict[Any, Any], whole: bool, undo: list[Callable[[], None]]) -> None:
    """Make the entries of ``table`` what they were; not with its own methods, which would note a change."""
    now = {key: table.get(key, ABSENT) for key in then}
    moved = {key: value for key, value in then.items() if now[key] is not value}
    if whole and (moved or len(table) != sum(value is not ABSENT for value in then.values())):
        undo.append(partial(_replace, table, dict(table.items())))
        _replace(table, {key: value for key, value in then.items() if value is not ABSENT})  # in their order
    elif moved:
        undo.append(partial(_set, table, {key: now[key] for key in moved}))
        _set(table, moved)


def _kind(table: Any) -> Any:
    return OrderedDict if isinstance(table, OrderedDict) else dict


def _replace(table: dict[Any, Any], items: dict[Any, Any]) -> None:
    _kind(table).clear(table)
    _kind(table).update(table, items)


def _set(table: dict[Any, Any], items: dict[Any, Any]) -> None:
    for key, value in items.items():
        if value is ABSENT:
            _kind(table).pop(table, key, None)
        else:
            _kind(table).__setitem__(table, key, value)
