"""What a function sees by name: globals, variables of enclosing functions, attributes of objects, lists and dicts.

Plain Python has no hook on reads, so that this is found by looking: the names that the code of the function (and of
the user's functions that it names) mentions, followed through objects of the user's classes.  Each value found is a
guard; what differs when the trace ends was stored by the function, and is stored again by each call.
"""

from __future__ import annotations

import dis
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from fxtorch.compiler.guards import ABSENT, MOST_ITEMS, SIMPLE, label
from fxtorch.compiler.places import Item, Place, Tail, Variable, Whole
from fxtorch.nn import Module
from fxtorch.optim import Optimizer
from fxtorch.tensor import Tensor

_LIBRARIES = frozenset({"fxtorch", "jax", "jaxlib", "numpy", "optax", "flax"}) | sys.stdlib_module_names
_MOST_BYTES = 4096  # of a NumPy array whose values are compared at each call
_DEPTH = 6

Report = Callable[[Place, Any, str], bool]


def names_around(fn: Any, leaves: Sequence[Any]) -> frozenset[str]:
    """The names that the code behind ``fn`` mentions: its own, and that of what it names."""
    names: frozenset[str] = frozenset()
    for _ in range(_DEPTH):
        found = Surroundings(names=names)
        found.function(fn)
        for leaf in leaves:
            found.value(leaf, "")
        if found.names <= names:
            break
        names = frozenset(found.names)
    return names


