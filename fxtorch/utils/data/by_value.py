"""Pickling what a program defines itself by value, so that a worker needs not run the program to have it.

A spawned process finds classes and functions by the names of their modules, and to have those of ``__main__`` it runs
the program again: one without ``if __name__ == "__main__":`` would start workers of its own, and a lambda has no name
at all.  PyTorch forks on Linux, where none of this is felt.  Here classes and functions of ``__main__``, and those
without a name, travel as their code and what it mentions, and take the same place in the worker's ``__main__``.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import marshal
import pickle
import sys
import types
from collections import namedtuple
from collections.abc import Iterator, Mapping
from typing import Any

_NOT_SENT = frozenset({"__dict__", "__weakref__", "_abc_impl", "__module__", "__qualname__"})
_SENTINELS = (dataclasses.MISSING, *(getattr(dataclasses, n) for n in ("_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR")))
_MAIN = "__main__"


def reduced(obj: Any) -> Any:
    """How to send ``obj`` by value: what ``reducer_override`` returns, or NotImplemented for what travels otherwise.

    Raises:
        pickle.PicklingError: a class of ``__main__`` is of a kind that cannot be made anew from its attributes.
    """
    if isinstance(obj, types.FunctionType):
        return _reduced_function(obj) if _nameless(obj) else NotImplemented
    if isinstance(obj, type):
        return _reduced_class(obj) if _nameless(obj) else NotImplemented
    if isinstance(obj, types.ModuleType):
        return importlib.import_module, (obj.__name__,)
    if isinstance(obj, property):
        return property, (obj.fget, obj.fset, obj.fdel, obj.__doc__)
    if isinstance(obj, staticmethod | classmethod):
        return type(obj), (obj.__func__,)
    if isinstance(obj, functools.cached_property):
        return _cached_property, (obj.func, obj.attrname)
    if isinstance(obj, types.MappingProxyType):
        return _read_only, (dict(obj),)
    if any(obj is sentinel for sentinel in _SENTINELS):
        return getattr, (dataclasses, _sentinel_name(obj))
    return NotImplemented


def _sentinel_name(obj: Any) -> str:
    return next(name for name, value in vars(dataclasses).items() if value is obj)


def _nameless(obj: Any) -> bool:
    """Whether another process cannot find a function or class by its name without running ``__main__``."""
    return obj.__module__ == _MAIN or "<" in obj.__qualname__


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _reduced_function(function: types.FunctionType) -> tuple[Any, ...]:
    code, scope = function.__code__, function.__globals__
    mentioned = {}
    if function.__module__ == _MAIN:
        mentioned = {name: scope[name] for name in dict.fromkeys(_names(code)) if name in scope}
    state = {
        "scope": mentioned,
        "cells": [_content(cell) for cell in function.__closure__ or ()],
        "attributes": {
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
            **function.__dict__,
        },
    }
    made = marshal.dumps(code), function.__name__, function.__module__, len(code.co_freevars)
    return _function, made, state, None, None, _complete_function


def _content(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # assigned later than the function was made
        return ()


def _function(code: bytes, name: str, module: str, cells: int) -> types.FunctionType:
    closure = tuple(types.CellType() for _ in range(cells))
    function = types.FunctionType(marshal.loads(code), vars(_home(module)), name, None, closure)
    function.__module__ = module
    return function


def _complete_function(function: types.FunctionType, state: Mapping[str, Any]) -> None:
    for name, value in state["scope"].items():
        function.__globals__.setdefault(name, value)
    for cell, content in zip(function.__closure__ or (), state["cells"], strict=True):
        if content:
            cell.cell_contents = content[0]
    for name, value in state["attributes"].items():
        setattr(function, name, value)
    _settle(function)


def _reduced_class(cls: type) -> tuple[Any, ...]:
    if cls.__bases__ == (tuple,) and hasattr(cls, "_fields"):
        fields, defaults = cls._fields, cls._field_defaults  # type: ignore[attr-defined]
        return _named_tuple, (cls.__name__, cls.__qualname__, cls.__module__, fields, tuple(defaults.values()))
    meta = type(cls)
    if meta.__call__ is not type.__call__ or meta.__module__ == "enum":
        raise pickle.PicklingError(f"a class made by {meta.__name__} cannot be sent by value")
    slots = cls.__dict__.get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else tuple(slots)
    attributes = {k: v for k, v in cls.__dict__.items() if k not in _NOT_SENT and k not in slots and k != "__slots__"}
    first = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    if "__slots__" in cls.__dict__:
        first["__slots__"] = slots  # type: ignore[assignment]
    return _class, (meta, cls.__name__, cls.__bases__, first), attributes, None, None, _complete_class


def _class(meta: type, name: str, bases: tuple[type, ...], first: dict[str, Any]) -> type:
    return types.new_class(name, bases, {"metaclass": meta}, lambda scope: scope.update(first))


def _complete_class(cls: type, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        setattr(cls, name, value)
    _settle(cls)


def _named_tuple(name: str, qualname: str, module: str, fields: Any, defaults: Any) -> type:
    cls = namedtuple(name, fields, defaults=defaults, module=module)
    cls.__qualname__ = qualname
    _settle(cls)
    return cls


def _read_only(items: dict[Any, Any]) -> types.MappingProxyType[Any, Any]:
    return types.MappingProxyType(items)


def _cached_property(func: Any, name: str) -> functools.cached_property[Any]:
    made = functools.cached_property(func)
    made.__set_name__(object, name)
    return made


def _home(module: str) -> types.ModuleType:
    return sys.modules[_MAIN] if module == _MAIN else importlib.import_module(module)


def _settle(obj: Any) -> None:
    """Give a class or function its name in ``__main__``, where what a worker answers refers to it."""
    if obj.__module__ == _MAIN and "." not in obj.__qualname__:
        vars(sys.modules[_MAIN]).setdefault(obj.__qualname__, obj)
