"""Tensors that were made in a trace and are held by something of the user's after it."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Sequence
from types import CellType
from typing import Any
from weakref import ref

from jax.core import Tracer

from fxtorch.compiler import errors
from fxtorch.tensor import Tensor
from fxtorch.tensor.gone import Gone

Made = Sequence[tuple[ref[Tensor], str]]  # Tensors, and the line that made each, or which argument it stands for


def lose(made: Made) -> None:
    """Take the tracers out of Tensors of a trace that failed: the error's traceback holds them, or somebody."""
    for tensor, line in made:
        if (t := tensor()) is not None and isinstance(t._data, Tracer):
            t._data = Gone(t._data.shape, t._data.dtype, _origin(line).rstrip(", \n"))  # type: ignore[assignment]


def escaped(made: Made) -> list[tuple[Tensor, str]]:
    """The Tensors that are still there and have no values, with the lines that made them."""
    if all(tensor() is None for tensor, _ in made):
        return []
    gc.collect()
    alive = [(tensor(), line) for tensor, line in made]
    return [(t, line) for t, line in alive if t is not None and isinstance(t._data, Tracer)]


def refuse(found: Sequence[tuple[Tensor, str]]) -> None:
    """Take the tracers out of Tensors that escaped, and say who holds one.

    Raises:
        Escaped: there are some.
    """
    if not found:
        return
    tensor, line = found[0]
    holder = ""
    for other in gc.get_referrers(tensor):
        holder = holder or _held(other, tensor)
    lose([(ref(lost), made_at) for lost, made_at in found])
    raise errors.Escaped(
        f"a Tensor of shape {tuple(tensor.shape)} of the compiled function, {_origin(line)}is held by "
        f"{holder or 'something'} after it; return it from the function, or assign it to an attribute of an object"
    )


def _origin(line: str) -> str:
    return f"made at\n  {errors.shown(line)}\n" if ":" in line else f"in place of {line}, "


def _held(holder: Any, tensor: Tensor) -> str:
    """How ``holder`` holds ``tensor``; empty where it is nobody that a user would know."""
    if isinstance(holder, list | deque | set):
        return f"a {type(holder).__name__} of {len(holder)} items"
    if isinstance(holder, CellType):
        return "a variable of an enclosing function"
    if isinstance(holder, dict):
        key: Any = next((key for key, value in holder.items() if value is tensor), None)
        for owner in gc.get_referrers(holder):
            if isinstance(owner, type) and vars(owner).get(key) is tensor:
                return f"the attribute {key!r} of the class {owner.__name__}"
            if getattr(owner, "__dict__", None) is holder:
                return f"the attribute {key!r} of a {type(owner).__name__}"
        return f"the entry {key!r} of a dict"
    if isinstance(holder, tuple):
        return ""
    for key in (*getattr(holder, "__dict__", {}), *getattr(type(holder), "__slots__", ())):
        if getattr(holder, key, None) is tensor:
            return f"the attribute {key!r} of a {type(holder).__name__}"
    return "" if type(holder).__module__ == "builtins" else f"a {type(holder).__name__}"
