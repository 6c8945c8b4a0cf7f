"""torch.futures: values that somebody else is still computing."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
S = TypeVar("S")

__all__ = ["Future", "collect_all", "wait_all"]


class Future(Generic[T]):
    """A value that will be there; whoever computes it, perhaps in another thread, calls :meth:`set_result`.

    Args:
        devices: accelerators that the value lives on; JAX orders the work on them itself.

    >>> future = Future()
    >>> later = future.then(lambda f: f.wait() + 1)
    >>> future.set_result(2)
    >>> later.wait()
    3
    """

    def __init__(self, *, devices: Sequence[Any] | None = None) -> None:
        self._lock = threading.Condition()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    def done(self) -> bool:
        """Whether there is a value, or an exception."""
        return self._done

    def wait(self) -> T:
        """The value, once it is there.

        Raises:
            Exception: what the computation raised.
        """
        with self._lock:
            self._lock.wait_for(self.done)
        return self.value()

    def value(self) -> T:
        """The value that is there.

        Raises:
            RuntimeError: there is none yet.
            Exception: what the computation raised.
        """
        if not self._done:
            raise RuntimeError("the Future is not completed; wait() waits for it")
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A Future of what ``callback`` makes of this one, once it is completed."""
        result: Future[S] = Future()

        def run() -> None:
            try:
                value = callback(self)
            except Exception as error:
                words = f"Got the following error when running the callback: {type(error).__name__}: {error}"
                result._complete(None, RuntimeError(words))
            else:
                result._complete(value, None)

        self._when_done(run)
        return result

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call ``callback`` with this Future once it is completed; what it raises is printed, and goes no further."""

        def run() -> None:
            try:
                callback(self)
            except Exception:
                traceback.print_exc()

        self._when_done(run)

    def set_result(self, result: T) -> None:
        """Complete it with a value.

        Raises:
            RuntimeError: it is completed already.
        """
        self._complete(result, None)

    def set_exception(self, result: T) -> None:
        """Complete it with an exception, which :meth:`wait` and :meth:`value` raise.

        Raises:
            RuntimeError: it is completed already.
        """
        assert isinstance(result, Exception), f"{result} is of type {type(result)}, not an Exception."
        self._complete(None, result)

    def _complete(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            if self._done:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future can only be marked "
                    "completed once."
                )
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, []
            self._lock.notify_all()
        for run in callbacks:
            run()

    def _when_done(self, run: Callable[[], None]) -> None:
        with self._lock:
            if not self._done:
                self._callbacks.append(run)
                return
        run()


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A Future of all of ``futures``, completed when they are; the first exception of one of them is its own."""
    whole: Future[list[Future[Any]]] = Future()
    if not futures:
        whole.set_result([])
    waiting, lock = len(futures), threading.Lock()

    def one_done(future: Future[Any]) -> None:
        nonlocal waiting
        with lock:
            waiting -= 1
            last = waiting == 0
        if last:
            error = next((f._error for f in futures if f._error is not None), None)
            whole._complete(None if error is not None else list(futures), error)

    for future in futures:
        future.add_done_callback(one_done)
    return whole


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """The values of ``futures``, once all are there; an exception of one of them is raised."""
    return [future.wait() for future in collect_all(futures).wait()]
