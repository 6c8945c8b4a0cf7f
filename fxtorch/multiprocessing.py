"""torch.multiprocessing: Python's own, with ``spawn`` as the way to start: a running JAX must not be forked.

Arrays of JAX live in one process: a Tensor that is sent to another one is copied, and none is shared.
"""

from __future__ import annotations

import multiprocessing as _python
import multiprocessing.connection as _connection
import sys as _sys
import traceback as _traceback
from collections.abc import Callable
from multiprocessing import active_children as active_children
from multiprocessing import cpu_count as cpu_count
from multiprocessing import current_process as current_process
from multiprocessing import freeze_support as freeze_support
from multiprocessing import parent_process as parent_process
from typing import Any

_context: Any = _python.get_context("spawn")
_sharing = "file_system"

Barrier, BoundedSemaphore, Condition, Event = (
    _context.Barrier,
    _context.BoundedSemaphore,
    _context.Condition,
    _context.Event,
)
Lock, Manager, Pipe, Pool = _context.Lock, _context.Manager, _context.Pipe, _context.Pool
Process, Queue, SimpleQueue, JoinableQueue = (
    _context.Process,
    _context.Queue,
    _context.SimpleQueue,
    _context.JoinableQueue,
)
RLock, Semaphore, Value, Array = _context.RLock, _context.Semaphore, _context.Value, _context.Array


class ProcessException(Exception):
    """A process that :func:`spawn` started failed.

    Attributes:
        error_index: which of them.
        error_pid: its process id.
    """

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid


class ProcessRaisedException(ProcessException):
    """It raised an exception."""


class ProcessExitedException(ProcessException):
    """It ended with another exit code than 0."""

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code


def _check(method: str | None) -> None:
    if method == "fork":
        raise ValueError("a process that runs JAX cannot be forked: use the start method 'spawn'")


def get_context(method: str | None = None) -> Any:
    """A context of Python's; ``spawn`` by default.

    Raises:
        ValueError: ``method`` is ``"fork"``.
    """
    _check(method)
    return _python.get_context(method or "spawn")


def set_start_method(method: str | None, force: bool = False) -> None:
    """Set how processes start.

    Raises:
        ValueError: ``method`` is ``"fork"``.
    """
    _check(method)
    _python.set_start_method(method, force=force)


def get_all_start_methods() -> list[str]:
    """The ways to start processes: forking a running JAX is not one."""
    return [method for method in _python.get_all_start_methods() if method != "fork"]


def get_start_method(allow_none: bool = False) -> str:
    """How processes start: ``spawn``, unless another way was set."""
    method = _python.get_start_method(allow_none=True)
    return "spawn" if method in (None, "fork") else method


class SpawnContext:
    """The processes that :func:`spawn` started.

    Attributes:
        processes: Python's own objects.
    """

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self._errors = errors

    def pids(self) -> list[int]:
        """Their process ids."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for all; True once all have ended.

        Raises:
            ProcessException: one failed; the others are stopped.
        """
        if alive := [p.sentinel for p in self.processes if p.is_alive()]:  # waiting for none of them never ends
            _connection.wait(alive, timeout)
        for i, process in enumerate(self.processes):
            if process.exitcode in (None, 0):
                continue
            for other in self.processes:
                if other.is_alive():
                    other.terminate()
                other.join(grace_period)
            if self._errors[i].poll():
                text = f"\n\n-- Process {i} terminated with the following error:\n{self._errors[i].recv()}"
                raise ProcessRaisedException(text, i, process.pid)
            raise ProcessExitedException(
                f"process {i} terminated with exit code {process.exitcode}", i, process.pid, process.exitcode
            )
        return not any(p.is_alive() for p in self.processes)


def _run(fn: Callable[..., Any], i: int, args: tuple[Any, ...], error: Any) -> None:
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        error.send(_traceback.format_exc())
        _sys.exit(1)


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> SpawnContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` processes.

    Raises:
        ProcessException: one failed.
    """
    context: Any = get_context(start_method)
    processes, errors = [], []
    for i in range(nprocs):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, i, args, theirs), daemon=daemon)
        process.start()
        processes.append(process)
        errors.append(ours)
    started = SpawnContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> SpawnContext | None:
    """:func:`start_processes` by ``spawn``."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """The one that does no sharing."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """How Tensors would be shared."""
    return _sharing


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: Tensors are copied to other processes in any case."""
