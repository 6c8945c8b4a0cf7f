"""Objects of any class that a function hands back with Tensors in them: a dataclass, a distribution, a kind of dict.

They are taken apart to their items and attributes, and each call makes one anew, without calling its ``__init__``.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import jax
import numpy as np

from fxtorch.compiler import errors, nesting
from fxtorch.compiler.guards import ABSENT, SIMPLE
from fxtorch.compiler.places import Slot
from fxtorch.compiler.results import is_leaf
from fxtorch.nn import Module
from fxtorch.tensor import Tensor

_WHOLE = (*SIMPLE, Tensor, jax.Array, np.ndarray, np.generic, type, FunctionType, MethodType, ModuleType)

Test = Callable[[Any], bool]


class Opened:
    """An object as a node of a tree: its items, where it is a container, and its attributes."""

    def __init__(self, cls: type, items: Any, attributes: dict[str, Any], most: int | None = None) -> None:
        self.cls = cls
        self.most = most
        self.items = items
        self.attributes = attributes

    @classmethod
    def of(cls, x: Any) -> Opened:
        """That of an object.

        Raises:
            NotCompilable: no object of its class can be made but by its constructor.
        """
        items = list(x.items()) if isinstance(x, dict) else list(_items(x))
        opened = cls(type(x), items, _attributes(x), x.maxlen if isinstance(x, deque) else None)
        try:
            cls.put_together(*reversed(opened.taken_apart()))
        except (TypeError, AttributeError) as error:
            raise errors.NotCompilable(
                f"it hands back a {type(x).__name__} with Tensors in it, which a program cannot make anew: {error}"
            ) from error
        return opened

    def each(self, do: Callable[[Any], Any]) -> Opened:
        """The same with ``do(part)`` for each part."""
        attributes = {name: do(value) for name, value in self.attributes.items()}
        return Opened(self.cls, [do(item) for item in self.items], attributes, self.most)

    def taken_apart(self) -> tuple[Any, Any]:
        """Children; class, and how many items it may hold."""
        return (self.items, self.attributes), (self.cls, self.most)

    @staticmethod
    def put_together(kind: Any, parts: Any) -> Any:
        """An object of the class with these items and attributes."""
        of: Any = kind[0]
        most, (items, attributes) = kind[1], parts
        if issubclass(of, tuple):
            new: Any = tuple.__new__(of, items)
        else:
            new = frozenset.__new__(of, items) if issubclass(of, frozenset) else of.__new__(of)
        if isinstance(new, list):
            list.extend(new, items)
        elif isinstance(new, deque):
            deque.__init__(new, items, most)
        elif isinstance(new, set):
            set.update(new, items)
        elif isinstance(new, dict):
            store: Any = OrderedDict.__setitem__ if isinstance(new, OrderedDict) else dict.__setitem__
            for key, value in items:
                store(new, key, value)
        for name, value in attributes.items():
            object.__setattr__(new, name, value)
        return new


jax.tree_util.register_pytree_node(Opened, Opened.taken_apart, Opened.put_together)


def flatten(value: Any, is_made: Test, is_outside: Test, *, stored: bool = False) -> tuple[list[Any], Any]:
    """Leaves and structure of what a function hands back or stores.

    Args:
        value: that.
        is_made: whether a Tensor was made in the trace, or stands there for an argument.
        is_outside: whether an object was there before: it is handed back itself.
        stored: whether it is stored, where the next call finds it.

    Raises:
        NotCompilable: an object with Tensors of the trace in it cannot be made anew, or is a Module.
    """

    def opens(x: Any) -> Opened | None:
        if isinstance(x, Module) and any(map(is_made, (*x.parameters(), *x.buffers()))):
            raise (errors.NotYet if stored else errors.NotCompilable)(
                "it makes a Module, and hands it back or stores it"
            )
        return Opened.of(x) if _holds(x, is_made, is_outside, set()) else None

    return nesting.flatten(value, opens)


def _holds(x: Any, is_made: Test, is_outside: Test, seen: set[int]) -> bool:
    """Whether a leaf is an object with a Tensor of the trace somewhere in it."""
    if isinstance(x, _WHOLE) or is_leaf(x) or id(x) in seen or is_outside(x):
        return False
    seen.add(id(x))
    for part in (*_items(x), *_attributes(x).values()):
        for leaf in jax.tree.leaves(part, is_leaf=is_leaf):
            if is_made(leaf) if isinstance(leaf, Tensor) else _holds(leaf, is_made, is_outside, seen):
                return True
    return False


def _items(x: Any) -> Iterator[Any]:
    if isinstance(x, dict):
        yield from x.values()
    elif isinstance(x, list | tuple | deque | set | frozenset):
        yield from x


def _attributes(x: Any) -> dict[str, Any]:
    found = dict(getattr(x, "__dict__", {}))
    for cls in type(x).__mro__:
        for name, descriptor in vars(cls).items():
            if (
                isinstance(descriptor, MemberDescriptorType)
                and name != "__dict__"
                and (value := Slot(x, name).get()) is not ABSENT
            ):
                found[name] = value
    return found
