"""Symbolic tracing: a program is run once on Proxies, and what it does to them is written down."""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import math
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from fxtorch.fx.graph import Graph
from fxtorch.fx.graph_module import GraphModule
from fxtorch.fx.node import Argument
from fxtorch.fx.proxy import ParameterProxy, Proxy, TracerBase, _proxies
from fxtorch.nn import Module, Parameter, functional
from fxtorch.tensor import Tensor
from fxtorch.tensor.assertions import ASSERTIONS
from fxtorch.tensor.operator import Operator

__all__ = ["PH", "PHBase", "ProxyableClassMeta", "Tracer", "is_fx_tracing", "symbolic_trace", "wrap"]

_wrapped: dict[tuple[int, str], dict[str, Any]] = {}  # by its id and the name: the global names of who asked for it
_tracing = 0


class PHBase:
    """Stands for an argument inside ``concrete_args`` that is to be a Proxy."""

    def __repr__(self) -> str:
        return "PH"


PH = PHBase()


def is_fx_tracing() -> bool:
    """Whether a symbolic trace is going on."""
    return _tracing > 0


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """Let traces keep the calls of a function of this module as one step, and not look into it.

    Args:
        fn_or_name: the function, as a decorator has it, or the name of one that is imported here, a built-in one too.

    Raises:
        RuntimeError: neither a function nor a name.
        NotImplementedError: it is not called at the top of a module.

    >>> wrap("len")
    'len'
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            f"Unsupported type for global function! Must be either a callable or string name, but got {fn_or_name}"
        )
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__
    frame = sys._getframe(1)
    if frame.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    _wrapped[id(frame.f_globals), name] = frame.f_globals
    return fn_or_name


class ProxyableClassMeta(type):
    """The class of classes whose making is one step of a trace."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """A step where an argument is a Proxy, an object otherwise."""
        found = _proxies((args, kwargs))
        if found and is_fx_tracing():
            return found[0].tracer.create_proxy("call_function", cls, args, kwargs)
        return super().__call__(*args, **kwargs)


def _step(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn``, a step of the trace where it is given a Proxy."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        found = _proxies((args, kwargs))
        if not found:
            return fn(*args, **kwargs)
        return found[0].tracer.create_proxy("call_function", fn, args, kwargs)

    return call


def _is_made_of_operators(name: str, value: Any) -> bool:
    """Whether it is a function of torch's that is no operator, and so would not ask a Proxy what it makes of it."""
    return (
        isinstance(value, FunctionType)
        and value.__module__.startswith(("fxtorch.tensor", "fxtorch.nn", "fxtorch.functional"))
        and not name.startswith("_")
        and name not in ("is_tensor", "typename")
        and all(value is not operator.public for operator in Operator.every)
    )


def _writes(name: str, value: Any) -> bool:
    """Whether it is an operator's function that may write into its argument, before a Proxy would be asked."""
    return isinstance(value, FunctionType) and (
        "inplace" in value.__code__.co_varnames
        or (name.endswith("_") and not name.startswith("_") and value.__code__.co_filename.startswith("<fxtorch"))
    )


