"""A program as a list of steps."""

from __future__ import annotations

import builtins
import contextlib
import keyword
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fxtorch.fx.graph_code import PythonCode, write
from fxtorch.fx.node import Argument, Node, Target, iterate, map_aggregate, map_arg

if TYPE_CHECKING:
    from fxtorch.nn import Module

__all__ = ["Graph", "PythonCode"]

_TAKEN = frozenset(
    {*keyword.kwlist, *dir(builtins), "torch", "device", "fx_pytree", "pytree", "inf", "nan", "NoneType"}
)


class Namespace:
    """Names for values, each given once."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}
        self._objects: dict[Any, str] = {}

    def create_name(self, candidate: str, obj: Any) -> str:
        """A name like ``candidate`` that is not taken."""
        if obj is not None and id(obj) in self._objects:
            return self._objects[id(obj)]
        name = re.sub(r"[^0-9a-zA-Z_]+", "_", candidate) or "_unnamed"
        name = f"_{name}" if name[0].isdigit() else name
        base, _, number = name.rpartition("_")
        count = 0
        if base and number.isdigit() and base in self._used:
            name, count = base, int(number)
        chosen = f"{name}_{count}" if count else name
        count = max(count, self._used.get(name, 0)) if chosen in self._used else count
        while chosen in self._used or chosen in _TAKEN:
            count += 1
            chosen = f"{name}_{count}"
        self._used[chosen] = 0
        self._used[name] = max(count, self._used.get(name, 0))
        if obj is not None:
            self._objects[id(obj)] = chosen
        return chosen


class NodeList:
    """The steps of a graph in order; it may change while it is walked through."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __len__(self) -> int:
        return self._graph._len

    def __iter__(self) -> Iterator[Node]:
        return iterate(self._graph._root)

    def __reversed__(self) -> Iterator[Node]:
        return iterate(self._graph._root, backwards=True)


