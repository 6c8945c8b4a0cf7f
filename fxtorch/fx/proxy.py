"""What stands for a value while a program is traced: each thing done to it becomes a step of the graph."""

from __future__ import annotations

import dis
import operator
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from fxtorch.fx.graph import Graph
from fxtorch.fx.node import Argument, Node, Target, map_aggregate
from fxtorch.tensor import device as devices
from fxtorch.tensor import dtype as types
from fxtorch.tensor.memory_format import memory_format

__all__ = ["Attribute", "GraphAppendingTracer", "ParameterProxy", "Proxy", "TraceError", "TracerBase"]

_CONSTANTS = (str, int, float, bool, complex, bytes, type(None), type(Ellipsis), range, types.dtype, devices.device)


class TraceError(ValueError):
    """The program wants to know the value of something that stands for one."""


class TracerBase:
    """Makes steps of a graph and the Proxies of their values.

    Attributes:
        graph: the graph.
        record_stack_traces: note where in the program each step comes from.
        proxy_buffer_attributes: let buffers be Proxies too when they are read as attributes.
    """

    graph: Graph
    record_stack_traces = False
    check_mutable_operations = False
    proxy_buffer_attributes = False
    traced_func_name = "forward"
    module_stack: dict[str, Any]

    def create_node(
        self, kind: str, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Argument],
        name: str | None = None, type_expr: Any = None,
    ) -> Node:  # fmt: skip
        """A new step."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """What stands for the value of a step."""
        return Proxy(node, self)

    def create_proxy(
        self, kind: str, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None = None,
        type_expr: Any = None, proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:  # fmt: skip
        """A new step, whose arguments may hold Proxies, and what stands for its value."""
        given, named = self.create_arg(tuple(args)), self.create_arg(dict(kwargs))
        node = self.create_node(kind, target, given, named, name, type_expr)
        if self.record_stack_traces and not node.stack_trace:
            node.stack_trace = "".join(traceback.format_list(_of_the_program()))
        return self.proxy(node) if proxy_factory_fn is None else proxy_factory_fn(node)

    def create_arg(self, a: Any) -> Argument:
        """An argument of the program as one of a step: Nodes for Proxies.

        Raises:
            NotImplementedError: a value that no step can have as a constant.
        """
        if isinstance(a, Proxy):
            return a.node
        if hasattr(a, "__fx_create_arg__"):
            return a.__fx_create_arg__(self)
        if isinstance(a, dict):
            return {self._constant(k): self.create_arg(v) for k, v in a.items()}
        if isinstance(a, slice):
            return slice(*map(self.create_arg, (a.start, a.stop, a.step)))
        if isinstance(a, tuple | list):
            items = [self.create_arg(x) for x in a]
            return type(a)(*items) if hasattr(a, "_fields") else (tuple(items) if isinstance(a, tuple) else items)
        if isinstance(a, (Node, memory_format, *_CONSTANTS)) or callable(a):
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    def _constant(self, key: Any) -> Any:
        def refuse(x: Any) -> Any:
            if isinstance(x, Proxy | Node):
                raise RuntimeError(f"Keys for dictionaries used as an argument cannot contain a Node. Got key: {key}")
            return x

        return map_aggregate(key, refuse)

    def to_bool(self, obj: Proxy) -> bool:
        """``bool`` of a Proxy: an error, unless a subclass knows better."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """``iter`` of a Proxy: its items where the program unpacks it into a known number of names."""
        frame = sys._getframe(2)
        found = next((i for i in dis.get_instructions(frame.f_code) if i.offset == frame.f_lasti), None)
        if found is not None and found.opname == "UNPACK_SEQUENCE":
            return iter(
                [self.create_proxy("call_function", operator.getitem, (obj, i), {}) for i in range(found.arg or 0)]
            )
        raise TraceError(
            "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or "
            "**kwargs function argument. See the torch.fx docs on pytorch.org for a more detailed explanation of what "
            "types of control flow can be traced, and check out the Proxy docstring for help troubleshooting Proxy "
            "iteration errors"
        )

    def keys(self, obj: Proxy) -> Any:
        """``keys()`` of a Proxy."""
        return Attribute(obj, "keys")()


def _of_the_program() -> list[traceback.FrameSummary]:
    here = __file__.rpartition("/")[0]
    return [f for f in traceback.extract_stack() if not f.filename.startswith(here)]


class GraphAppendingTracer(TracerBase):
    """Adds to a graph that is there: for functions that work on Proxies of its Nodes."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.module_stack = {}


