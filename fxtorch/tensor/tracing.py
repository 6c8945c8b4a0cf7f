"""What stateful code (optimizers, schedulers, generators) tells the compiler while it traces."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fxtorch.tensor.modes import modes

_PATIENCE = 600.0  # seconds; a trace that waits for a thread that waits for the trace must end


class Traces:
    """While a thread traces, Tensors that all threads see hold its tracers; the others wait until they are gone.

    Attributes:
        lock: held by whoever traces or runs a compiled step.
        thread: the one that traces; None most of the time, which is all that the others ask.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.thread: int | None = None
        self._ended = threading.Event()

    @contextmanager
    def here(self) -> Iterator[None]:
        """This thread traces."""
        with self.lock:
            outer = self.thread
            if outer is None:
                self._ended.clear()
                self.thread = threading.get_ident()
            try:
                yield
            finally:
                if outer is None:
                    self.thread = None
                    self._ended.set()

    def elsewhere(self) -> bool:
        """Whether another thread traces."""
        return self.thread is not None and self.thread != threading.get_ident()

    def wait(self) -> None:
        """Return when no other thread traces.

        Raises:
            RuntimeError: one does for ten minutes.
        """
        if self.elsewhere() and not self._ended.wait(_PATIENCE):
            raise RuntimeError(
                "a Tensor is read that another thread has been tracing for ten minutes; does the traced function wait "
                "for this thread?"
            )


traces = Traces()


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


class _Remembered:
    """What ``compute`` makes of a table, made again where an entry is another object than before."""

    def __init__(self, compute: Callable[[], Any], table: Mapping[str, Any]) -> None:
        self._compute, self._table = compute, table
        self._seen: tuple[Any, ...] | None = None
        self._value: Any = None

    def __call__(self) -> Any:
        now, seen = (*self._table, *self._table.values()), self._seen
        if seen is None or len(now) != len(seen) or not all(map(operator.is_, now, seen)):
            self._value, self._seen = self._compute(), now
        return self._value


def rely_on(name: str, compute: Callable[[], Any], table: Mapping[str, Any] | None = None) -> Any:
    """The value of ``compute()``; a compiled step that was traced with it is traced anew when it changes.

    With ``table`` it depends on nothing else, and is computed again only where an entry is another object.
    """
    if modes.capture is None:
        return compute()
    return modes.capture.guard(name, compute if table is None else _Remembered(compute, table))


def host_effect(run: Callable[[], None], owner: Any, scalars: tuple[tuple[dict[Any, Any], Any], ...] = ()) -> None:
    """Do something on the host: at once in eager code, at each call in a compiled step.

    Args:
        run: what to do.
        owner: whose attributes it changes.
        scalars: the ``(dictionary, key)`` pairs that it changes.
    """
    if modes.capture is None:
        run()
    else:
        modes.capture.effect(run, owner, scalars)


def show_options(owner: Any, key: str | None = None) -> None:
    """An optimizer or a scheduler is asked for one of its numbers, or for all: a compiled step relies on them then."""
    if modes.capture is not None:
        modes.capture.options_shown(owner, key)
