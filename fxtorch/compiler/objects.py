"""Objects of the user's classes during a trace: attributes that are read are guards, those stored are carried out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from fxtorch.compiler import errors
from fxtorch.compiler.guards import ABSENT
from fxtorch.compiler.names import asked_by_the_user, is_users
from fxtorch.compiler.places import table_of
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
            else:
                found.append(cls)
    return found


@contextlib.contextmanager
def told(surroundings: Surroundings, elsewhere: Callable[[], bool]) -> Iterator[None]:
    """Within, objects tell of their attributes: those of the user's classes, and others that the user's code asks.

    Args:
        surroundings: hears of them.
        elsewhere: whether this is another thread, or code outside of the trace.
    """
    before: dict[type, dict[str, Any]] = {}

    def watch(cls: type) -> None:
        users = is_users(cls)
        if cls in before or not _may_change(cls) or not (users or _may_tell(cls)):
            return
        was = before[cls] = {}

        def hears(self: Any, name: str) -> bool:
            """Whether the attribute of this object counts here: it may be a Module by another of its bases."""
            its = type(self)
            if name == "__class__" or elsewhere() or issubclass(its, (Module, Tensor)):
                return False
            if issubclass(its, Optimizer) and name in _OPTIMIZERS:
                return False
            if not asked_by_the_user() and (not users or name == "__dict__"):
                return False
            return not surroundings.is_own(self)

        for name, make in _METHODS.items():
            plain = vars(cls).get(name, ABSENT)
            try:
                type.__setattr__(cls, name, make(cls, None if plain is ABSENT else plain, surroundings, hears))
            except (TypeError, AttributeError) as error:
                raise errors.NotCompilable(
                    f"objects of {cls.__qualname__} do not tell what is read: {error}"
                ) from error
            was[name] = plain

    try:
        for cls in (*topmost(), *surroundings.others):
            watch(cls)
        surroundings.watch = watch
        yield
    finally:
        surroundings.watch = surroundings.others.add
        _put_back(before)


def _put_back(before: dict[type, dict[str, Any]]) -> None:
    """Give all classes their own methods again, also after one has refused."""
    refused: list[Exception] = []
    for cls, methods in before.items():
        for name, method in methods.items():
            try:
                if method is ABSENT:
                    type.__delattr__(cls, name)
                else:
                    type.__setattr__(cls, name, method)
            except (TypeError, AttributeError) as error:
                refused.append(error)
    if refused:
        raise refused[0]


def _may_change(cls: type) -> bool:
    ways = type(cls).__setattr__ is type.__setattr__ and type(cls).__delattr__ is type.__delattr__  # not pybind11's
    return ways and bool(cls.__flags__ & _HEAP) and not cls.__flags__ & _IMMUTABLE


def _may_tell(cls: type) -> bool:
    """Whether objects of somebody else's class may be asked: not arrays, and nothing that has a way of its own."""
    return not issubclass(cls, _TOLD_OTHERWISE) and cls.__module__.partition(".")[0] not in ("jax", "jaxlib", "numpy")


def _reads(cls: type, plain: Any, surroundings: Surroundings, hears: Callable[[Any, str], bool]) -> Any:
    def __getattribute__(self: Any, name: str) -> Any:
        if hears(self, name):
            if not name.startswith("__"):
                surroundings.reads(self, name)
            if plain is not None or name == "__dict__":  # any of its attributes may count
                for key in list(table_of(self) or ()):
                    surroundings.reads(self, key)
        return plain(self, name) if plain is not None else super(cls, self).__getattribute__(name)

    return __getattribute__


def _stores(cls: type, plain: Any, surroundings: Surroundings, hears: Callable[[Any, str], bool]) -> Any:
    def __setattr__(self: Any, name: str, value: Any) -> None:
        if hears(self, name):
            surroundings.stores(self, name)
        plain(self, name, value) if plain is not None else super(cls, self).__setattr__(name, value)

    return __setattr__


def _deletes(cls: type, plain: Any, surroundings: Surroundings, hears: Callable[[Any, str], bool]) -> Any:
    def __delattr__(self: Any, name: str) -> None:
        if hears(self, name):
            surroundings.stores(self, name)
        plain(self, name) if plain is not None else super(cls, self).__delattr__(name)

    return __delattr__


_METHODS = {"__getattribute__": _reads, "__setattr__": _stores, "__delattr__": _deletes}