def _snake_case(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", text).lower()


class Graph:
    """A program as a list of :class:`Node`.

    >>> import fxtorch as torch
    >>> graph = Graph()
    >>> x = graph.placeholder("x")
    >>> _ = graph.output(graph.call_function(torch.relu, (x,)))
    >>> torch.fx.GraphModule(torch.nn.Module(), graph)(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, owning_module: Any = None, tracer_cls: Any = None, tracer_extras: Any = None) -> None:
        self._root = Node(self, "", "output", "", (), {})
        self._insert: Callable[[Node], None] = self._root.prepend
        self._len = 0
        self._namespace = Namespace()
        self._owners = 0
        self._owning_module = owning_module
        self._tracer_cls = tracer_cls
        self._tracer_extras = tracer_extras
        self._codegen: Any = None

    @property
    def owning_module(self) -> Any:
        """The Module that runs it, where there is one."""
        return self._owning_module

    @owning_module.setter
    def owning_module(self, module: Any) -> None:
        self._owning_module = module

    @property
    def nodes(self) -> NodeList:
        """The steps in order."""
        return NodeList(self)

    def find_nodes(self, *, op: str, target: Target | None = None, sort: bool = True) -> list[Node]:
        """The steps of one kind, and of one target where it is given."""
        return [n for n in self.nodes if n.op == op and (target is None or n.target == target)]

    def output_node(self) -> Node:
        """The step that returns."""
        return next(n for n in reversed(self.nodes) if n.op == "output")

    # --- building ---------------------------------------------------------------------------------------------------

    def _name_of(self, op: str, target: Target) -> str:
        name = target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
        if name.startswith("__") and name.endswith("__"):
            name = name[2:-2]
        return _snake_case(name)

    def create_node(
        self,
        op: str,
        target: Target,
        args: tuple[Argument, ...] | None = None,
        kwargs: dict[str, Argument] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """A new step at the point of insertion, at first the end.

        Raises:
            AssertionError: no such ``op``.
            RuntimeError: an argument is a Node of another graph.
        """
        args, kwargs = args or (), kwargs or {}

        def check(node: Node) -> Node:
            if node.graph is not self:
                raise RuntimeError(f"Argument '{node}' of Node '{target}' does not belong to this Graph")
            return node

        map_arg((args, kwargs), check)
        chosen = self._namespace.create_name(name or self._name_of(op, target), None)
        node = Node(self, chosen, op, target, args, kwargs, type_expr)
        if self._owning_module is not None and getattr(self._owning_module, "_create_node_hooks", None):
            for hook in self._owning_module._create_node_hooks:
                hook(node)
        self._insert(node)
        self._len += 1
        return node

    def placeholder(self, name: str, type_expr: Any = None, default_value: Any = Node) -> Node:
        """An argument of the program."""
        args = () if default_value is Node else (default_value,)
        return self.create_node("placeholder", name, args=args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """A parameter, buffer or other attribute of the Module that runs it."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(self, module_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """A call of a submodule."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """A call of a method of the first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(
        self, the_function: Callable[..., Any], args: Any = None, kwargs: Any = None, type_expr: Any = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        """A call of a function."""
        return self.create_node("call_function", the_function, args, kwargs, name=name, type_expr=type_expr)

    def output(self, result: Argument, type_expr: Any = None) -> Node:
        """What the program returns."""
        return self.create_node("output", "output", args=(result,), type_expr=type_expr)

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Argument] = lambda x: x) -> Node:
        """A copy of another graph's step, with ``arg_transform`` of each Node among its arguments."""
        args, kwargs = map_arg(node.args, arg_transform), map_arg(node.kwargs, arg_transform)
        name = None if node.op == "output" else self._namespace.create_name(node.name, None)
        if name is not None:
            self._namespace._used.pop(name)  # create_node takes it
        copied = self.create_node(node.op, node.target, args, kwargs, name, node.type)
        copied.meta = dict(node.meta)
        return copied

    def graph_copy(self, g: Graph, val_map: dict[Node, Any], return_output_node: bool = False) -> Any:
        """Copy the steps of ``g`` here, noting in ``val_map`` which became which; what they return."""
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                result = map_arg(node.args[0], val_map.__getitem__)
                return (result, node) if return_output_node else result
            val_map[node] = self.node_copy(node, val_map.__getitem__)
        return None

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Graph:
        copied = Graph(tracer_cls=self._tracer_cls, tracer_extras=self._tracer_extras)
        copied._codegen = self._codegen
        output = copied.graph_copy(self, {}, return_output_node=True)
        if output is not None:
            value, old = output
            copied.output(value, old.type).meta = dict(old.meta)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        index = {node: i for i, node in enumerate(self.nodes)}
        steps = [
            (n.op, n.target, map_arg((n.args, n.kwargs), lambda m: _Reference(index[m])), n.name, n.type)
            for n in self.nodes
        ]
        return {"steps": steps, "tracer_cls": self._tracer_cls}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(tracer_cls=state["tracer_cls"])
        made: list[Node] = []
        for op, target, given, name, of_type in state["steps"]:
            args, kwargs = _resolved(given, made)
            made.append(self.create_node(op, target, args, kwargs, name, of_type))

    # --- changing ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _inserting(self, insert: Callable[[Node], None]) -> Iterator[None]:
        before, self._insert = self._insert, insert
        try:
            yield
        finally:
            self._insert = before

    def inserting_before(self, n: Node | None = None) -> contextlib.AbstractContextManager[None]:
        """In this block new steps go before ``n``, or before all."""
        return self._inserting(self._root._next.prepend if n is None else n.prepend)

    def inserting_after(self, n: Node | None = None) -> contextlib.AbstractContextManager[None]:
        """In this block new steps go after ``n``, in order; without it before all."""
        last = self._root if n is None else n

        def insert(node: Node) -> None:
            nonlocal last
            last.append(node)
            last = node

        return self._inserting(insert)

    def erase_node(self, to_erase: Node) -> None:
        """Take a step out.

        Raises:
            RuntimeError: its value is still used.
        """
        if to_erase.users:
            raise RuntimeError(
                f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the graph: "
                f"{to_erase.users}!"
            )
        if to_erase._erased:
            return
        to_erase._remove_from_list()
        to_erase._erased = True
        self._len -= 1
        to_erase._update((), {})

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Take out the steps whose value nobody uses, but for those that do something; whether there were any."""
        self.lint()
        impure = is_impure_node or Node.is_impure
        before = self._len
        for node in reversed(self.nodes):
            if not node.users and not impure(node):
                self.erase_node(node)
        return self._len < before

    def process_inputs(self, *args: Any) -> Any:
        """The arguments as they are given."""
        return args

    def process_outputs(self, out: Any) -> Any:
        """The result as it is."""
        return out

    def lint(self) -> None:
        """Check that steps use what comes before them, that names are unique and that what is called is there.

        Raises:
            RuntimeError: something is wrong.
        """
        seen: set[Node] = set()
        names: set[str] = set()
        for node in self.nodes:
            for used in node.all_input_nodes:
                if used.graph is not self:
                    raise RuntimeError(f"Argument '{used}' of Node '{node}' does not belong to this Graph")
                if used not in seen:
                    raise RuntimeError(
                        f"Argument '{used}' of Node '{node}' was used before it has been defined! Please check that "
                        f"Nodes in the graph are topologically ordered\n{self}"
                    )
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            seen.add(node)
            names.add(node.name)
            if self._owning_module is not None and node.op in ("get_attr", "call_module"):
                _check_attribute(self._owning_module, node)

    # --- showing ----------------------------------------------------------------------------------------------------

    def python_code(self, root_module: str, **options: Any) -> PythonCode:
        """The program as Python, in which the Module is called ``root_module``."""
        return write(self, root_module)

    def __str__(self) -> str:
        names: list[str] = []
        lines = [line for n in self.nodes if (line := n.format_node(names)) is not None]
        return "\n    ".join(["graph():", *lines])

    def print_tabular(self) -> None:
        """Print the steps as a table."""
        rows = [("opcode", "name", "target", "args", "kwargs")]
        rows += [(n.op, n.name, str(n.target), str(n.args), str(n.kwargs)) for n in self.nodes]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows.insert(1, tuple("-" * w for w in widths))  # type: ignore[arg-type]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        print("\n".join(lines))  # noqa: T201


class _Reference:
    """A step among the arguments of another, by its place, in a pickled graph."""

    def __init__(self, index: int) -> None:
        self.index = index


def _resolved(a: Any, made: list[Node]) -> Any:
    return map_aggregate(a, lambda x: made[x.index] if isinstance(x, _Reference) else x)


def _check_attribute(module: Module, node: Node) -> None:
    holder: Any = module
    for name in str(node.target).split("."):
        if not hasattr(holder, name):
            raise RuntimeError(f"Node {node} target {node.target} references nonexistent attribute {name} of {holder}")
        holder = getattr(holder, name)
