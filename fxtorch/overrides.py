"""torch.overrides: to ask ``__torch_function__`` in functions of one's own, and to watch every operator."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.tensor.modes import modes
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.overriding import as_called, ask, no_overrides, overrider, overriding

__all__ = [
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_default_nowrap_functions",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]

enable_reentrant_dispatch = no_overrides


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether the class of one of these says itself what a function does to it.

    >>> has_torch_function([torch.ones(2), 3])
    False
    """
    return modes.overrides and any(overrider(type(a)) is not None for a in relevant_args)


def has_torch_function_unary(obj: Any) -> bool:
    """:func:`has_torch_function` of one argument."""
    return has_torch_function((obj,))


def has_torch_function_variadic(*args: Any) -> bool:
    """:func:`has_torch_function` of several."""
    return has_torch_function(args)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Let the arguments' classes do ``public_api(*args, **kwargs)``.

    Raises:
        TypeError: none of them knows how.
    """
    return ask(overriding(relevant_args), public_api, args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a function so that the arguments that ``dispatcher`` names may override it."""

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return fn(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a Tensor, or of a class with ``__torch_function__``."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def get_default_nowrap_functions() -> set[Callable[..., Any]]:
    """Functions whose result does not get a subclass's class: none, properties are not functions here."""
    return set()


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether Tensor has it under its own name."""
    name = getattr(func, "__name__", "")
    return getattr(Tensor, name, None) is func or name == "__get__"


def resolve_name(f: Callable[..., Any]) -> str | None:
    """The name of a function with its module's: ``"torch.add"``."""
    module, name = getattr(f, "__module__", None), getattr(f, "__name__", None)
    return None if module is None or name is None else f"{module.replace('fxtorch', 'torch', 1)}.{name}"


_stack: list[TorchFunctionMode] = []
_plain_call = Operator.__call__


class TorchFunctionMode:
    """A ``with`` block in which every operator goes through :meth:`__torch_function__` of this object.

    >>> class Names(TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     _ = torch.ones(2) + 1
    ones
    add
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call ``func``; a subclass overrides this."""
        raise NotImplementedError

    def __enter__(self) -> TorchFunctionMode:
        _stack.append(self)
        modes.function_modes += 1
        Operator.__call__ = _watched_call
        return self

    def __exit__(self, *exc: object) -> None:
        _stack.pop()
        modes.function_modes -= 1
        if not _stack:
            Operator.__call__ = _plain_call


def _watched_call(self: Operator, *args: Any) -> Any:
    if not _stack or any(p.kind == "key" for p in self.op.params):
        return _plain_call(self, *args)
    mode = _stack.pop()  # what it calls itself is not for it again
    try:
        plain, named = as_called(self, args)
        types = tuple({type(a) for a in args if isinstance(a, Tensor)})
        return mode.__torch_function__(self.public or self, types, plain, named)
    finally:
        _stack.append(mode)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call ``func``."""
        return func(*args, **(kwargs or {}))
