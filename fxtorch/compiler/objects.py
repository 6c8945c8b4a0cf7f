"""Objects of the user's classes during a trace: attributes that are read are guards, those stored are carried out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from fxtorch.compiler.guards import ABSENT
from fxtorch.compiler.names import is_library, is_users
from fxtorch.compiler.surroundings import Surroundings
from fxtorch.nn import Module
from fxtorch.optim import Optimizer
from fxtorch.tensor import Tensor

_HEAP, _IMMUTABLE = 1 << 9, 1 << 8  # flags of classes that Python code may, and may not, change
_TOLD_OTHERWISE = (type, BaseException, Enum, Module, Tensor)
_OPTIMIZERS = frozenset({"state", "param_groups", "defaults"})  # which have guards of their own


def topmost() -> list[type]:
    """The classes of the user's that inherit from libraries' alone: a method set there is found from all others."""
    found, seen, left = [], set(), [object]
    while left:
        for cls in type.__subclasses__(left.pop()):
            if cls in seen or issubclass(cls, _TOLD_OTHERWISE):
                continue
            seen.add(cls)
            if not is_users(cls):
                left.append(cls)
            elif cls.__flags__ & _HEAP and not cls.__flags__ & _IMMUTABLE:
                found.append(cls)
    return found


@contextlib.contextmanager
def told(surroundings: Surroundings, elsewhere: Callable[[], bool]) -> Iterator[None]:
    """Within, objects of the user's classes tell of their attributes.

    Args:
        surroundings: hears of them.
        elsewhere: whether this is another thread, or code outside of the trace.
    """
    classes = topmost()
    before = [{name: vars(cls).get(name, ABSENT) for name in _METHODS} for cls in classes]
    try:
        for cls in classes:
            for name, make in _METHODS.items():
                type.__setattr__(cls, name, make(cls, vars(cls).get(name), surroundings, elsewhere))
        yield
    finally:
        for cls, methods in zip(classes, before, strict=True):
            for name, method in methods.items():
                if method is ABSENT:
                    type.__delattr__(cls, name)
                else:
                    type.__setattr__(cls, name, method)


def _reads(cls: type, plain: Any, surroundings: Surroundings, elsewhere: Callable[[], bool]) -> Any:
    def __getattribute__(self: Any, name: str) -> Any:
        if name != "__class__" and not elsewhere() and _tells(self, name) and not surroundings.is_own(self):
            if not name.startswith("__"):
                surroundings.reads(self, name)
            elif name == "__dict__" and not is_library(sys._getframe(1).f_globals.get("__name__")):
                for key in list(object.__getattribute__(self, name)):
                    surroundings.reads(self, key)
        return plain(self, name) if plain is not None else super(cls, self).__getattribute__(name)

    return __getattribute__


def _stores(cls: type, plain: Any, surroundings: Surroundings, elsewhere: Callable[[], bool]) -> Any:
    def __setattr__(self: Any, name: str, value: Any) -> None:
        if not elsewhere() and _tells(self, name) and not surroundings.is_own(self):
            surroundings.stores(self, name)
        plain(self, name, value) if plain is not None else super(cls, self).__setattr__(name, value)

    return __setattr__


def _deletes(cls: type, plain: Any, surroundings: Surroundings, elsewhere: Callable[[], bool]) -> Any:
    def __delattr__(self: Any, name: str) -> None:
        if not elsewhere() and _tells(self, name) and not surroundings.is_own(self):
            surroundings.stores(self, name)
        plain(self, name) if plain is not None else super(cls, self).__delattr__(name)

    return __delattr__


def _tells(self: Any, name: str) -> bool:
    """Whether nothing else watches the object: it may be a Module by another of its bases."""
    cls = type(self)
    return not issubclass(cls, (Module, Tensor)) and not (name in _OPTIMIZERS and issubclass(cls, Optimizer))


_METHODS = {"__getattribute__": _reads, "__setattr__": _stores, "__delattr__": _deletes}
