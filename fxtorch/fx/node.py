"""The steps of a graph, and the values that travel between them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fxtorch.fx.immutable_collections import immutable_dict, immutable_list

if TYPE_CHECKING:
    from fxtorch.fx.graph import Graph

Target = Callable[..., Any] | str
Argument = Any  # a Node, a constant, or tuples, lists, dicts and slices of them
OPS = ("placeholder", "get_attr", "call_function", "call_module", "call_method", "output")


def map_aggregate(a: Argument, fn: Callable[[Argument], Argument]) -> Argument:
    """``fn`` of everything in ``a`` that is no tuple, list, dict or slice, and those again, unchangeable.

    >>> map_aggregate((1, [2, {"a": 3}]), lambda x: x + 1)
    (2, [3, {'a': 4}])
    """
    if isinstance(a, tuple):
        items = [map_aggregate(x, fn) for x in a]
        return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
    if isinstance(a, list):
        return immutable_list(map_aggregate(x, fn) for x in a)
    if isinstance(a, dict):
        return immutable_dict((k, map_aggregate(v, fn)) for k, v in a.items())
    if isinstance(a, slice):
        return slice(*(map_aggregate(x, fn) for x in (a.start, a.stop, a.step)))
    return fn(a)


def map_arg(a: Argument, fn: Callable[[Node], Argument]) -> Argument:
    """``a`` with ``fn`` of each Node in it in that Node's place."""
    return map_aggregate(a, lambda x: fn(x) if isinstance(x, Node) else x)


