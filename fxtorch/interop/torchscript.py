"""The names of ``torch.jit``: there is no TorchScript, so that a scripted Module is the Module itself, with ``save``.

``torch.jit.save`` writes the whole Module as ``torch.save`` does; the classes must be there when it is loaded.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, Final, Optional

from fxtorch.compiler import CompiledFunction, jit
from fxtorch.futures import Future
from fxtorch.nn import Module
from fxtorch.serialization import load as _load
from fxtorch.serialization import save as _save

_classes: dict[type[Module], type[ScriptModule]] = {}


class ScriptModule(Module):
    """A Module that knows how to save itself; ``script`` and ``trace`` return one that shares all state with theirs."""

    def save(self, f: Any, **kwargs: Any) -> None:
        """Write it with its class's name and its weights, for :func:`load`."""
        save(self, f)

    @property
    def original_name(self) -> str:
        """The name of the class that was scripted."""
        return type(self).__name__


class TracerWarning(Warning):
    """What torch warns of in a trace."""


class Error(RuntimeError):
    """What torch raises from within a script."""


def _rebuild(original: Module, compiled: bool) -> Module:
    return trace(original) if compiled else script(original)


def _class_of(cls: type[Module]) -> type[ScriptModule]:
    made = _classes.get(cls)
    if made is None:

        def reduce(self: Any, protocol: Any = None) -> tuple[Any, ...]:
            original = object.__new__(cls)
            original.__dict__.update({k: v for k, v in self.__dict__.items() if k != "_compiled_call_impl"})
            return _rebuild, (original, self._compiled_call_impl is not None)

        body = {"__module__": cls.__module__, "__reduce_ex__": reduce, "__doc__": cls.__doc__}
        made = _classes[cls] = type(cls.__name__, (ScriptModule, cls), body)
    return made


def _scripted(module: Module) -> Any:
    if isinstance(module, ScriptModule):
        return module
    twin: Any = object.__new__(_class_of(type(module)))
    object.__setattr__(twin, "__dict__", module.__dict__)
    return twin


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """A function or class itself; of a Module, a :class:`ScriptModule` that shares all state with it."""
    return _scripted(obj) if isinstance(obj, Module) else obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
    """A function or Module compiled by :data:`fxtorch.jit`; of a Module, a :class:`ScriptModule` with its names."""
    if not isinstance(func, Module):
        return jit(func)
    twin: Any = object.__new__(_class_of(type(func)))
    twin.__dict__.update(func.__dict__)
    twin._compiled_call_impl = CompiledFunction(twin._call_impl, name=type(func).__name__)
    return twin


def trace_module(mod: Module, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """:func:`trace` of a Module."""
    return trace(mod)


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Write a Module, scripted or not, for :func:`load`."""
    _save(m, f)


def load(f: Any, map_location: Any = None, _extra_files: Any = None) -> Any:
    """Read what :func:`save` wrote; as for ``torch.load(weights_only=False)``, only files that you trust.

    Raises:
        RuntimeError: it is an archive of TorchScript, which is not run here.
    """
    try:
        return _load(f, map_location=map_location, weights_only=False)
    except (AttributeError, ModuleNotFoundError) as error:
        if "__torch__" in str(error):
            raise RuntimeError(
                f"{f} is an archive of TorchScript, which fxtorch does not run: load the weights"
            ) from None
        raise


def ignore(fn: Any = None, drop: bool = False, **kwargs: Any) -> Any:
    """The function itself."""
    return (lambda f: f) if fn is None or isinstance(fn, bool) else fn


def script_method(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The method itself."""
    return fn


def freeze(mod: Module, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Module:
    """The Module itself: XLA folds what is constant."""
    return mod


def optimize_for_inference(mod: Module, other_methods: Any = None) -> Module:
    """The Module itself: XLA optimises."""
    return mod


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """A Future of the result of ``func``, which is computed now: JAX runs what it computes beside Python anyway."""
    future: Future[Any] = Future()
    try:
        future.set_result(func(*args, **kwargs))
    except Exception as error:
        future.set_exception(error)
    return future


def wait(future: Future[Any]) -> Any:
    """The result of :func:`fork`."""
    return future.wait()


def is_instance(obj: Any, target_type: Any) -> bool:
    """Whether ``obj`` is of the type, also of one with parts such as ``list[int]`` or ``Optional[Tensor]``."""
    if isinstance(target_type, tuple):
        return any(is_instance(obj, t) for t in target_type)
    origin, parts = typing.get_origin(target_type), typing.get_args(target_type)
    if origin is None:
        return isinstance(obj, type(None) if target_type is None else target_type)
    if origin in (typing.Union, types.UnionType):
        return any(is_instance(obj, t) for t in parts)
    if not isinstance(obj, origin):
        return False
    if origin is dict:
        return all(is_instance(k, parts[0]) and is_instance(v, parts[1]) for k, v in obj.items())
    if origin is tuple and Ellipsis not in parts:
        return len(obj) == len(parts) and all(map(is_instance, obj, parts))
    return all(is_instance(x, parts[0]) for x in obj)


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def attribute(value: Any, type: Any = None) -> Any:
    """The value, ``torch.jit.Attribute``."""
    return value


def never() -> bool:
    """False: nothing is scripted or traced in torch's way; :data:`fxtorch.jit` runs functions as they are."""
    return False


def set_fusion_strategy(strategy: Any) -> None:
    """Accepted: XLA fuses."""


def enable_onednn_fusion(enabled: bool) -> None:
    """Accepted: XLA fuses."""


class fuser:
    """A block in which torch would use one of its fusers: XLA fuses always."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


class optimized_execution:
    """Accepted: XLA optimises."""

    def __init__(self, should_optimize: bool) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


def script_if_tracing(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return fn


def interface(obj: type) -> type:
    """The class itself."""
    return obj


BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = list  # the types of arguments that may be one number

for _name, _value in {
    "BroadcastingList1": BroadcastingList1,
    "BroadcastingList2": BroadcastingList2,
    "BroadcastingList3": BroadcastingList3,
    "_overload": script_method,
    "_overload_method": script_method,
    "_script_if_tracing": script_if_tracing,
    "Attribute": attribute,
    "Dict": dict,
    "Error": Error,
    "Final": Final,
    "List": list,
    "Optional": Optional,
    "RecursiveScriptModule": ScriptModule,
    "ScriptFunction": CompiledFunction,
    "ScriptModule": ScriptModule,
    "TopLevelTracedModule": ScriptModule,
    "TracedModule": ScriptModule,
    "TracerWarning": TracerWarning,
    "Tuple": tuple,
    "annotate": annotate,
    "enable_onednn_fusion": enable_onednn_fusion,
    "export": ignore,
    "Future": Future,
    "fork": fork,
    "freeze": freeze,
    "fuser": fuser,
    "ignore": ignore,
    "interface": interface,
    "isinstance": is_instance,
    "is_scripting": never,
    "is_tracing": never,
    "load": load,
    "optimize_for_inference": optimize_for_inference,
    "optimized_execution": optimized_execution,
    "save": save,
    "script": script,
    "script_if_tracing": script_if_tracing,
    "script_method": script_method,
    "set_fusion_strategy": set_fusion_strategy,
    "trace": trace,
    "trace_module": trace_module,
    "unused": ignore,
    "wait": wait,
}.items():
    setattr(jit, _name, _value)
