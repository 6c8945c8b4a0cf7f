"""What stateful code (optimizers, schedulers, generators) tells the compiler while it traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxtorch.tensor.modes import modes


def is_tracing() -> bool:
    """Whether ``fxtorch.jit`` is tracing a function right now."""
    return modes.capture is not None


def scalar_input(owner: dict[Any, Any], key: Any) -> Any:
    """The number ``owner[key]``; in a compiled step it is read anew at each call, and changing it never retraces."""
    return owner[key] if modes.capture is None else modes.capture.scalar(owner, key)


def materialize(build: Callable[[], Any], undo: Callable[[], None] = lambda: None) -> Any:
    """The result of ``build()``, made of real arrays even inside a trace; ``undo`` runs if the trace fails."""
    return build() if modes.capture is None else modes.capture.materialize(build, undo)


def once_eagerly(why: str) -> None:
    """End a compiled function's trace: this call must run eagerly, and the next one may be compiled."""
    error = None if modes.capture is None else modes.capture.not_yet(why)
    if error is not None:
        raise error


def rely_on(name: str, compute: Callable[[], Any]) -> Any:
    """The value of ``compute()``; a compiled step that was traced with it is traced anew when it changes."""
    return compute() if modes.capture is None else modes.capture.guard(name, compute)


def host_effect(run: Callable[[], None], scalars: tuple[tuple[dict[Any, Any], Any], ...] = ()) -> None:
    """Do something on the host: at once in eager code, at each call in a compiled step.

    Args:
        run: what to do.
        scalars: the ``(dictionary, key)`` pairs that it changes.
    """
    if modes.capture is None:
        run()
    else:
        modes.capture.effect(run, scalars)