class Node:
    """A step of a :class:`Graph`.

    Attributes:
        op: ``"placeholder"`` (an argument of the whole), ``"get_attr"`` (a parameter or buffer), ``"call_function"``,
            ``"call_method"``, ``"call_module"`` or ``"output"``.
        name: the name of its value in the code.
        target: the function, or the name of the argument, attribute, method or Module.
        args: its arguments, in which Nodes stand for the values of other steps.
        kwargs: its keyword arguments.
        users: the Nodes that use its value, as keys.
        meta: what passes note about it.
        type: the type annotated in the program.
    """

    def __init__(
        self, graph: Graph, name: str, op: str, target: Target, args: Any, kwargs: Any, return_type: Any = None
    ) -> None:
        if op not in OPS:
            raise AssertionError(f"op must be one of {', '.join(OPS)}, but got {op}")
        if op == "call_function":
            if not callable(target):
                raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} must be a Callable")
        elif not isinstance(target, str):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} must be a str")
        self.graph = graph
        self.name = name
        self.op = op
        self.target = target
        self.type = return_type
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._input_nodes: dict[Node, None] = {}
        self._prev = self._next = self
        self._erased = False
        self._repr_fn: Callable[[Node], str] | None = None
        self._update(tuple(args), dict(kwargs))

    def _update(self, args: Any, kwargs: Any) -> None:
        for node in self._input_nodes:
            node.users.pop(self)
        self._input_nodes = {}

        def note(node: Node) -> Node:
            self._input_nodes[node] = None
            node.users[self] = None
            return node

        self._args, self._kwargs = map_arg(args, note), map_arg(kwargs, note)

    @property
    def args(self) -> tuple[Argument, ...]:
        """The arguments; to be assigned as a whole."""
        return self._args

    @args.setter
    def args(self, value: tuple[Argument, ...]) -> None:
        self._update(value, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Argument]:
        """The keyword arguments; to be assigned as a whole."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, value: Mapping[str, Argument]) -> None:
        self._update(self._args, dict(value))

    @property
    def all_input_nodes(self) -> list[Node]:
        """The Nodes among the arguments, each once."""
        return list(self._input_nodes)

    @property
    def next(self) -> Node:
        """The step after this one; after the last the graph's root."""
        return self._next

    @property
    def prev(self) -> Node:
        """The step before this one; before the first the graph's root."""
        return self._prev

    @property
    def stack_trace(self) -> str | None:
        """Where in the program the step comes from, if that was recorded."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace: str | None) -> None:
        self.meta["stack_trace"] = trace

    def prepend(self, x: Node) -> None:
        """Move ``x`` before this one."""
        if self.graph is not x.graph:
            raise AssertionError("Attempting to move a Node into a different Graph")
        if self is x:
            return
        x._remove_from_list()
        before = self._prev
        before._next, x._prev, x._next, self._prev = x, before, self, x

    def append(self, x: Node) -> None:
        """Move ``x`` after this one."""
        self._next.prepend(x)

    def _remove_from_list(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    def update_arg(self, idx: int, arg: Argument) -> None:
        """Set one of the arguments."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Argument) -> None:
        """Insert an argument before the one at ``idx``."""
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Argument) -> None:
        """Set one of the keyword arguments."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use the value of ``new_input`` wherever that of ``old_input`` is used here."""
        self._update(*map_arg((self.args, self.kwargs), lambda n: new_input if n is old_input else n))

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] = lambda user: True,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Let its users use ``replace_with``; which they were."""
        if propagate_meta:
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    def is_impure(self, impure_random: bool = True) -> bool:
        """Whether it must stay though nobody uses its value: arguments, results, in-place and asserting steps."""
        if self.op in ("placeholder", "output"):
            return True
        name = self.target if isinstance(self.target, str) else getattr(self.target, "__name__", "")
        if self.op == "call_function":
            return name in ("_assert", "setitem") or (name.endswith("_") and not name.endswith("__"))
        return self.op == "call_method" and name.endswith("_") and not name.endswith("__")

    def format_node(
        self, placeholder_names: list[str] | None = None, maybe_return_typename: list[str] | None = None
    ) -> str | None:
        """The step as a line of text."""
        of_type = "" if self.type is None else f"{getattr(self.type, '__name__', self.type)} "
        if self.op == "placeholder":
            default = f"(default={self.args[0]})" if self.args else ""
            return f"%{self.name} : {of_type}[num_users={len(self.users)}] = placeholder[target={self.target}]{default}"
        if self.op == "output":
            return f"return {self.args[0]}"
        start = f"%{self.name} : {of_type}[num_users={len(self.users)}] = {self.op}"
        if self.op == "get_attr":
            return f"{start}[target={self.target}]"
        target = self.target if isinstance(self.target, str) else qualified_name(self.target)
        given = ", ".join([_text(self.args), f"kwargs = {{{_pairs(self.kwargs)}}}"])
        return f"{start}[target={target}](args = {given})"

    def __repr__(self) -> str:
        return self.name if self._repr_fn is None else self._repr_fn(self)

    def __lt__(self, other: Node) -> bool:
        order = {node: i for i, node in enumerate(self.graph.nodes)}
        return order[self] < order[other]


def _text(a: Argument) -> str:
    if isinstance(a, tuple):
        return "(" + ", ".join(map(_text, a)) + ("," if len(a) == 1 else "") + ")"
    if isinstance(a, list):
        return "[" + ", ".join(map(_text, a)) + "]"
    return f"%{a}" if isinstance(a, Node) else str(a)


def _pairs(kwargs: Mapping[str, Argument]) -> str:
    return ", ".join(f"{k}: {_text(v)}" for k, v in kwargs.items())


def qualified_name(func: Callable[..., Any]) -> str:
    """The name of a function with its module's, torch's for those of fxtorch.

    >>> import operator
    >>> import fxtorch as torch
    >>> qualified_name(operator.add), qualified_name(torch.relu), qualified_name(len)
    ('operator.add', 'torch.relu', 'builtins.len')
    """
    module = (getattr(func, "__module__", None) or "builtins").replace("_operator", "operator")
    name = getattr(func, "__qualname__", None) or getattr(func, "__name__", type(func).__name__)
    root, dot, rest = module.partition(".")
    if root != "fxtorch":
        return f"{module}.{name}"
    own = sys.modules[root]
    return f"torch.{name}" if getattr(own, name, None) is func else f"torch{dot}{rest}.{name}"


def iterate(root: Node, *, backwards: bool = False) -> Iterator[Node]:
    """The steps of the ring that hangs on ``root``; the one that was given last may be erased meanwhile."""
    node = root._prev if backwards else root._next
    while node is not root:
        if not node._erased:
            yield node
        node = node._prev if backwards else node._next
