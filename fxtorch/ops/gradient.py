"""Functions that carry their own reverse-mode derivative, and the switch that forward mode needs.

``jax.custom_vjp`` forbids forward mode over it.  :func:`custom_gradient` therefore keeps the plain function too, and
traces it instead while :func:`forward_mode` is on.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax

_forward_mode: ContextVar[bool] = ContextVar("fxtorch_forward_mode", default=False)


@contextlib.contextmanager
def forward_mode() -> Iterator[None]:
    """Within it, functions with a custom gradient are traced in their plain form."""
    token = _forward_mode.set(True)
    try:
        yield
    finally:
        _forward_mode.reset(token)


def in_forward_mode() -> bool:
    """Whether a transformation around the code takes a derivative in forward mode."""
    return _forward_mode.get()


class custom_gradient:
    """Decorate a pure function that gets a hand-made reverse rule.

    >>> import jax, jax.numpy as jnp
    >>> @custom_gradient
    ... def square(x):
    ...     return x * x
    >>> square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
    >>> float(jax.grad(square)(3.0))
    6.0

    Args:
        plain: the function; JAX differentiates it itself in forward mode.
        static: positions of the arguments that are static Python values (``nondiff_argnums``).
    """

    def __init__(self, plain: Callable[..., Any], static: tuple[int, ...] = ()) -> None:
        functools.update_wrapper(self, plain)
        self.plain = plain
        self.reverse = jax.custom_vjp(plain, nondiff_argnums=static)

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the rule: ``fwd(*args) -> (out, saved)`` and ``bwd(*static, saved, cotangent) -> cotangents``."""
        self.reverse.defvjp(fwd, bwd)

    def __call__(self, *args: Any) -> Any:
        """The function's value."""
        return self.plain(*args) if _forward_mode.get() else self.reverse(*args)


def gradient_from_output(pull: Callable[[Any, Any], Any]) -> Callable[[Callable[[Any], Any]], custom_gradient]:
    """Decorate a function of one array whose derivative is cheap to get from its result, which is then all it saves.

    Args:
        pull: ``pull(out, cotangent) -> cotangent`` of the input.
    """

    def decorate(plain: Callable[[Any], Any]) -> custom_gradient:
        function = custom_gradient(plain)

        def keep(x: Any) -> tuple[Any, Any]:
            out = plain(x)
            return out, out

        function.defvjp(keep, lambda out, g: (pull(out, g),))
        return function

    return decorate
