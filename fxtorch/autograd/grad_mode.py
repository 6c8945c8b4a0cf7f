"""Switching the recording of gradients on and off, as context managers and as decorators."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any

from fxtorch.tensor.modes import modes


class _Mode:
    """A context manager that also decorates functions and generators; each use nests."""

    def __init__(self) -> None:
        self._before: list[Any] = []

    def _enter(self) -> Any:
        raise NotImplementedError

    def _leave(self, before: Any) -> None:
        raise NotImplementedError

    def _clone(self) -> _Mode:
        return type(self)()

    def __enter__(self) -> None:
        self._before.append(self._enter())

    def __exit__(self, *exc: object) -> None:
        self._leave(self._before.pop())

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(fn):

            @functools.wraps(fn)
            def generator(*args: Any, **kwargs: Any) -> Any:
                inner = fn(*args, **kwargs)
                sent: Any = None
                try:
                    while True:
                        with self._clone():
                            value = inner.send(sent)
                        sent = yield value
                except StopIteration as stop:
                    return stop.value

            return generator

        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._clone():
                return fn(*args, **kwargs)

        return wrapped


class _Grad(_Mode):
    value: bool

    def _enter(self) -> bool:
        before = modes.grad
        modes.grad = self.value and not modes.inference
        return before

    def _leave(self, before: bool) -> None:
        modes.grad = before


def _optional_call(cls: type, fn: Callable[..., Any] | None) -> Any:
    """``@no_grad`` and ``@no_grad()`` both decorate."""
    mode = object.__new__(cls)
    if fn is None:
        return mode
    mode.__init__()
    return mode(fn)


class no_grad(_Grad):
    """Within it, nothing is recorded.

    >>> import fxtorch as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    value = False

    def __new__(cls, fn: Callable[..., Any] | None = None) -> Any:
        """Make the context manager, or decorate ``fn`` with it."""
        return _optional_call(cls, fn)


class enable_grad(_Grad):
    """Within it, operations are recorded, also inside :class:`no_grad`."""

    value = True

    def __new__(cls, fn: Callable[..., Any] | None = None) -> Any:
        """Make the context manager, or decorate ``fn`` with it."""
        return _optional_call(cls, fn)


class set_grad_enabled(_Grad):
    """Switch recording on or off: at once, and as a context manager until its end."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.value = bool(mode)
        self._outer = modes.grad
        modes.grad = self.value and not modes.inference

    def _enter(self) -> bool:
        modes.grad = self.value
        return self._outer

    def _clone(self) -> _Mode:
        return set_grad_enabled(self.value)

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate ``fn``; the switch made by the constructor is undone."""
        modes.grad = self._outer
        return super().__call__(fn)


class inference_mode(_Mode):
    """Like :class:`no_grad`, and the Tensors made in it stay out of what is recorded later.

    Outside of it, a change in place of one of them, and a recorded call that would save it, raise.
    ``inference_mode(False)`` within it is ordinary again.

    >>> import fxtorch as torch
    >>> with torch.inference_mode():
    ...     x = torch.ones(2)
    >>> x.is_inference(), x.clone().is_inference()
    (True, False)
    """

    def __new__(cls, mode: Any = True) -> Any:
        """Make the context manager, or decorate a function with it."""
        if callable(mode):
            return _optional_call(cls, mode)
        return object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = bool(mode)

    def _clone(self) -> _Mode:
        return inference_mode(self.mode)

    def _enter(self) -> tuple[bool, bool]:
        before = modes.grad, modes.inference
        modes.grad, modes.inference = not self.mode, self.mode
        return before

    def _leave(self, before: tuple[bool, bool]) -> None:
        modes.grad, modes.inference = before


def is_grad_enabled() -> bool:
    """Whether operations are recorded now."""
    return modes.grad


def is_inference_mode_enabled() -> bool:
    """Whether :class:`inference_mode` is on."""
    return modes.inference


class set_multithreading_enabled(contextlib.nullcontext):
    """Accepted: the walk is one thread, and XLA uses the others."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
