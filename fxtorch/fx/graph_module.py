"""A Module that runs a graph."""

from __future__ import annotations

import copy
import itertools
import linecache
from typing import Any

from fxtorch.fx.graph import Graph, PythonCode
from fxtorch.nn import Module, Parameter
from fxtorch.tensor import Tensor

__all__ = ["GraphModule"]

_USER_PRESERVED_ATTRIBUTES_KEY = "_user_preserved_attributes"
_sources = itertools.count()


def _compiled(code: PythonCode) -> Any:
    """The function ``forward`` of a text, whose lines tracebacks can show."""
    file = f"<eval_with_key>.{next(_sources)}"
    linecache.cache[file] = (len(code.src), None, code.src.splitlines(keepends=True), file)
    scope = dict(code.globals)
    exec(compile(code.src, file, "exec", dont_inherit=True), scope)
    return scope["forward"]


class _CodeOnlyModule(Module):
    """A Module with the attributes of a dict, on which code is traced again."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__ = body


def _copy_attr(from_module: Module, to_module: Module, target: str) -> None:
    """Give ``to_module`` what ``from_module`` has under a name with dots, with Modules in between."""
    *path, last = target.split(".")
    for name in path:
        source = getattr(from_module, name)
        if source is getattr(to_module, name, None):
            return
        if not isinstance(getattr(to_module, name, None), Module):
            setattr(to_module, name, Module())
        from_module, to_module = source, getattr(to_module, name)
    value = getattr(from_module, last)
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        to_module.register_buffer(last, value)
    else:
        setattr(to_module, last, value)


def _assign_attr(value: Any, to_module: Module, target: str) -> None:
    """Set what lies under a name with dots, with empty Modules in between where there are none."""
    *path, last = target.split(".")
    for name in path:
        if getattr(to_module, name, None) is None:
            setattr(to_module, name, Module())
        to_module = getattr(to_module, name)
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        to_module.register_buffer(last, value)
    else:
        setattr(to_module, last, value)


class GraphModule(Module):
    """A Module made of a graph, and of the Modules and Tensors that it calls.

    Args:
        root: where those are taken from: a Module, or a dict by their names.
        graph: the steps.
        class_name: of the new Module's class.

    Raises:
        RuntimeError: ``root`` is a dict that lacks what the graph calls.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An object of a class of its own, of which ``forward`` is a method."""
        base = next(c for c in cls.__mro__ if not c.__dict__.get("_of_one_object"))
        own = type(base.__name__, (base,), {"_of_one_object": True, "__module__": base.__module__})
        return Module.__new__(own)

    def __init__(self, root: Module | dict[str, Any], graph: Graph, class_name: str = "GraphModule") -> None:
        super().__init__()
        type(self).__name__ = class_name
        targets = {str(n.target): n for n in graph.nodes if n.op in ("get_attr", "call_module")}
        if isinstance(root, Module):
            self.training = getattr(root, "training", True)
            for target in targets:
                if _has(root, target):
                    _copy_attr(root, self, target)
        elif isinstance(root, dict):
            for target, node in targets.items():
                if target not in root:
                    raise RuntimeError(
                        f"Node {node} referenced target {target} but that target was not provided in `root`!"
                    )
            for target in sorted(targets, key=lambda t: t.count(".")):
                _assign_attr(root[target], self, target)
        else:
            raise RuntimeError(f"Unsupported type {root} passed for root!")
        self.__dict__["meta"] = dict(getattr(root, "meta", {}) or {}) if isinstance(root, Module) else {}
        self._create_node_hooks: list[Any] = []
        self._tracer_cls = graph._tracer_cls
        self.graph = graph

    @property
    def graph(self) -> Graph:
        """The steps; assigned, it is copied, and compiled."""
        return self.__dict__["_graph"]

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if not isinstance(graph, Graph):
            raise AssertionError(f"Expected a Graph instance, but got {type(graph)}")
        self.__dict__["_graph"] = graph
        graph.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The text of ``forward``."""
        if "_code" not in self.__dict__:
            raise RuntimeError("Code has not been generated! Please report a bug to PyTorch")
        return self.__dict__["_code"]

    def recompile(self) -> PythonCode:
        """Make ``forward`` of the graph as it is now; needed after each change of it."""
        python = self.graph.python_code("self")
        self.__dict__["_code"] = python.src
        type(self).forward = _compiled(python)  # type: ignore[method-assign]
        return python

    def print_readable(self, print_output: bool = True, **options: Any) -> str:
        """The Module as a class, printed."""
        body = self.code.strip("\n").replace("\n", "\n    ").rstrip()
        text = f"class {type(self).__name__}(torch.nn.Module):\n    {body}\n"
        if print_output:
            print(text)  # noqa: T201
        return text

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a Module under a name with dots; False where another thing is in the way."""
        holder: Module = self
        *path, last = target.split(".")
        for name in path:
            if not hasattr(holder, name):
                holder.add_module(name, Module())
            inner = getattr(holder, name)
            if not isinstance(inner, Module):
                return False
            holder = inner
        holder.add_module(last, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take the Module of a name away; False where there is none."""
        *path, last = target.split(".")
        holder: Any = self
        for name in path:
            holder = getattr(holder, name, None)
        if not isinstance(holder, Module) or not isinstance(getattr(holder, last, None), Module):
            return False
        delattr(holder, last)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Take away the Modules that the graph does not call, and that hold none that it calls."""
        used = {str(n.target) for n in self.graph.nodes if n.op in ("call_module", "get_attr")}
        for name, _ in list(self.named_modules()):
            inside = any(u == name or u.startswith(f"{name}.") or f"{name}.".startswith(f"{u}.") for u in used)
            if name and not inside:
                self.delete_submodule(name)

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphModule:
        parts = {k: copy.deepcopy(v, memo) for k, v in self.__dict__.items() if k not in ("_graph", "_code")}
        return _made(type(self).__mro__[1], parts, copy.deepcopy(self.graph, memo), type(self).__name__)

    def __copy__(self) -> GraphModule:
        parts = {k: v for k, v in self.__dict__.items() if k not in ("_graph", "_code")}
        return _made(type(self).__mro__[1], parts, copy.deepcopy(self.graph), type(self).__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = {k: v for k, v in self.__dict__.items() if k not in ("_graph", "_code")}
        return _made, (type(self).__mro__[1], parts, self.graph, type(self).__name__)

    def __str__(self) -> str:
        return (
            f"{super().__repr__()}\n{self.code}\n# To see more debug info, please use `graph_module.print_readable()`"
        )


def _made(cls: type[GraphModule], parts: dict[str, Any], graph: Graph, name: str) -> GraphModule:
    """A GraphModule of what another one was made of."""
    twin = cls.__new__(cls)
    Module.__init__(twin)
    twin.__dict__.update(parts)
    type(twin).__name__ = name
    twin.graph = graph
    return twin


def _has(module: Any, target: str) -> bool:
    for name in target.split("."):
        if not hasattr(module, name):
            return False
        module = getattr(module, name)
    return True
