"""Tensors that were made in a trace and are held by something of the user's after it."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Sequence
from types import CellType
from typing import Any
from weakref import ref

import jax
from jax.core import Tracer

from fxtorch.compiler import errors
from fxtorch.tensor import Tensor


def escaped(made: Sequence[tuple[ref[Tensor], str]]) -> list[tuple[Tensor, str]]:
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
    shape = tuple(tensor.shape)
    holder = ""
    for other in gc.get_referrers(tensor):
        holder = holder or _held(other, tensor)
    for lost, _ in found:
        lost._data = jax.ShapeDtypeStruct(lost._data.shape, lost._data.dtype)
    raise errors.Escaped(
        f"a Tensor of shape {shape} that was made inside the compiled function, at\n  {errors.shown(line)}\nis held by "
        f"{holder or 'something'} after it; return it from the function, or assign it to an attribute of an object"
    )


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
