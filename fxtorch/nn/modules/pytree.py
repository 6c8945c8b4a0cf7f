"""Modules as JAX pytrees, so that ``jax.jit``, ``grad``, ``vmap`` and ``tree.map`` take them.

The leaves are the parameters and buffers of the whole tree, tied ones once.  All else (the classes, the names, how
things are nested and shared, the configuration) is the static part: hashable values, lists, dicts and sets are
compared by value, anything else by identity.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import jax

from fxtorch.tensor import Tensor, unwrap
from fxtorch.tensor.structure import Attributes, HookTable, Table

if TYPE_CHECKING:
    from fxtorch.nn.modules.module import Module

_TABLES = ("_parameters", "_buffers", "_modules")
_LEFT_OUT = ("_compiled_call_impl",)
_PLAIN: dict[type, type] = {Table: dict, HookTable: OrderedDict}  # what equal tables count as


class _Value:
    """A value that is equal to values of its own type only: 1, 1.0 and True are three configurations."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Value) and type(self.value) is type(other.value) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)

    def thaw(self) -> Any:
        return self.value


class _Same:
    """A value that is equal to itself only; a Tensor also has to hold the same array still."""

    __slots__ = ("array", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.array = unwrap(value) if isinstance(value, Tensor) else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value and self.array is other.array

    def __hash__(self) -> int:
        return id(self.value)

    def thaw(self) -> Any:
        return self.value


class _Container:
    """A list, tuple, set or dict, compared by what is in it and rebuilt as a new one."""

    __slots__ = ("cls", "items")

    def __init__(self, cls: type, items: Any) -> None:
        self.cls = cls
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Container) and self.cls is other.cls and self.items == other.items

    def __hash__(self) -> int:
        return hash((self.cls, self.items))

    def thaw(self) -> Any:
        if issubclass(self.cls, dict):
            return self.cls((key, value.thaw()) for key, value in self.items)
        return self.cls(item.thaw() for item in self.items)


def _freeze(value: Any) -> Any:
    """``value`` as something hashable that ``thaw`` turns back."""
    cls = _PLAIN.get(type(value), type(value))
    if cls in (dict, OrderedDict):
        return _Container(cls, tuple((key, _freeze(item)) for key, item in value.items()))
    if cls in (list, tuple):
        return _Container(cls, tuple(_freeze(item) for item in value))
    if cls in (set, frozenset):
        return _Container(cls, frozenset(_freeze(item) for item in value))
    if isinstance(value, Tensor):
        return _Same(value)
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return _Value(value)


class _Tree:
    """The static part of a tree of Modules.

    Attributes:
        nodes: for each Module, the root first: its class, for each of its three tables the names with the number of
            the leaf or node (None for an absent one), and the rest of its attributes.
    """

    __slots__ = ("_hash", "nodes")

    def __init__(self, nodes: tuple[Any, ...]) -> None:
        self.nodes = nodes
        self._hash = hash(nodes)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Tree) and self._hash == other._hash and self.nodes == other.nodes)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{self.nodes[0][0].__name__}[{len(self.nodes)} modules]"


def _flatten(root: Module) -> tuple[list[tuple[Any, Any]], _Tree]:
    leaves: list[tuple[Any, Any]] = []
    numbers: dict[int, int] = {}
    found = [("", root)]
    numbers[id(root)] = 0
    nodes = []
    for path, module in found:  # grows as submodules are met
        tables = []
        for table in _TABLES:
            entries = []
            for name, member in module.__dict__[table].items():
                number = None
                if member is not None:
                    bucket: list[tuple[Any, Any]] = found if table == "_modules" else leaves
                    number = numbers.setdefault(id(member), len(bucket))
                    if number == len(bucket):
                        below = f"{path}.{name}" if path else name
                        bucket.append((below if table == "_modules" else jax.tree_util.GetAttrKey(below), member))
                entries.append((name, number))
            tables.append(tuple(entries))
        rest = tuple(
            (name, _freeze(value))
            for name, value in module.__dict__.items()
            if name not in _TABLES and name not in _LEFT_OUT
        )
        nodes.append((type(module), tuple(tables), rest))
    return leaves, _Tree(tuple(nodes))


def _flatten_plain(root: Module) -> tuple[list[Any], _Tree]:
    leaves, tree = _flatten(root)
    return [leaf for _, leaf in leaves], tree


def _unflatten(tree: _Tree, leaves: Any) -> Module:
    leaves = list(leaves)
    modules = [object.__new__(cls) for cls, _, _ in tree.nodes]
    for module, (_, tables, rest) in zip(modules, tree.nodes, strict=True):
        state = Attributes.of(module)
        state.update((name, value.thaw()) for name, value in rest)
        for table, entries in zip(_TABLES, tables, strict=True):
            members = modules if table == "_modules" else leaves
            state[table] = Table((name, None if i is None else members[i]) for name, i in entries)
    return modules[0]


def register(cls: type) -> None:
    """Make a subclass of Module a pytree."""
    jax.tree_util.register_pytree_with_keys(cls, _flatten, _unflatten, _flatten_plain)
