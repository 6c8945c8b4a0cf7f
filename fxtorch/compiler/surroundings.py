"""What a function sees by name: globals, variables of enclosing functions, attributes of objects, lists and dicts.

Plain Python has no hook on reads of variables, so that this is found by looking: the names that the code of the
function (and of the user's functions that it names) mentions, followed through containers.  Attributes of the user's
objects are noted as they are read (``objects.py``).  Each value found is a guard; what differs when the trace ends was
stored by the function, and is stored again by each call.
"""

from __future__ import annotations

import os
import random
import threading
from collections import ChainMap, deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import partial
from types import (
    BuiltinMethodType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

import numpy as np

from fxtorch.compiler import errors
from fxtorch.compiler.classes import Classes
from fxtorch.compiler.guards import ABSENT, MOST_ITEMS, SIMPLE, label
from fxtorch.compiler.hung import Hung
from fxtorch.compiler.names import (
    all_names,
    global_names,
    is_library,
    is_users,
    methods_of,
    names_of,
    paths_of,
    uses_of,
)
from fxtorch.compiler.naming import Naming, within
from fxtorch.compiler.places import Item, Place, Slot, Tail, Variable, Whole, Within, is_empty, place_of
from fxtorch.nn import Module
from fxtorch.optim import Optimizer
from fxtorch.optim.lr_scheduler import LRScheduler
from fxtorch.tensor import Tensor

_MOST_BYTES = 65536  # of a NumPy array whose values are compared at each call
_DEPTH = 16
_OF_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb"})
_BY_NAMES_MADE_UP = frozenset({"getattr", "setattr", "hasattr", "delattr", "vars", "__dict__"})

Report = Callable[[Place, Any, str], bool]


def names_around(fn: Any, leaves: Sequence[Any]) -> frozenset[str]:
    """The names that the code behind ``fn`` mentions: its own, and that of what it names."""
    names: frozenset[str] = frozenset()
    for _ in range(_DEPTH):
        found = Surroundings(names=names, tracing=False)
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
        tracing: whether the function is about to run, and its objects tell which of their attributes are read.
    """

    def __init__(
        self,
        report: Report = lambda place, value, name: False,
        compare: Callable[[str, Callable[[], Any]], None] = lambda name, compute: None,
        fix: Callable[[Tensor, str], None] = lambda tensor, name: None,
        names: frozenset[str] = frozenset(),
        *,
        tracing: bool = True,
    ) -> None:
        self._report = report
        self._compare = compare
        self._fix = fix
        self._tracing = tracing
        self.naming = Naming()
        self.others: set[type] = set()  # other people's classes, of which there are objects
        self.watch: Callable[[type], None] = self.others.add
        self.on_trainer: Callable[[Any, str], None] = lambda value, name: None  # told of optimizers and schedulers
        self.on_argument: Callable[[int, str, Any], None] = lambda position, key, value: None  # of what hangs on one
        self.names = set(names)
        self.classes = Classes()
        self._met: list[tuple[Place, Any]] = []
        self._absent: dict[Any, tuple[Place, str]] = {}  # where there was nothing that code names
        self._unread: dict[Any, tuple[Place, Any, str]] = {}  # places that were stored to before they were read
        self._containers: list[tuple[Any, Any, str, Place | None]] = []
        self._objects: dict[int, Any] = {}  # of the user's classes, from outside of the trace
        self._own: dict[int, Any] = {}  # and those that it made
        self._trainers: dict[int, tuple[Any, str]] = {}  # optimizers and schedulers, and what they are called
        self._codes: list[CodeType] = []
        self._seen: set[Any] = set()
        self._hung = Hung()
        self._sources: list[tuple[str, Callable[[], Any], Any]] = []
        for name, state in (("random", random.getstate), ("numpy.random", _numpy_state)):
            self._sources.append((name, state, state()))

    def drawn_from(self) -> str | None:
        """A source of random numbers of Python's or NumPy's that was drawn from; None where none was."""
        return next((name for name, state, before in self._sources if state() != before), None)

    # --- looking ----------------------------------------------------------------------------------------------------

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
        ours = is_library(fn.__module__) and fn.__module__ not in (None, "builtins")  # as code run by exec() has
        if id(fn) in self._seen or ours or depth > _DEPTH:
            return
        self._seen.add(id(fn))
        self._codes.append(fn.__code__)
        self.classes.runs(fn.__code__)
        mentioned = all_names(fn.__code__)
        self.names |= mentioned
        if not mentioned.isdisjoint(_OF_ENVIRONMENT):
            self._compare("os.environ", lambda: dict(os.environ))
        for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            self.place(Variable(cell, name), name, depth)
        for value in (*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()):
            self.value(value, f"a default of {fn.__name__}", depth)
        self.libraries(fn)
        named = global_names(fn.__code__)
        for name in fn.__globals__ if "globals" in named else named:
            if name in fn.__globals__:
                self.place(Item(fn.__globals__, name), name, depth)
            else:
                self._none_at(Item(fn.__globals__, name), name)

    def libraries(self, fn: FunctionType) -> None:
        """Look at what ``fn`` takes out of modules of libraries (``F.relu``): somebody may put something else there."""
        cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
        for variable, *path in sorted(paths_of(fn.__code__)):
            owner = Variable(cells[variable], variable).get() if variable in cells else fn.__globals__.get(variable)
            for key in path[:-1]:
                owner = owner.__dict__.get(key) if isinstance(owner, ModuleType) else None
            if isinstance(owner, type) and is_library(owner.__module__):
                self.classes.reads(owner, path[-1])
            if isinstance(owner, ModuleType) and is_library(owner.__name__):
                place, value = Item(owner.__dict__, path[-1]), owner.__dict__.get(path[-1], ABSENT)
                if place.identity not in self._seen and not isinstance(value, ModuleType):
                    self._seen.add(place.identity)
                    self._report(place, value, ".".join((variable, *path)))
                    if isinstance(value, FunctionType):
                        self.function(value)

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
        self._met.append((place, value))
        followed = self._report(place, value, name)
        if not followed:
            self.value(value, name, depth + 1)
        elif isinstance(value, list | dict | set | deque):
            self._containers.append((value, value.copy(), name, place))

    def _none_at(self, place: Place, name: str) -> None:
        """There is nothing at a place that code names, as yet."""
        if self._tracing and place.identity not in self._seen:
            self._absent.setdefault(place.identity, (place, name))

    def value(self, value: Any, name: str, depth: int = 0) -> None:
        """Look through an object: at its items, or at those of its attributes that are named somewhere."""
        if isinstance(value, SIMPLE) or value is ABSENT or depth > _DEPTH:
            return
        if isinstance(value, type):
            self._class(value, name, depth)
            return
        if isinstance(value, Module | Tensor | Optimizer):
            self.naming.met(value, name)
        if isinstance(value, Optimizer | LRScheduler):
            self.on_trainer(value, name)
            self.classes.met(type(value))
            self._trainers.setdefault(id(value), (value, name))
        users = is_users(type(value))
        if users and not isinstance(value, Module | Tensor | Optimizer):
            self._object(value, name, depth)
        if isinstance(value, FunctionType | MethodType):
            self.function(value, depth)
        elif isinstance(value, partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self.value(part, f"a part of {name}", depth + 1)
        elif isinstance(value, Module):
            for _, module in within(value):
                self.methods(type(module), depth)
        elif isinstance(value, Optimizer):
            self.methods(type(value), depth)
        elif isinstance(value, Tensor):
            self.tensor(value, name)
        elif isinstance(value, list | dict | set | deque):
            self._container(value, name, depth)
        elif isinstance(value, ChainMap):
            self._container(value.maps, f"{name}.maps", depth)
        elif isinstance(value, MappingProxyType):
            self._compare(name, lambda: [(k, v if isinstance(v, SIMPLE) else id(v)) for k, v in value.items()])
            for key, item in value.items():
                self._item(item, f"{name}[{label(key)}]", depth)
        elif isinstance(value, tuple):
            for i, item in enumerate(value[:MOST_ITEMS]):
                self._item(item, f"{name}[{i}]", depth)
        elif isinstance(value, np.ndarray):
            if value.nbytes <= _MOST_BYTES:
                self._compare(name, lambda: value.tobytes())
        elif isinstance(value, ContextVar):
            self._context(value, name)
        elif isinstance(value, np.random.Generator):
            self._sources.append((name, lambda: repr(value.bit_generator.state), repr(value.bit_generator.state)))
        elif isinstance(value, random.Random):
            self._sources.append((name, value.getstate, value.getstate()))
        elif isinstance(value, BuiltinMethodType):
            self.value(value.__self__, name, depth + 1)
        elif isinstance(value, SimpleNamespace | threading.local):
            self._attributes(vars(value), name, depth, every=bool(self.names & _BY_NAMES_MADE_UP))
        elif isinstance(value, Iterator) and not users:
            if self._tracing:
                raise errors.NotCompilable(
                    f"it uses {name}, a {type(value).__name__}, which gives each item once: a program would keep what "
                    "its trace took or wrote; do that outside of the function"
                )
        elif not users and isinstance(wrapped := getattr(value, "__wrapped__", None), FunctionType | MethodType):
            self.function(wrapped, depth + 1)  # a compiled function, say
        elif not users and not isinstance(value, ModuleType):
            self.naming.met(value, name)
            self.watch(type(value))

    def tensor(self, tensor: Tensor, name: str) -> None:
        """A Tensor from outside is met, before the trace has changed it."""
        for key in self.names & self._hung.met(tensor, name).keys():
            self.place(Item(tensor.__dict__, key), f"{name}.{key}")

    def arguments(self, stand_ins: dict[int, Tensor]) -> None:
        """The function is about to be given Tensors that stand for arguments, by position."""
        for position, stand_in in stand_ins.items():
            for key, value in self._hung.argument(position, stand_in).items():
                self.value(value, f"argument {position}.{key}")

    def _context(self, variable: ContextVar[Any], name: str) -> None:
        """Guard what a context variable is set to: numbers and strings by value, everything else by identity."""
        held = variable.get(ABSENT)
        if isinstance(held, SIMPLE):
            self._compare(name, lambda: (type(now := variable.get(ABSENT)), now if isinstance(now, SIMPLE) else None))
        else:
            self._compare(f"{name} is what it was", lambda: variable.get(ABSENT) is held)

    def methods(self, cls: type, depth: int = 0) -> None:
        """Look at what the methods of a class of the user's name; of a library's layer, what its forward takes."""
        if ("methods", cls) in self._seen:
            return
        self._seen.add(("methods", cls))
        forward = getattr(cls, "forward", None)
        if isinstance(forward, FunctionType) and is_library(forward.__module__):
            self.classes.runs(forward.__code__)
            self.libraries(forward)
        for name, fn in methods_of(cls):
            self.classes.has(cls, name)
            if name in self.names or name == "forward" or (name.startswith("__") and name != "__init__"):
                self.function(fn, depth + 1)

    def _object(self, value: Any, name: str, depth: int) -> None:
        if id(value) in self._objects or id(value) in self._own:
            return
        self._objects[id(value)] = value
        self.naming.met(value, name)
        self.names |= names_of(type(value))
        if not self._tracing:  # a trace is told of what is read
            self._attributes(getattr(value, "__dict__", {}), name, depth)
        self.methods(type(value), depth)

    def _attributes(self, table: dict[str, Any], name: str, depth: int, *, every: bool = False) -> None:
        for key in sorted(table.keys() if every else self.names & table.keys()):
            self.place(Item(table, key), f"{name}.{key}", depth + 1)

    def _class(self, cls: type, name: str, depth: int) -> None:
        if not is_users(cls):
            return
        for key in sorted(self.names):
            owner = next((c for c in cls.__mro__ if key in vars(c)), None)
            if owner is None:
                self._none_at(Slot(cls, key), f"{name}.{key}")
            elif is_users(owner):
                self._class_attribute(cls, key, f"{name}.{key}", depth)

    def _class_attribute(self, cls: type, key: str, name: str, depth: int) -> None:
        value = Slot(cls, key).get()
        if not isinstance(value, MemberDescriptorType):
            self.place(Slot(cls, key), name, depth + 1)
            self.function(getattr(value, "fget", None) or getattr(value, "__func__", None), depth + 1)

    def _container(self, value: Any, name: str, depth: int) -> None:
        if ("items", id(value)) in self._seen:
            return
        self._seen.add(("items", id(value)))
        self._containers.append((value, value.copy(), name, None))
        if not isinstance(value, dict) and self._report(Whole(value), value, name):
            return
        if isinstance(value, set) or len(value) > MOST_ITEMS:
            return
        if isinstance(value, dict):
            for key in list(value):
                self.place(Item(value, key), f"{name}[{label(key)}]", depth)
        else:
            for i, item in enumerate(value):
                self._item(item, f"{name}[{i}]", depth)

    def _item(self, item: Any, name: str, depth: int) -> None:
        if isinstance(item, Tensor):
            self._fix(item, name)
        self.value(item, name, depth + 1)

    # --- what the user's objects tell ---------------------------------------------------------------------------------

    def is_own(self, owner: Any) -> bool:
        """Whether an object was made in the trace: it is empty when it is first heard of, and nothing led to it."""
        key = id(owner)
        if key in self._objects:
            return False
        if key not in self._own:
            if not is_empty(owner):
                self._object(owner, type(owner).__name__, 0)
                return False
            self._own[key] = owner
        return True

    def is_known(self, owner: Any) -> bool:
        """Whether an object of the user's classes was there before the trace."""
        return id(owner) in self._objects

    def reads(self, owner: Any, name: str) -> None:
        """An attribute of an object is about to be read."""
        place = place_of(owner, name)
        if place is not None:
            self.place(place, f"{self.naming.of(owner)}.{name}")
            if place.get() is not ABSENT:
                return
        self.reads_class(owner, name)

    def reads_class(self, owner: Any, name: str) -> None:
        """An attribute of an object is about to be read that is its class's."""
        cls = next((c for c in type(owner).__mro__ if name in vars(c)), None)
        if cls is not None and is_users(cls):
            self._class_attribute(type(owner), name, f"{self.naming.of(owner)}.{name}", 0)
        elif cls is not None:
            self.classes.reads(type(owner), name)

    def stores(self, owner: Any, name: str) -> None:
        """An attribute of an object is about to be stored, or deleted."""
        place = place_of(owner, name)
        if place is None or place.identity in self._seen:
            return
        self._seen.add(place.identity)
        old = place.get()
        self._met.append((place, old))
        self._unread[place.identity] = place, old, f"{self.naming.of(owner)}.{name}"

    # --- the end ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """What was stored to unread, and is as it was all the same, counts as read: it is not stored again."""
        for place, name in self._absent.values():
            if place.get() is not ABSENT:  # stored for the first time: the next call finds something there
                self._report(place, ABSENT, name)
        for place, value, name in self.classes.settle():
            if place.identity not in self._seen:
                self._seen.add(place.identity)
                self._report(place, value, name)
        for place, old, name in self._unread.values():
            if _is_as_it_was(place, old):
                self._report(place, old, name)
        for trainer, name in self._trainers.values():  # it may be given a step of its own
            for key in sorted(self.names):
                if not key.startswith("_") and isinstance(getattr(type(trainer), key, None), FunctionType):
                    self.place(Item(trainer.__dict__, key), f"{name}.{key}")
        for tensor, key, name in self._hung.of_tensors():
            if key in self.names:
                self.place(Item(tensor.__dict__, key), f"{name}.{key}")
        for position, key, value in self._hung.of_arguments():
            if key in self.names:
                self.on_argument(position, key, value)

    def written(self) -> Iterator[tuple[Place, Any]]:
        """The places where something else is now, with what was there."""
        for place, old in (*self._met, *((place, ABSENT) for place, _ in self._absent.values())):
            if not _is_as_it_was(place, old):
                yield place, old
        for container, old, name, home in self._containers:
            changed = len(container) != len(old) or any(a is not b for a, b in zip(container, old, strict=True))
            if isinstance(container, dict) and home is None:
                for key in [k for k in {**old, **container} if container.get(k, ABSENT) is not old.get(k, ABSENT)]:
                    yield Item(container, key), old.get(key, ABSENT)
            elif isinstance(container, dict) and any(container.get(k, ABSENT) is not v for k, v in old.items()):
                changed = True
            if not changed or (isinstance(container, dict) and home is None):
                continue
            if home is not None:
                yield (Within(home) if home.get() is container else Whole(container)), old
            else:
                yield (Tail(container, old), ABSENT) if self._only_appended(name) else (Whole(container), old)

    def containers(self) -> Iterator[tuple[Any, Any, str]]:
        """The lists, dicts and sets whose items the function may read, with the items they had, and their names."""
        for container, old, name, home in self._containers:
            if home is None and not (isinstance(container, list | deque) and self._only_appended(name)):
                yield container, old, name

    def _only_appended(self, name: str) -> bool:
        """Whether all code that names a list does so to append to it."""
        name = name.rpartition(".")[2]
        if not name.isidentifier():
            return False
        uses = [use for code in self._codes for use in uses_of(code, name)]
        return bool(uses) and all(use in ("append", "extend") for use in uses)


def _is_as_it_was(place: Place, old: Any) -> bool:
    now = place.get()
    return now is old or (isinstance(old, SIMPLE) and type(now) is type(old) and now == old)


def _numpy_state() -> Any:
    kind, keys, *rest = np.random.get_state()
    return (kind, np.asarray(keys).tobytes(), *rest)
