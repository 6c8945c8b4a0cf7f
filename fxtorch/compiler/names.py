"""What can be told from code without running it: the names that it mentions, and whose code it is."""

from __future__ import annotations

import dis
import sys
from argparse import Namespace
from collections import UserDict, UserList
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any

# of the standard library, whose objects hold what programs put there
_VALUES = frozenset({Namespace, UserDict, UserList})
_LIBRARIES = frozenset({"fxtorch", "jax", "jaxlib", "numpy", "optax", "flax", "nanobind"}) | sys.stdlib_module_names


@cache
def all_names(code: CodeType) -> frozenset[str]:
    """The names that code mentions, in functions within it and as strings (for getattr) too."""
    names = set(code.co_names) | {c for c in code.co_consts if isinstance(c, str) and c.isidentifier()}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= all_names(constant)
    return frozenset(names)


@cache
def global_names(code: CodeType) -> frozenset[str]:
    """The global variables that code reads or assigns, in functions within it too."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL")}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= global_names(constant)
    return frozenset(names)


@cache
def uses_of(code: CodeType, name: str) -> tuple[Any, ...]:
    """What code takes of a variable or attribute called ``name``, each time that it loads it."""
    steps = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "PRECALL", "PUSH_NULL")]
    found = [
        after.argval if after.opname in ("LOAD_METHOD", "LOAD_ATTR") else None
        for step, after in pairwise(steps)
        if step.argval == name and step.opname.startswith("LOAD") and step.opname not in ("LOAD_CLOSURE", "LOAD_CONST")
    ]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += uses_of(constant, name)
    return tuple(found)


@cache
def paths_of(code: CodeType) -> frozenset[tuple[str, ...]]:
    """What code reads as ``variable.attribute.attribute``, as names, in functions within it too."""
    steps = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "PRECALL", "PUSH_NULL")]
    found: set[tuple[str, ...]] = set()
    path: tuple[str, ...] = ()
    for step in steps:
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
            path = (step.argval,)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and path:
            path = (*path, step.argval)
            found.add(path)
        else:
            path = ()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= paths_of(constant)
    return frozenset(found)


def methods_of(cls: type) -> Sequence[tuple[str, FunctionType]]:
    """The functions in the user's part of a class."""
    found = []
    for c in cls.__mro__:
        if is_library(c.__module__):
            continue
        for name, fn in vars(c).items():
            fn = getattr(fn, "fget", None) or getattr(fn, "__func__", fn)
            if isinstance(fn, FunctionType):
                found.append((name, fn))
    return found


@cache
def names_of(cls: type) -> frozenset[str]:
    """The names that the methods of a class mention."""
    return frozenset().union(*(all_names(fn.__code__) for _, fn in methods_of(cls)))


@cache
def is_library(module: Any) -> bool:
    """Whether a module is Python's, ours or an installed package: nothing that a user changes between calls."""
    if not isinstance(module, str):  # a class may have made something else of its ``__module__``
        return True
    if module.partition(".")[0] in _LIBRARIES or module.startswith("_cython"):
        return True
    if module == "__main__":  # the user's, even where an installed tool (pytest, a debugger) runs it
        return False
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" in file


def is_users(cls: type) -> bool:
    """Whether a class was written by the user; what it inherits from may be a library's."""
    return cls in _VALUES or not is_library(cls.__module__)


def asked_by_the_user() -> bool:
    """Whether an attribute's method, two calls up, was called by the user's code."""
    return not is_library(sys._getframe(3).f_globals.get("__name__"))
