"""The main process's side of the workers: who does what, in an order that no timing changes."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.context
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any

from fxtorch.utils.data.fetch import Exhausted
from fxtorch.utils.data.worker import Failure, Job, cpu_only, main, packed_job, receive, without_main


class Workers:
    """Processes that fetch batches.

    Batch ``i`` is fetched by worker ``i`` modulo their number and awaited in that order, so that neither the order of
    batches nor the random numbers of a worker depend on who is faster.

    Args:
        make_job: the job of worker ``i``.
        count: how many.
        context: multiprocessing's, or the name of a start method other than fork.
        timeout: seconds to wait for a batch; 0 waits for ever.

    Raises:
        ValueError: the start method is fork.
    """

    def __init__(self, make_job: Callable[[int], Job], count: int, context: Any, timeout: float) -> None:
        if not isinstance(context, multiprocessing.context.BaseContext):
            context = multiprocessing.get_context(context or "spawn")
        start: Any = context  # each context has its own Process
        if start.get_start_method() == "fork":
            raise ValueError("DataLoader workers cannot be forked from a process that runs JAX: use 'spawn'")
        self._timeout = timeout
        self._connections, self._processes = [], []
        with cpu_only():
            for i in range(count):
                ours, theirs = start.Pipe()
                job, complete = packed_job(make_job(i))
                process = start.Process(target=main, args=(theirs, job), daemon=True)
                with without_main() if complete else contextlib.nullcontext():
                    process.start()
                theirs.close()
                self._connections.append(ours)
                self._processes.append(process)
        self._pending: deque[int] = deque()
        self.close = weakref.finalize(self, _stop, self._connections, self._processes)

    def run(self, indices: Iterable[Any], base_seed: int, ahead: int) -> Iterator[Any]:
        """The batches of ``indices``, each worker being up to ``ahead`` batches ahead."""
        while self._pending:  # of a pass that was left early
            self._await(self._pending.popleft())
        count = len(self._connections)
        for i in range(count):
            self._send(i, ("pass", base_seed))
        todo, turns = iter(indices), deque(range(count))
        for _ in range(ahead * count):
            self._hand_out(todo, turns)
        while self._pending:
            worker = self._pending.popleft()
            answer = self._await(worker)
            if isinstance(answer, Exhausted):
                if worker in turns:
                    turns.remove(worker)
                self._hand_out(todo, turns)
                continue
            self._hand_out(todo, turns)
            if isinstance(answer, Failure):
                answer.reraise()
            yield answer

    def _hand_out(self, todo: Iterator[Any], turns: deque[int]) -> None:
        if not turns:
            return
        for index in todo:
            self._send(turns[0], ("fetch", index))
            self._pending.append(turns[0])
            turns.rotate(-1)
            return

    def _send(self, worker: int, request: Any) -> None:
        try:
            self._connections[worker].send(request)
        except (BrokenPipeError, ConnectionResetError):
            raise self._died(worker) from None

    def _await(self, worker: int) -> Any:
        connection, process = self._connections[worker], self._processes[worker]
        ready = wait([connection, process.sentinel], self._timeout or None)
        if not ready:
            self.close()
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        try:
            if connection in ready or connection.poll():
                return receive(connection)
        except (EOFError, OSError):
            pass
        raise self._died(worker)

    def _died(self, worker: int) -> RuntimeError:
        process = self._processes[worker]
        process.join(5)
        self.close()
        return RuntimeError(
            f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {process.exitcode}"
        )


def _stop(connections: list[Any], processes: list[Any]) -> None:
    for connection in connections:
        connection.close()
    for process in processes:
        process.join(0.5)
        if process.is_alive():
            process.terminate()
            process.join()
