"""Running a graph step by step, and making another of it on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fxtorch.fx.graph import Graph
from fxtorch.fx.graph_module import GraphModule
from fxtorch.fx.node import Argument, Node, Target, map_aggregate, map_arg
from fxtorch.fx.proxy import Proxy
from fxtorch.fx.tracer import Tracer
from fxtorch.nn import Module

__all__ = ["Interpreter", "Transformer"]


class Interpreter:
    """Runs the steps of a GraphModule one after the other; a subclass may change what each kind does.

    Attributes:
        module: the GraphModule.
        env: the values of the steps so far.

    >>> import fxtorch as torch
    >>> class Doubled(Interpreter):
    ...     def call_function(self, target, args, kwargs):
    ...         return 2 * super().call_function(target, args, kwargs)
    >>> Doubled(torch.fx.symbolic_trace(lambda x: torch.relu(x))).run(torch.tensor([-1.0, 2.0]))
    tensor([0., 4.])
    """

    def __init__(self, module: Module, garbage_collect_values: bool = True, graph: Graph | None = None) -> None:
        self.module = module
        self.submodules = dict(module.named_modules())
        self.graph: Graph = module.graph if graph is None else graph  # type: ignore[assignment]
        self.env: dict[Node, Any] = {}
        self.name = "Interpreter"
        self.garbage_collect_values = garbage_collect_values
        self.extra_traceback = True
        self.user_to_last_uses: dict[Node, list[Node]] = {}
        seen: set[Node] = set()
        for node in reversed(self.graph.nodes) if garbage_collect_values else ():
            for used in node.all_input_nodes:
                if used not in seen:
                    seen.add(used)
                    self.user_to_last_uses.setdefault(node, []).append(used)

    def run(self, *args: Any, initial_env: dict[Node, Any] | None = None, enable_io_processing: bool = True) -> Any:
        """What the graph returns for these arguments."""
        self.env = dict(initial_env or {})
        self.args_iter: Iterator[Any] = iter(self.graph.process_inputs(*args) if enable_io_processing else args)
        for node in self.graph.nodes:
            if node in self.env:
                continue
            try:
                self.env[node] = self.run_node(node)
            except Exception as error:
                if self.extra_traceback:
                    error.add_note(f"While executing {node.format_node()}")
                raise
            for used in self.user_to_last_uses.get(node, []):
                self.env.pop(used, None)
            if node.op == "output":
                out = self.env[node]
                return self.graph.process_outputs(out) if enable_io_processing else out
        return None

    def boxed_run(self, args_list: list[Any]) -> Any:
        """:meth:`run` of the items of a list, which is emptied."""
        args = list(args_list)
        args_list.clear()
        return self.run(*args)

    def run_node(self, n: Node) -> Any:
        """The value of one step."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return getattr(self, n.op)(n.target, args, kwargs)

    def placeholder(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """The next of the arguments of :meth:`run`, or the default.

        Raises:
            RuntimeError: there is none.
        """
        if str(target).startswith("*"):
            return list(self.args_iter)
        value = next(self.args_iter, self)
        if value is not self:
            return value
        if args:
            return args[0]
        raise RuntimeError(f"Expected positional argument for parameter {target}, but one was not passed in!")

    def get_attr(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """An attribute of the Module."""
        return self.fetch_attr(str(target))

    def call_function(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What a function gives."""
        assert not isinstance(target, str)
        return target(*args, **kwargs)

    def call_method(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What a method of the first argument gives."""
        return getattr(args[0], str(target))(*args[1:], **kwargs)

    def call_module(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What a submodule gives."""
        return self.fetch_attr(str(target))(*args, **kwargs)

    def output(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What is returned."""
        return args[0]

    def fetch_attr(self, target: str) -> Any:
        """What the Module has under a name with dots.

        Raises:
            RuntimeError: nothing.
        """
        value: Any = self.module
        for i, name in enumerate(parts := target.split(".")):
            if not hasattr(value, name):
                raise RuntimeError(f"Node referenced nonexistent target {'.'.join(parts[: i + 1])}")
            value = getattr(value, name)
        return value

    def fetch_args_kwargs_from_env(self, n: Node) -> tuple[Any, Any]:
        """The arguments of a step, with the values so far in the place of Nodes."""
        args, kwargs = self.map_nodes_to_values((n.args, n.kwargs), n)
        return args, kwargs

    def map_nodes_to_values(self, args: Argument, n: Node) -> Argument:
        """``args`` with the values so far in the place of Nodes."""

        def value(used: Node) -> Any:
            if used not in self.env:
                raise RuntimeError(f"Node {n} referenced nonexistent value {used}! Run Graph.lint() to diagnose")
            return self.env[used]

        return map_arg(args, value)


class Transformer(Interpreter):
    """Makes another GraphModule: each step is run on Proxies of the new graph.

    >>> import operator
    >>> import fxtorch as torch
    >>> class NoAdd(Transformer):
    ...     def call_function(self, target, args, kwargs):
    ...         return super().call_function(operator.sub if target is operator.add else target, args, kwargs)
    >>> NoAdd(torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1)).transform()(torch.tensor([3.0]))
    tensor([2.])
    """

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.new_graph = Graph()
        self.new_graph._codegen = module.graph._codegen
        self.tracer = _Appending(self.new_graph)
        self.tracer.root = module

    def placeholder(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Proxy:
        """A placeholder of the new graph."""
        default = args[0] if args else Node
        return Proxy(self.new_graph.placeholder(str(target), default_value=default), self.tracer)

    def get_attr(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Proxy:
        """The same attribute in the new graph."""
        return self.tracer.create_proxy("get_attr", target, args, kwargs)

    def call_module(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """The same call in the new graph."""
        return self.tracer.call_module(self.fetch_attr(str(target)), lambda *a, **k: None, args, kwargs)

    def call_function(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """The same call in the new graph."""
        return self.tracer.create_proxy("call_function", target, args, kwargs)

    def transform(self) -> GraphModule:
        """The GraphModule of the new graph."""
        result = super().run(enable_io_processing=False)
        if result is not None:
            self.new_graph.output(_nodes_of(result))
        new = GraphModule(self.module, self.new_graph)
        for old_node, value in self.env.items():
            if isinstance(value, Proxy):
                value.node.meta.update(old_node.meta)
        return new


class _Appending(Tracer):
    """Adds steps to a graph that is there, in which every Module is one."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Every one."""
        return True


def _nodes_of(value: Any) -> Argument:
    """``value`` with the Nodes of its Proxies."""
    return map_aggregate(value, lambda x: x.node if isinstance(x, Proxy) else x)
