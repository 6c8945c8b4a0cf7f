"""``torch.utils._pytree``: nested containers taken apart and put together, dictionaries in the order of their keys.

JAX's own trees sort the keys; programs that walk leaves beside a dictionary's values count on torch's order.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

PyTree = Context = Any


@dataclass(frozen=True, repr=False)
class TreeSpec:
    """What is needed to put the leaves of a container together again.

    Attributes:
        type: the container's class; None for a leaf.
        context: what else its unflatten function needs.
        children_specs: those of the children.

    >>> tree_structure({"b": [1, 2], "a": 3})
    TreeSpec(dict, ['b', 'a'], [TreeSpec(list, None, [*, *]), *])
    """

    type: Any
    context: Any
    children_specs: Sequence[TreeSpec]

    def is_leaf(self) -> bool:
        """Whether it is no container."""
        return self.type is None

    @property
    def num_leaves(self) -> int:
        """How many leaves there are."""
        return 1 if self.is_leaf() else sum(child.num_leaves for child in self.children_specs)

    @property
    def num_children(self) -> int:
        """How many children the container has."""
        return len(self.children_specs)

    @property
    def num_nodes(self) -> int:
        """How many containers and leaves there are."""
        return 1 + sum(child.num_nodes for child in self.children_specs)

    def children(self) -> list[TreeSpec]:
        """Those of the children."""
        return list(self.children_specs)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """What stands in ``tree`` where this one's leaves stand.

        Raises:
            ValueError: ``tree`` has another structure above those places.
        """
        if self.is_leaf():
            return [tree]
        node = _get_node_type(tree)
        if node is not self.type:
            raise ValueError(f"Type mismatch; expected {self.type!r}, but got {node!r}.")
        children, context = SUPPORTED_NODES[node].flatten_fn(tree)
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if isinstance(tree, dict):
            if set(tree) != set(keys := _keys_of(self)):
                raise ValueError(f"Node keys mismatch; expected {keys}, but got {list(tree)}.")
            children = [tree[key] for key in keys]
        elif context != self.context:
            raise ValueError(
                f"Node context mismatch for {self.type!r}: expected {self.context!r}, but got {context!r}."
            )
        return [x for spec, child in zip(self.children_specs, children, strict=True) for x in spec.flatten_up_to(child)]

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The container of these leaves.

        Raises:
            ValueError: there are more or fewer.
        """
        values = list(leaves)
        if len(values) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(values)} but the spec refers to a pytree that "
                f"holds {self.num_leaves} items ({self})."
            )
        return self._take(iter(values))

    def _take(self, values: Any) -> Any:
        if self.is_leaf():
            return next(values)
        return SUPPORTED_NODES[self.type].unflatten_fn([c._take(values) for c in self.children_specs], self.context)

    def __repr__(self) -> str:
        if self.is_leaf():
            return "*"
        name = getattr(self.type, "__name__", self.type)
        return f"TreeSpec({name}, {self.context}, [{', '.join(map(repr, self.children_specs))}])"

    def __hash__(self) -> int:
        return hash((self.type, repr(self.context), tuple(self.children_specs)))


class LeafSpec(TreeSpec):
    """That of a leaf."""

    def __init__(self) -> None:
        super().__init__(None, None, [])


def _keys_of(spec: TreeSpec) -> list[Any]:
    """The keys of a dictionary's."""
    return spec.context[1] if spec.type is defaultdict else spec.context


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
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    jax.tree_util.register_pytree_node(cls, flatten_fn, lambda context, children: unflatten_fn(list(children), context))
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


def _of_dict(values: Iterable[Any], context: Any) -> defaultdict[Any, Any]:
    """The dictionary with a default of these values."""
    return defaultdict(context[0], _dict_unflatten(values, context[1]))


def _namedtuple_flatten(d: Any) -> tuple[list[Any], type]:
    """The fields, and the class."""
    return list(d), type(d)


def _namedtuple_unflatten(values: Iterable[Any], context: Any) -> Any:
    """The inverse of :func:`_namedtuple_flatten`."""
    return context(*values)


SUPPORTED_NODES: dict[Any, NodeDef] = {
    dict: NodeDef(dict, _dict_flatten, _dict_unflatten),
    list: NodeDef(list, _list_flatten, _list_unflatten),
    tuple: NodeDef(tuple, _tuple_flatten, _tuple_unflatten),
    namedtuple: NodeDef(tuple, _namedtuple_flatten, _namedtuple_unflatten),
    OrderedDict: NodeDef(OrderedDict, _dict_flatten, lambda v, keys: OrderedDict(zip(keys, v, strict=True))),
    defaultdict: NodeDef(defaultdict, lambda d: (list(d.values()), [d.default_factory, list(d)]), _of_dict),
    deque: NodeDef(deque, lambda d: (list(d), d.maxlen), deque),
}


def _get_node_type(tree: Any) -> Any:
    """Under what ``tree`` is registered as a container."""
    kind = type(tree)
    return namedtuple if kind not in SUPPORTED_NODES and isinstance(tree, tuple) and hasattr(tree, "_fields") else kind


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves, and what is needed to put them together again."""
    node = SUPPORTED_NODES.get(_get_node_type(tree))
    if node is None or (is_leaf is not None and is_leaf(tree)):
        return [tree], LeafSpec()
    children, context = node.flatten_fn(tree)
    parts = [tree_flatten(child, is_leaf) for child in children]
    spec = TreeSpec(_get_node_type(tree), context, [spec for _, spec in parts])
    return [leaf for leaves, _ in parts for leaf in leaves], spec


def tree_unflatten(leaves: Any, treespec: Any) -> Any:
    """The container of these leaves."""
    if isinstance(leaves, TreeSpec):
        leaves, treespec = treespec, leaves
    return treespec.unflatten(leaves)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The container with ``func`` of each leaf."""
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *(spec.flatten_up_to(rest) for rest in rests)))


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