class Surroundings:
    """The places that functions may read, with what was there when they were first met.

    Args:
        report: told of each place, its value and its name, so that it can be guarded; true where the Tensors there
            are found anew at each call.
        compare: told of NumPy arrays, whose values count.
        fix: told of Tensors in lists and tuples.
        names: the attributes that some code mentions; those of functions that are met come to them.
    """

    def __init__(
        self,
        report: Report = lambda place, value, name: False,
        compare: Callable[[str, Callable[[], Any]], None] = lambda name, compute: None,
        fix: Callable[[Tensor, str], None] = lambda tensor, name: None,
        names: frozenset[str] = frozenset(),
    ) -> None:
        self._report = report
        self._compare = compare
        self._fix = fix
        self.names = set(names)
        self._met: list[tuple[Place, Any]] = []
        self._containers: list[tuple[Any, Any, str]] = []
        self._codes: list[CodeType] = []
        self._seen: set[Any] = set()
        self._sources: list[tuple[str, Callable[[], Any], Any]] = []
        for name, state in (("random", random.getstate), ("numpy.random", _numpy_state)):
            self._sources.append((name, state, state()))

    def drawn_from(self) -> str | None:
        """A source of random numbers of Python's or NumPy's that was drawn from; None where none was."""
        return next((name for name, state, before in self._sources if state() != before), None)

    def function(self, fn: Any, depth: int = 0) -> None:
        """Look at what ``fn`` names."""
        if isinstance(fn, MethodType):
            if isinstance(fn.__func__, FunctionType):
                self.names |= all_names(fn.__func__.__code__)
            self.value(fn.__self__, "self", depth)
            fn = fn.__func__
        if not isinstance(fn, FunctionType):
            self.value(fn, "the function", depth)
            return
        if id(fn) in self._seen or is_library(fn.__module__) or depth > _DEPTH:
            return
        self._seen.add(id(fn))
        self._codes.append(fn.__code__)
        self.names |= all_names(fn.__code__)
        for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            self.place(Variable(cell, name), name, depth)
        for value in (*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()):
            self.value(value, f"a default of {fn.__name__}", depth)
        for name in global_names(fn.__code__):
            if name in fn.__globals__:
                self.place(Item(fn.__globals__, name), name, depth)

    def place(self, place: Place, name: str, depth: int = 0) -> None:
        """Look at one place, and through it."""
        if place.identity in self._seen or depth > _DEPTH:
            return
        self._seen.add(place.identity)
        value = place.get()
        if isinstance(value, ModuleType):
            if not is_library(value.__name__):
                self._attributes(value.__dict__, name, depth)
            return
        if isinstance(value, type):
            self._class(value, name, depth)
            return
        if value is ABSENT:
            return
        self._met.append((place, value))
        if not self._report(place, value, name):
            self.value(value, name, depth + 1)

    def value(self, value: Any, name: str, depth: int = 0) -> None:
        """Look through an object: at its items, or at those of its attributes that are named somewhere."""
        if isinstance(value, SIMPLE) or depth > _DEPTH:
            return
        if isinstance(value, FunctionType | MethodType):
            self.function(value, depth)
        elif isinstance(value, partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self.value(part, f"a part of {name}", depth + 1)
        elif isinstance(wrapped := getattr(value, "__wrapped__", None), FunctionType | MethodType):
            self.function(wrapped, depth + 1)  # a compiled function, say
        elif isinstance(value, Module):
            for module in value.modules():
                self.methods(type(module), depth)
        elif isinstance(value, Tensor | Optimizer):
            return
        elif isinstance(value, list | dict | set):
            self._container(value, name, depth)
        elif isinstance(value, tuple):
            for i, item in enumerate(value[:MOST_ITEMS]):
                self._item(item, f"{name}[{i}]", depth)
        elif isinstance(value, np.ndarray):
            if value.nbytes <= _MOST_BYTES:
                self._compare(name, lambda: value.tobytes())
        elif isinstance(value, np.random.Generator):
            self._sources.append((name, lambda: repr(value.bit_generator.state), repr(value.bit_generator.state)))
        elif isinstance(value, random.Random):
            self._sources.append((name, value.getstate, value.getstate()))
        elif id(value) not in self._seen and is_users(type(value)):
            self._seen.add(id(value))
            self.names |= names_of(type(value))
            self._attributes(getattr(value, "__dict__", {}), name, depth)
            self.methods(type(value), depth)

    def methods(self, cls: type, depth: int = 0) -> None:
        """Look at what the methods of a class of the user's name."""
        if ("methods", cls) in self._seen:
            return
        self._seen.add(("methods", cls))
        for name, fn in methods_of(cls):
            if name in self.names or name in ("forward", "__call__"):
                self.function(fn, depth + 1)

    def written(self) -> Iterator[tuple[Place, Any]]:
        """The places where something else is now, with what was there."""
        for place, old in self._met:
            now = place.get()
            if now is not old and not (isinstance(old, SIMPLE) and type(now) is type(old) and now == old):
                yield place, old
        for container, old, name in self._containers:
            if isinstance(container, dict):
                for key in [k for k in {**old, **container} if container.get(k, ABSENT) is not old.get(k, ABSENT)]:
                    yield Item(container, key), old.get(key, ABSENT)
            elif len(container) != len(old) or any(a is not b for a, b in zip(container, old, strict=True)):
                yield (Tail(container, len(old)), ABSENT) if self._only_appended(name) else (Whole(container), old)

    def containers(self) -> Iterator[tuple[Any, Any, str]]:
        """The lists, dicts and sets whose items the function may read, with the items they had, and their names."""
        for container, old, name in self._containers:
            if not (isinstance(container, list) and self._only_appended(name)):
                yield container, old, name

    def _only_appended(self, name: str) -> bool:
        """Whether all code that names a list does so to append to it."""
        name = name.rpartition(".")[2]
        if not name.isidentifier():
            return False
        uses = [use for code in self._codes for use in uses_of(code, name)]
        return bool(uses) and all(use in ("append", "extend") for use in uses)

    def _attributes(self, table: dict[str, Any], name: str, depth: int) -> None:
        for key in sorted(self.names & table.keys()):
            self.place(Item(table, key), f"{name}.{key}", depth + 1)

    def _class(self, cls: type, name: str, depth: int) -> None:
        if not is_users(cls):
            return
        for key in sorted(self.names):
            value = next((vars(c)[key] for c in cls.__mro__ if key in vars(c)), ABSENT)
            if isinstance(value, SIMPLE):
                self._compare(f"{name}.{key}", lambda key=key: getattr(cls, key, ABSENT))
            elif isinstance(value, FunctionType):
                self.function(value, depth + 1)

    def _container(self, value: Any, name: str, depth: int) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._containers.append((value, value.copy(), name))
        if not isinstance(value, dict) and self._report(Whole(value), value, name):
            return
        if isinstance(value, set) or len(value) > MOST_ITEMS:
            return
        if isinstance(value, dict):
            for key in value:
                self.place(Item(value, key), f"{name}[{label(key)}]", depth)
        else:
            for i, item in enumerate(value):
                self._item(item, f"{name}[{i}]", depth)

    def _item(self, item: Any, name: str, depth: int) -> None:
        if isinstance(item, Tensor):
            self._fix(item, name)
        self.value(item, name, depth + 1)


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
def is_library(module: str | None) -> bool:
    """Whether a module is Python's, ours or an installed package: nothing that a user changes between calls."""
    if (module or "").partition(".")[0] in _LIBRARIES:
        return True
    if module == "__main__":  # the user's, even where an installed tool (pytest, a debugger) runs it
        return False
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return "site-packages" in file


@cache
def is_users(cls: type) -> bool:
    """Whether a class is the user's own throughout: it inherits from nothing in a library."""
    return all(c is object or not is_library(c.__module__) for c in cls.__mro__)


def _numpy_state() -> Any:
    kind, keys, *rest = np.random.get_state()
    return (kind, np.asarray(keys).tobytes(), *rest)
