"""The tuples with named fields that operators return: one class for each operator, as ``torch.return_types`` has it.

An operator's pure function returns a ``NamedTuple`` that it may share with others; the table turns it into the class
of the operator's own name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

RETURN_TYPES: dict[str, type] = {}
"""The classes by torch's name: ``max``, ``linalg_svd``."""


class _Named:
    """What the classes add to a ``NamedTuple``: torch's constructor and text."""

    __slots__ = ()
    _fields: tuple[str, ...]

    def __new__(cls, *parts: Any, **named: Any) -> Any:
        if len(parts) == 1 and not named:  # torch's form: one sequence of all fields
            parts = tuple(parts[0])
        return super().__new__(cls, *parts, **named)

    def __repr__(self) -> str:
        shown = ",\n".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"torch.return_types.{type(self).__name__}(\n{shown})"


def of(base: Any, name: str) -> type:
    """The class called ``name`` with the fields of the ``NamedTuple`` class ``base``."""
    if name not in RETURN_TYPES:
        made = type(
            name, (_Named, base), {"__slots__": (), "__module__": "fxtorch.return_types", "__doc__": base.__doc__}
        )
        RETURN_TYPES[name] = made
    return RETURN_TYPES[name]


def named_result(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    """``fn``, its result in the class of the operator ``name`` where its annotation says that it has named fields.

    Args:
        fn: a pure function.
        name: its qualified name, ``"torch.max"`` or ``"linalg.svd"``.
    """
    parts = str(fn.__annotations__.get("return", "")).split("|")
    bases = [c for c in (fn.__globals__.get(p.strip()) for p in parts) if hasattr(c, "_fields")]
    if not bases:
        return fn
    result = of(bases[0], name.removeprefix("torch.").replace(".", "_"))

    @functools.wraps(fn)
    def typed(*args: Any, **kwargs: Any) -> Any:
        out = fn(*args, **kwargs)
        return result(*out) if isinstance(out, tuple) else out

    return typed
