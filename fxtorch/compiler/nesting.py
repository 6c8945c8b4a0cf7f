"""Nested arguments and results, taken apart as JAX does it, with dicts that keep the order in which they were written.

JAX sorts the keys of a dict, and what it puts together again is sorted, which a program that pairs
``features.values()`` with something else would see.  A dict of another order is a node of its own here: its values
come in the order that JAX gives them, so that the numbers of leaves are JAX's, and the keys as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax

from fxtorch.compiler import errors
from fxtorch.compiler.results import is_leaf

_DICTS = (dict, defaultdict)  # whose keys JAX sorts


class Part(Protocol):
    """What stands for an object that JAX would not take apart, or not so: a node of a tree."""

    def each(self, do: Callable[[Any], Any]) -> Part:
        """The same with ``do(part)`` for each part."""
        ...


Opens = Callable[[Any], Part | None]


class Keyed:
    """A dict as a node of a tree: the values in JAX's order, the keys in their own."""

    def __init__(self, keys: tuple[Any, ...], values: Sequence[Any], factory: Any, like: type) -> None:
        self.keys = keys
        self.values = values
        self.factory = factory
        self.like = like

    @classmethod
    def of(cls, table: dict[Any, Any]) -> Keyed:
        """That of a dict."""
        values = [table[key] for key in _sorted(table)]
        return cls(tuple(table), values, getattr(table, "default_factory", None), type(table))

    def each(self, do: Callable[[Any], Any]) -> Keyed:
        """The same with ``do(value)`` for each value."""
        return Keyed(self.keys, [do(value) for value in self.values], self.factory, self.like)

    def taken_apart(self) -> tuple[Any, Any]:
        """Children; what else there is."""
        return self.values, (self.keys, self.factory, self.like)

    @staticmethod
    def put_together(kind: Any, values: Any) -> Any:
        """The dict."""
        keys, factory, like = kind
        found = dict(zip(_sorted(keys), values, strict=True))
        table: Any = {} if like is dict else defaultdict(factory)
        table.update((key, found[key]) for key in keys)
        return table


jax.tree_util.register_pytree_node(Keyed, Keyed.taken_apart, Keyed.put_together)


def flatten(tree: Any, opens: Opens = lambda leaf: None) -> tuple[list[Any], Any]:
    """Leaves and structure; ``jax.tree.unflatten`` puts them together again.

    >>> import jax
    >>> leaves, structure = flatten({"w": 1, "b": 2})
    >>> leaves, jax.tree.unflatten(structure, leaves)
    ([2, 1], {'w': 1, 'b': 2})

    Args:
        tree: nested containers.
        opens: what stands for a leaf that is to be taken apart, too; None where it is not.

    Raises:
        NotCompilable: something that is to be taken apart holds itself.
    """
    leaves, structure = jax.tree.flatten(tree, is_leaf=_stops)
    parted = _parted(leaves, opens, ())
    if parted is None:
        return leaves, structure
    return jax.tree.flatten(jax.tree.unflatten(structure, parted), is_leaf=is_leaf)


def each(do: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """``jax.tree.map``, with dicts in the order of ``tree``'s."""
    parted = (_within(t, lambda leaf: None, ()) for t in (tree, *others))
    return jax.tree.map(do, *parted, is_leaf=is_leaf)


def _within(tree: Any, opens: Opens, above: tuple[int, ...]) -> Any:
    leaves, structure = jax.tree.flatten(tree, is_leaf=_stops)
    parted = _parted(leaves, opens, above)
    return tree if parted is None else jax.tree.unflatten(structure, parted)


def _parted(leaves: Sequence[Any], opens: Opens, above: tuple[int, ...]) -> list[Any] | None:
    """The leaves with nodes for those that are to be taken apart; None where there are none."""
    parts = [Keyed.of(x) if x.__class__ in _DICTS else opens(x) for x in leaves]
    if not any(part is not None for part in parts):
        return None
    new = []
    for leaf, part in zip(leaves, parts, strict=True):
        if part is not None and id(leaf) in above:
            raise errors.NotCompilable(f"a {type(leaf).__name__} with Tensors in it leads back to itself")
        path = (*above, id(leaf))
        new.append(leaf if part is None else part.each(lambda inner, path=path: _within(inner, opens, path)))
    return new


def _stops(x: Any) -> bool:
    return is_leaf(x) or (x.__class__ in _DICTS and not _is_sorted(x))


def _is_sorted(keys: Any) -> bool:
    try:
        return sorted(keys) == list(keys)
    except TypeError:  # keys of several kinds, which JAX does not take
        return False


def _sorted(keys: Any) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:
        return list(keys)