class _Patches:
    """What is replaced during a trace, and put back after it."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def item(self, table: dict[str, Any], name: str, value: Any) -> None:
        """Replace an entry of a dict."""
        absent = object()
        before = table.get(name, absent)
        table[name] = value
        self._stack.callback(table.pop, name) if before is absent else self._stack.callback(
            table.__setitem__, name, before
        )

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Replace an attribute of a class."""
        self._stack.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put everything back."""
        self._stack.close()


class Tracer(TracerBase):
    """Traces Modules and functions; a subclass may change what is a step of its own.

    Attributes:
        root: the Module that is traced; for a function an empty one, which gets the Tensors that it mentions.
        autowrap_modules: modules whose functions are steps when they get a Proxy.
        autowrap_functions: functions that are steps wherever the program names them.
        param_shapes_constant: let shapes of parameters be known numbers.
    """

    def __init__(
        self,
        autowrap_modules: tuple[ModuleType, ...] = (math,),
        autowrap_functions: tuple[Callable[..., Any], ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:
        super().__init__()
        self._autowrapped = {
            id(fn): fn
            for module in autowrap_modules
            for name, fn in module.__dict__.items()
            if not name.startswith("_") and callable(fn)
        } | {id(fn): fn for fn in autowrap_functions}
        self._autowrap_search = list(autowrap_modules)
        self.param_shapes_constant = param_shapes_constant
        self.submodule_paths: dict[Module, str] | None = None
        self.root: Module = Module()
        self.module_stack = {}
        self.tensor_attrs: dict[int, str] = {}

    # --- what a subclass may change ---------------------------------------------------------------------------------

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Whether a call of the Module is one step: those of ``nn``, but for ``Sequential``."""
        return type(m).__module__.startswith(("fxtorch.nn", "torch.nn")) and type(m).__name__ != "Sequential"

    def call_module(self, m: Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a submodule: one step, or those of its ``forward``."""
        name = self.path_of_module(m)
        if self.is_leaf_module(m, name):
            return self.create_proxy("call_module", name, args, kwargs)
        self.module_stack[name] = (name, type(m))
        try:
            return forward(*args, **kwargs)
        finally:
            self.module_stack.pop(name, None)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """What the program gets when it reads an attribute of a Module."""
        is_parameter = isinstance(attr_val, Parameter)
        if not isinstance(attr_val, Tensor) or not (is_parameter or self.proxy_buffer_attributes):
            return attr_val
        known = is_parameter and self.param_shapes_constant
        named = self.root.named_parameters() if is_parameter else self.root.named_buffers()
        name = next((n for n, value in named if value is attr_val), None)
        if name is None:
            return attr_val
        if name not in parameter_proxy_cache:
            parameter_proxy_cache[name] = self.create_proxy(
                "get_attr", name, (), {},
                proxy_factory_fn=(lambda node: ParameterProxy(self, node, name, attr_val)) if known else None,
            )  # fmt: skip
        return parameter_proxy_cache[name]

    def path_of_module(self, mod: Module) -> str:
        """The name of a submodule of the root.

        Raises:
            NameError: it is none.
        """
        if self.submodule_paths is None:
            self.submodule_paths = {m: n for n, m in self.root.named_modules(remove_duplicate=True)}
        path = self.submodule_paths.get(mod)
        if path is None:
            raise NameError("module is not installed as a submodule")
        return path

    def create_arg(self, a: Any) -> Argument:
        """As the base does it; Tensors and Modules are attributes of the root, and become some where they are not."""
        if isinstance(a, Parameter):
            for name, parameter in self.root.named_parameters():
                if a is parameter:
                    return self.create_node("get_attr", name, (), {})
            raise NameError("parameter is not a member of this module")
        if isinstance(a, Tensor):
            for name, buffer in self.root.named_buffers():
                if a is buffer:
                    return self.create_node("get_attr", name, (), {})
            if id(a) not in self.tensor_attrs:
                self._keep(a, "_tensor_constant")
            return self.create_node("get_attr", self.tensor_attrs[id(a)], (), {})
        if isinstance(a, Module):
            return self.create_node("get_attr", self.path_of_module(a), (), {})
        if isinstance(type(a), ProxyableClassMeta):
            self._keep(a, f"_{type(a).__name__}_constant_")
            return self.create_node("get_attr", self.tensor_attrs[id(a)], (), {})
        return super().create_arg(a)

    def _keep(self, value: Any, prefix: str) -> None:
        i = 0
        while hasattr(self.root, f"{prefix}{i}"):
            i += 1
        self.tensor_attrs[id(value)] = f"{prefix}{i}"
        setattr(self.root, f"{prefix}{i}", value)

    # --- the trace --------------------------------------------------------------------------------------------------

    def create_args_for_root(
        self, root_fn: Callable[..., Any], is_module: bool, concrete_args: Any = None
    ) -> tuple[Callable[..., Any], list[Any]]:
        """The function and the Proxies (or given values) for its arguments."""
        plain = inspect.unwrap(root_fn)
        parameters = list(inspect.signature(plain).parameters.values())
        args: list[Any] = [self.root] if is_module else []
        given: dict[Any, Any] = (
            dict(enumerate(concrete_args)) if isinstance(concrete_args, tuple) else dict(concrete_args or {})
        )
        # in the order in which Python keeps them: further ones come after those that are only given by name
        for i, p in enumerate(
            sorted(parameters[is_module:], key=lambda p: p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
        ):
            stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
            value = given.get(p.name, given.get(i, PH))
            args.append(self._placeholder(stars + p.name, p) if isinstance(value, PHBase) else self._fixed(p, value))
        if any(p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            root_fn = _taking_all_by_position(plain)
        return root_fn, args

    def _placeholder(self, name: str, p: inspect.Parameter) -> Proxy:
        default = () if p.default is p.empty else (p.default,)
        annotation = None if p.annotation is p.empty or isinstance(p.annotation, str) else p.annotation
        return self.create_proxy("placeholder", name, default, {}, type_expr=annotation)

    def _fixed(self, p: inspect.Parameter, value: Any) -> Any:
        """``value``, and a placeholder of which the graph asserts that it is that."""
        proxy = self._placeholder(f"{p.name}_1", p)
        wrong = f"{p.name} has been specialized to have value {value} but got another value"
        if isinstance(value, int | float | str):
            self.create_proxy("call_function", ASSERTIONS["_assert"], (proxy == value, wrong), {})
        return value

    def trace(self, root: Module | Callable[..., Any], concrete_args: Any = None) -> Graph:
        """Run it once on Proxies, and give the graph of what it did.

        Args:
            root: the Module or function.
            concrete_args: values of arguments, by name, that are to be taken as they are.
        """
        global _tracing
        if isinstance(root, Module):
            self.root = root
            fn: Callable[..., Any] = getattr(type(root), self.traced_func_name)
            self.root_module_name = type(root).__name__
        else:
            self.root, fn = Module(), root
        self.submodule_paths = {m: n for n, m in self.root.named_modules()} if isinstance(root, Module) else None
        self.graph = Graph(tracer_cls=type(self))
        self.tensor_attrs = {}
        self._note_tensors(self.root, [])
        fn, args = self.create_args_for_root(fn, isinstance(root, Module), concrete_args)
        patches = _Patches()
        _tracing += 1
        try:
            self._patch(patches, fn)
            result = fn(*args)
            returns = getattr(fn, "__annotations__", {}).get("return")
            self.create_node(
                "output", "output", (self.create_arg(result),), {}, None, None if isinstance(returns, str) else returns
            )
        finally:
            _tracing -= 1
            patches.undo()
        return self.graph

    def _note_tensors(self, module: Module, prefix: list[str]) -> None:
        for name, value in module.__dict__.items():
            if isinstance(value, Tensor) and not isinstance(value, Parameter):
                self.tensor_attrs[id(value)] = ".".join([*prefix, name])
        for name, child in module.named_children():
            self._note_tensors(child, [*prefix, name])

    def _patch(self, patches: _Patches, fn: Callable[..., Any]) -> None:
        plain_call, plain_getattr = Module.__call__, Module.__getattr__
        cache: dict[str, Any] = {}

        def module_call(mod: Module, *args: Any, **kwargs: Any) -> Any:
            if not _proxies((args, kwargs)) and mod not in (self.submodule_paths or {}):
                return plain_call(mod, *args, **kwargs)
            return self.call_module(mod, lambda *a, **k: plain_call(mod, *a, **k), args, kwargs)

        def module_getattr(mod: Module, attr: str) -> Any:
            return self.getattr(attr, plain_getattr(mod, attr), cache)

        patches.attribute(Module, "__call__", module_call)
        patches.attribute(Module, "__getattr__", module_getattr)
        tables = [getattr(inspect.unwrap(fn), "__globals__", {}), *(m.__dict__ for m in self._autowrap_search)]
        for table in tables:
            for name, value in list(table.items()):
                if not name.startswith("_") and callable(value) and id(value) in self._autowrapped:
                    patches.item(table, name, _step(value))
        for table in (functional.__dict__, sys.modules["fxtorch"].__dict__):
            for name, value in list(table.items()):
                if _is_made_of_operators(name, value) or _writes(name, value):
                    patches.item(table, name, _step(value))
        for (_, name), table in list(_wrapped.items()):
            original = table.get(name, getattr(builtins, name, None))
            if callable(original):
                patches.item(table, name, _step(original))


def _taking_all_by_position(fn: Any) -> Callable[..., Any]:
    """``fn``, whose ``*args`` and ``**kwargs`` are two more arguments: one Proxy stands for all that they hold."""
    code = fn.__code__
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    changed = code.replace(
        co_argcount=code.co_argcount + code.co_kwonlyargcount + stars,
        co_posonlyargcount=0,
        co_kwonlyargcount=0,
        co_flags=code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS),
    )
    return FunctionType(changed, fn.__globals__, fn.__name__, None, fn.__closure__)


def symbolic_trace(root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """The graph of a Module or function as a Module that runs it.

    Args:
        root: it is run once, on Proxies: its ``if`` and ``for`` are decided then, and may not depend on their values.
        concrete_args: values of arguments, by name, that are to be taken as they are.

    >>> import fxtorch as torch
    >>> traced = symbolic_trace(lambda x: torch.relu(x) + 1)
    >>> [node.name for node in traced.graph.nodes], traced(torch.tensor([-1.0, 2.0]))
    (['x', 'relu', 'add', 'output'], tensor([1., 3.]))
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)
