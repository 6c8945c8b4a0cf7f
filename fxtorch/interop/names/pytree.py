"""``torch.utils._pytree``: nested containers taken apart and put together, by JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jax

PyTree = Context = Any
TreeSpec = jax.tree_util.PyTreeDef
_registered: set[type] = set()


def _leaf(x: Any) -> bool:
    if type(x) in _registered:
        return False
    return x is None or not isinstance(x, dict | list | tuple)  # None is a leaf to torch, Tensors and Modules are


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Any, Any], Any],
    **options: Any,
) -> None:
    """Let a class be a container: here, and to JAX.

    Args:
        cls: the class.
        flatten_fn: gives an object's children, and what else :attr:`unflatten_fn` needs.
        unflatten_fn: makes an object of children and of that.
        options: names under which PyTorch writes such containers into files; accepted.

    Raises:
        ValueError: the class is a container already.
    """
    if cls in _registered:
        raise ValueError(f"{cls} is already registered as pytree node.")
    jax.tree_util.register_pytree_node(cls, flatten_fn, lambda context, children: unflatten_fn(list(children), context))
    _registered.add(cls)
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn)


_register_pytree_node = register_pytree_node


@dataclass(frozen=True)
class NodeDef:
    """How a kind of container is taken apart and put together.

    Attributes:
        type: the class.
        flatten_fn: gives the children, and what else is needed.
        unflatten_fn: makes a container of children and of that.
    """

    type: type
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[Any, Any], Any]


def _dict_flatten(d: dict[Any, Any]) -> tuple[list[Any], list[Any]]:
    """The values, and the keys."""
    return list(d.values()), list(d)


def _dict_unflatten(values: Iterable[Any], context: Iterable[Any]) -> dict[Any, Any]:
    """The dictionary of these values and keys."""
    return dict(zip(context, values, strict=True))


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """The values, each with its key as a step of a path, and the keys."""
    return [(jax.tree_util.DictKey(k), v) for k, v in d.items()], list(d)


def _list_flatten(d: list[Any]) -> tuple[list[Any], None]:
    """The elements; nothing else is needed."""
    return d, None


def _list_unflatten(values: Iterable[Any], context: Any) -> list[Any]:
    """The list of these."""
    return list(values)


def _tuple_unflatten(values: Iterable[Any], context: Any) -> tuple[Any, ...]:
    """The tuple of these."""
    return tuple(values)


def _tuple_flatten(d: tuple[Any, ...]) -> tuple[list[Any], None]:
    """The elements; nothing else is needed."""
    return list(d), None


SUPPORTED_NODES: dict[Any, NodeDef] = {
    dict: NodeDef(dict, _dict_flatten, _dict_unflatten),
    list: NodeDef(list, _list_flatten, _list_unflatten),
    tuple: NodeDef(tuple, _tuple_flatten, _tuple_unflatten),
}


def _get_node_type(tree: Any) -> Any:
    """The class under which ``tree`` is registered as a container."""
    return type(tree)


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Any]:
    """The leaves, and what is needed to put them together again."""
    return jax.tree.flatten(tree, is_leaf=lambda x: _leaf(x) or (is_leaf is not None and is_leaf(x)))


def tree_unflatten(leaves: Any, treespec: Any) -> Any:
    """The container of these leaves."""
    if isinstance(leaves, jax.tree_util.PyTreeDef):
        leaves, treespec = treespec, leaves
    return jax.tree.unflatten(treespec, list(leaves))


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The container with ``func`` of each leaf."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [tree_flatten(rest, is_leaf)[0] for rest in rests]
    return tree_unflatten([func(*row) for row in zip(leaves, *others, strict=True)], spec)


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any, is_leaf: Any = None) -> Any:
    """The container with ``func`` of each leaf of a type."""
    return tree_map(lambda x: func(x) if isinstance(x, kind) else x, tree, is_leaf=is_leaf)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """What is needed to put the leaves together again."""
    return tree_flatten(tree, is_leaf)[1]


def tree_all(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether all leaves are so."""
    return all(map(pred, tree_leaves(tree)))


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether a leaf is so."""
    return any(map(pred, tree_leaves(tree)))
