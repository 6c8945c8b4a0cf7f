"""Dictionaries keep the order in which they were written.

JAX sorts the keys of a dict that it takes apart, and what it puts together again is sorted; torch's functions, and
programs that pair ``params`` with ``grads.values()``, rely on the order of insertion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def order_of(tree: Any) -> Any:
    """``tree`` without its leaves: nested containers, with None for what is none.

    >>> order_of({"w": (1.0, 2.0), "b": 3.0})
    {'w': (None, None), 'b': None}
    """
    if type(tree) is dict:
        return {key: order_of(value) for key, value in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(order_of(value) for value in tree)
    return None


def in_order(order: Any, tree: Any, inner: Callable[[Any], Any] = lambda leaf: leaf) -> Any:
    """``tree`` with the keys of its dictionaries in the order that ``order`` has them.

    >>> in_order({"w": None, "b": None}, {"b": 1, "w": 2})
    {'w': 2, 'b': 1}

    Args:
        order: containers nested as in ``tree``; what else it holds does not matter.
        tree: what is to be put in order.
        inner: done to what stands in ``tree`` where ``order`` has a leaf.
    """
    if type(order) is dict and type(tree) is dict and order.keys() == tree.keys():
        return {key: in_order(order[key], tree[key], inner) for key in order}
    if type(order) in (tuple, list) and type(tree) is type(order) and len(order) == len(tree):
        return type(tree)(in_order(o, t, inner) for o, t in zip(order, tree, strict=True))
    return inner(tree)