class Proxy:
    """Stands for the value of a step.

    Attributes:
        node: the step.
        tracer: what makes the steps of what is done to it.
    """

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer
        self.node = node

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, k: str) -> Attribute:
        if k.startswith("__") and k.endswith("__"):
            raise AttributeError(k)
        return Attribute(self, k)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __deepcopy__(self, memo: dict[int, Any]) -> Proxy:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        """A call of the value."""
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Any]:
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def keys(self) -> Any:
        """Its keys, as the tracer has it."""
        return self.tracer.keys(self)

    def __len__(self) -> int:
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call "
            "torch.fx.wrap('len') at module scope"
        )

    @classmethod
    def __torch_function__(cls, orig_method: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tracers = {id(p.tracer): p.tracer for p in _proxies((args, kwargs or {}))}
        if len(tracers) != 1:
            raise RuntimeError(f"Found multiple different tracers {list(tracers.values())} while tracing {orig_method}")
        (tracer,) = tracers.values()
        return tracer.create_proxy("call_function", orig_method, args, kwargs or {})


def _proxies(given: Any) -> list[Proxy]:
    found: list[Proxy] = []

    def note(x: Any) -> Any:
        if isinstance(x, Proxy):
            found.append(x)
        return x

    map_aggregate(given, note)
    return found


class Attribute(Proxy):
    """An attribute of a value, or, once it is called, a method of it."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The step that reads it, which there is only where the attribute is used as a value."""
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        """A call of the method."""
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """Stands for a parameter, of which shape and size are known."""

    def __init__(self, tracer: TracerBase, node: Node, name: str, param: Any) -> None:
        super().__init__(node, tracer)
        self.param, self.name = param, name

    def __repr__(self) -> str:
        return f"ParameterProxy({self.name})"

    @property
    def shape(self) -> Any:
        """The shape of the parameter."""
        return self.param.shape

    def size(self) -> Any:
        """The shape of the parameter."""
        return self.param.size()

    def dim(self) -> int:
        """How many dimensions the parameter has."""
        return self.param.dim()

    @property
    def ndim(self) -> int:
        """How many dimensions the parameter has."""
        return self.param.ndim

    def numel(self) -> int:
        """How many elements the parameter has."""
        return self.param.numel()


_REFLECTED = "add sub mul truediv floordiv mod pow lshift rshift and_ or_ xor matmul".split()
_OPERATORS = (
    *_REFLECTED, "eq", "ne", "lt", "gt", "le", "ge", "getitem", "pos", "neg", "invert", "abs",
)  # fmt: skip


def _operator_of(name: str, reflected: bool) -> Callable[..., Any]:
    target = getattr(operator, name)

    def method(*args: Any) -> Any:
        proxy = args[0]
        given = (args[1], proxy) if reflected else args
        return proxy.tracer.create_proxy("call_function", target, given, {})

    return method


for _name in _OPERATORS:
    setattr(Proxy, f"__{_name.rstrip('_')}__", _operator_of(_name, reflected=False))
for _name in _REFLECTED:
    setattr(Proxy, f"__r{_name.rstrip('_')}__", _operator_of(_name, reflected=True))
Proxy.__hash__ = object.__hash__  # type: ignore[method-assign]  # == is a step
