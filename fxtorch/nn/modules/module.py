"""Module: the base of every layer and model."""

from __future__ import annotations

import textwrap
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, Self

from fxtorch.autograd import no_grad
from fxtorch.nn._torch import torch
from fxtorch.nn.modules import pytree
from fxtorch.nn.modules.backward_hooks import (  # noqa: F401  (the last two: where torch has them)
    global_backward_hooks,
    global_backward_pre_hooks,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from fxtorch.nn.modules.convert import parse_to
from fxtorch.nn.modules.hooks import (  # noqa: F401  (the last two: where torch has them)
    Hooks,
    global_forward_hooks,
    global_forward_pre_hooks,
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from fxtorch.nn.modules.state import IncompatibleKeys as _IncompatibleKeys  # noqa: F401  (where torch has it)
from fxtorch.nn.modules.state import State
from fxtorch.nn.modules.traversal import Traversal
from fxtorch.nn.parameter import Buffer, Parameter, is_lazy
from fxtorch.tensor import Tensor
from fxtorch.tensor.device import is_meta
from fxtorch.tensor.handles import RemovableHandle
from fxtorch.tensor.meta import NO_DATA
from fxtorch.tensor.structure import Attributes, HookTable, Table, structure

_registration_hooks: dict[str, OrderedDict[int, Callable[..., Any]]] = {
    "parameter": OrderedDict(),
    "buffer": OrderedDict(),
    "module": OrderedDict(),
}
_compiler: Callable[..., Callable[..., Any]] | None = None


def set_compiler(compiler: Callable[..., Callable[..., Any]]) -> None:
    """Say what ``Module.compile`` compiles with: ``compiler(function, *args, **kwargs)`` returns a function."""
    global _compiler
    _compiler = compiler


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` whenever a Module gets a parameter; what it returns is taken instead."""
    return RemovableHandle.add(_registration_hooks["parameter"], hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` whenever a Module gets a buffer; what it returns is taken instead."""
    return RemovableHandle.add(_registration_hooks["buffer"], hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` whenever a Module gets a submodule; what it returns is taken instead."""
    return RemovableHandle.add(_registration_hooks["module"], hook)


class Module(Traversal, Hooks, State):
    """The base class of layers and models.

    A subclass calls ``super().__init__()``, assigns its layers and parameters as attributes, and defines ``forward``.
    A Module is also a JAX pytree: its leaves are its parameters and buffers, each once.

    >>> import fxtorch as torch
    >>> class Net(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = torch.nn.Linear(3, 2)
    ...     def forward(self, x):
    ...         return self.layer(x).relu()
    >>> net = Net()
    >>> net(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    >>> [name for name, _ in net.named_parameters()]
    ['layer.weight', 'layer.bias']
    """

    call_super_init: bool = False
    training: bool
    _compiled_call_impl: Callable[..., Any] | None = None
    _also_written: ClassVar[tuple[str, ...]] = ()  # computed here, an attribute in PyTorch: its files have them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                name = next(iter(kwargs))
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument '{name}'")
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        Attributes.of(self).update(_fresh_state())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        pytree.register(cls)

    def forward(self, *input: Any) -> Any:
        """What the module computes; every subclass defines it.

        Raises:
            NotImplementedError: the subclass has not.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # --- the call -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``forward``, between the hooks where there are any."""
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or global_forward_hooks
            or global_forward_pre_hooks
            or global_backward_hooks
            or global_backward_pre_hooks
        ):
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """The call without what :meth:`compile` made of it."""
        return self._call_with_hooks(args, kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile this module's call in place; arguments as in ``fxtorch.compile``."""
        if _compiler is None:
            raise RuntimeError("no compiler has been set")
        self._compiled_call_impl = _compiler(self._call_impl, *args, **kwargs)

    # --- attributes -----------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # Reached only where the instance and its class have no such attribute.
        state = self.__dict__
        if "_parameters" in state:
            if name in (table := state["_parameters"]):
                return table[name]
            if name in (table := state["_modules"]):
                return table[name]
            if name in (table := state["_buffers"]):
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in state:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._make_room(name, "_parameters")
            self.register_parameter(name, value)
        elif name in state.get("_parameters", ()):
            if value is not None:
                raise TypeError(_cannot_assign(value, "parameter", name, "torch.nn.Parameter or None expected"))
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            if "_modules" not in state:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._make_room(name, "_modules")
            state["_modules"][name] = _announce("module", self, name, value)
        elif name in state.get("_modules", ()):
            if value is not None:
                raise TypeError(_cannot_assign(value, "child module", name, "torch.nn.Module or None expected"))
            state["_modules"][name] = _announce("module", self, name, None)
        elif isinstance(value, Buffer):
            self._make_room(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in state.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                expected = "torch.nn.Buffer, torch.Tensor or None expected"
                raise TypeError(_cannot_assign(value, "buffer", name, expected))
            state["_buffers"][name] = _announce("buffer", self, name, value)
        else:
            super().__setattr__(name, value)
            if name in _STRUCTURE or hasattr(type(self), name):  # in place of what its class has
                structure.changed()

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)
            if name in _STRUCTURE or hasattr(type(self), name):
                structure.changed()

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def _make_room(self, name: str, table: str) -> None:
        """Drop what has this name but is not in ``table``, where an entry keeps its place."""
        state = self.__dict__
        state.pop(name, None)
        for other in ("_parameters", "_buffers", "_modules"):
            if other != table and other in state:
                state[other].pop(name, None)
        if table != "_buffers":
            state.get("_non_persistent_buffers_set", set()).discard(name)

    def _check_name(self, kind: str, name: Any, table: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in table:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; None reserves the name for "no parameter".

        Raises:
            AttributeError: ``super().__init__()`` has not been called.
            KeyError: the name is empty, has a dot, or is taken.
            TypeError: ``param`` is no Parameter, or ``name`` no string.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if not is_lazy(param) and param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
        self._parameters[name] = _announce("parameter", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a Tensor that is state but is not trained, such as a running mean.

        Args:
            name: the attribute's name.
            tensor: the Tensor, or None to reserve the name.
            persistent: whether ``state_dict`` holds it.

        Raises:
            AttributeError: ``super().__init__()`` has not been called.
            KeyError: the name is empty, has a dot, or is taken.
            TypeError: ``tensor`` is no Tensor, or ``name`` no string.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = _announce("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under ``name``.

        Raises:
            KeyError: the name is empty, has a dot, or is taken.
            TypeError: ``module`` is no Module, or ``name`` no string.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = _announce("module", self, name, module)

    register_module = add_module

    # --- everything below at once ---------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` on every submodule, children first, and on this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the values of every parameter, gradient and buffer by ``fn`` of them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            grad = parameter.grad
            with no_grad():
                changed = fn(parameter)
                if changed is not parameter:
                    # Out of the way first: a gradient must have its parameter's type at all times.
                    parameter.grad = None
                    parameter.data = changed
                    if grad is not None:
                        parameter.grad = fn(grad).requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device and convert floating parameters and buffers to a type, in place.

        ``to(device)``, ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)``; ``non_blocking`` and ``memory_format``
        are accepted.

        Raises:
            TypeError: the type is neither floating nor complex.
            NotImplementedError: it is on the ``meta`` device, without values to move.
        """
        device, dtype = parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(tensor: Tensor) -> Tensor:
            if tensor.is_meta and device is not None and not is_meta(device):
                raise NotImplementedError(
                    f"{NO_DATA} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving "
                    "module from meta to a different device."
                )
            floating = tensor.dtype.is_floating_point or tensor.dtype.is_complex
            return tensor.to(device or tensor.device, dtype if dtype is not None and floating else tensor.dtype)

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to ``device`` without the values, which are left uninitialised."""
        return self._apply(lambda t: torch.empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers, integer ones too, to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def _as_float(self, name: str) -> Self:
        return self._apply(lambda t: getattr(t, name)() if t.dtype.is_floating_point else t)

    def float(self) -> Self:
        """Convert floating parameters and buffers to float32."""
        return self._as_float("float")

    def double(self) -> Self:
        """Convert floating parameters and buffers to float64."""
        return self._as_float("double")

    def half(self) -> Self:
        """Convert floating parameters and buffers to float16."""
        return self._as_float("half")

    def bfloat16(self) -> Self:
        """Convert floating parameters and buffers to bfloat16."""
        return self._as_float("bfloat16")

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move to a GPU.

        Args:
            device: its number or name; the first by default.
        """
        return self._apply(lambda t: t.cuda(device))

    def share_memory(self) -> Self:
        """Nothing: arrays of JAX are not shared between processes."""
        return self

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it in training mode (Dropout drops, BatchNorm learns its statistics).

        Raises:
            ValueError: ``mode`` is no bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Put this module and all below it in evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters want gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach()
                parameter.grad.zero_()

    # --- how it looks and travels ---------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses of ``repr``; a subclass overrides it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({name}): {module!r}" for name, module in self._modules.items()]
        if not lines and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        body = "\n".join([*(extra.split("\n") if extra else []), *lines])
        return f"{self._get_name()}(\n{textwrap.indent(body, '  ', lambda line: True)}\n)"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_compiled_call_impl", None)
        return {**state, **{name: getattr(self, name) for name in self._also_written}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Whoever wrote the state may have known fewer kinds of hooks.
        own = Attributes.of(self)
        own.update({**_fresh_state(), **state})
        for name in self._also_written:
            own.pop(name, None)


def _fresh_state() -> dict[str, Any]:
    return {
        "training": True,
        "_parameters": Table(),
        "_buffers": Table(),
        "_non_persistent_buffers_set": set(),
        "_backward_pre_hooks": HookTable(),
        "_backward_hooks": HookTable(),
        "_is_full_backward_hook": None,
        "_forward_hooks": HookTable(),
        "_forward_hooks_with_kwargs": HookTable(),
        "_forward_hooks_always_called": HookTable(),
        "_forward_pre_hooks": HookTable(),
        "_forward_pre_hooks_with_kwargs": HookTable(),
        "_state_dict_hooks": HookTable(),
        "_state_dict_pre_hooks": HookTable(),
        "_load_state_dict_pre_hooks": HookTable(),
        "_load_state_dict_post_hooks": HookTable(),
        "_modules": Table(),
    }


_STRUCTURE = frozenset({"forward", "__class__", *(name for name in _fresh_state() if name.startswith("_"))})


def _announce(kind: str, module: Module, name: str, value: Any) -> Any:
    """``value``, or what a global registration hook wants in its place."""
    for hook in _registration_hooks[kind].values():
        changed = hook(module, name, value)
        value = value if changed is None else changed
    return value


def _typename(value: Any) -> str:
    if isinstance(value, Tensor):
        return value.type()
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _cannot_assign(value: Any, kind: str, name: str, expected: str) -> str:
    return f"cannot assign '{_typename(value)}' as {kind} '{name}' ({expected})"


pytree.register(Module)
