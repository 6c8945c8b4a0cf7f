"""Which classes and functions a file may name beyond those that weights need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxtorch.serialization.names import names_of

SafeGlobal = Callable[..., Any] | tuple[Callable[..., Any], str]

_safe: list[SafeGlobal] = []


def add_safe_globals(safe_globals: list[SafeGlobal]) -> None:
    """Let files name these classes or functions, and so call them, under ``load(weights_only=True)``.

    Args:
        safe_globals: each an object, or an object and the dotted name that the file uses for it.
    """
    _safe.extend(item for item in safe_globals if item not in _safe)


def get_safe_globals() -> list[SafeGlobal]:
    """What :func:`add_safe_globals` let in."""
    return list(_safe)


def clear_safe_globals() -> None:
    """Let nothing in any more but what weights need."""
    _safe.clear()


class safe_globals:
    """A ``with`` block in which files may name these classes or functions; see :func:`add_safe_globals`.

    Args:
        safe_globals: each an object, or an object and the dotted name that the file uses for it.
    """

    def __init__(self, safe_globals: list[SafeGlobal]) -> None:
        self._added = safe_globals

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._added)

    def __exit__(self, *exc: object) -> None:
        _safe[:] = self._before


def by_name() -> dict[str, Any]:
    """The objects let in, by the names that files use for them."""
    named: dict[str, Any] = {}
    for item in _safe:
        if isinstance(item, tuple):
            named[item[1]] = item[0]
        else:
            named.update(dict.fromkeys(names_of(item), item))
    return named
