"""Worker processes: spawned, never forked, and without an accelerator."""

from __future__ import annotations

import contextlib
import io
import multiprocessing.spawn
import os
import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor, unwrap
from fxtorch.tensor.generator import manual_seed
from fxtorch.utils.data import by_value
from fxtorch.utils.data.collate import to_tensor
from fxtorch.utils.data.fetch import Exhausted, Fetcher


@dataclass
class WorkerInfo:
    """What a worker process knows of itself.

    Attributes:
        id: its number, from 0.
        num_workers: how many there are.
        seed: of its random numbers in this pass.
        dataset: its own copy.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader what it knows of itself; None in the main process."""
    return _info


@dataclass
class Host:
    """An array that becomes a Tensor when it has reached the main process."""

    array: Any

    def __reduce__(self) -> tuple[Any, ...]:
        return to_tensor, (np.asarray(self.array),)


class _Pickler(ForkingPickler):
    """Sends Tensors as NumPy arrays."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is Tensor:
            return to_tensor, (np.asarray(unwrap(obj)),)
        return NotImplemented


class _ByValue(_Pickler):
    """Sends what the program itself defines by value too."""

    def reducer_override(self, obj: Any) -> Any:
        how = super().reducer_override(obj)
        return by_value.reduced(obj) if how is NotImplemented else how


def packed(obj: Any, pickler: type[_Pickler] = _Pickler) -> list[Any]:
    """``obj`` as a pickle and the buffers of its arrays."""
    file, buffers = io.BytesIO(), []
    pickler(file, pickle.HIGHEST_PROTOCOL, True, lambda buffer: buffers.append(buffer.raw())).dump(obj)
    return [file.getbuffer(), *buffers]


def packed_job(job: Job) -> tuple[list[bytes], bool]:
    """A job to send, and whether it is complete: else the worker has to run the program to find what it names."""
    try:
        parts, complete = packed(job, _ByValue), True
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):  # some value beside it cannot be sent
        parts, complete = packed(job), False
    return [bytes(part) for part in parts], complete


def send(connection: Connection, obj: Any) -> None:
    """Send ``obj``; its arrays are not copied into the pickle."""
    parts = packed(obj)
    connection.send(len(parts))
    for part in parts:
        connection.send_bytes(part)


def receive(connection: Connection) -> Any:
    """What :func:`send` sent."""
    data, *buffers = [connection.recv_bytes() for _ in range(connection.recv())]
    return pickle.loads(data, buffers=buffers)


class _Text(str):
    """A message that is shown as it is by KeyError too, which shows its argument's repr."""

    def __repr__(self) -> str:
        return str(self)


@dataclass
class Failure:
    """An exception in a worker, as the main process is told of it."""

    kind: type[BaseException]
    text: str
    worker: int

    def reraise(self) -> None:
        """Raise it again, with the worker's trace in its message."""
        message = _Text(
            f"Caught {self.kind.__name__} in DataLoader worker process {self.worker}.\nOriginal {self.text}"
        )
        try:
            error = self.kind(message)
        except Exception:  # its class wants other arguments
            raise RuntimeError(message) from None
        raise error


@dataclass
class Job:
    """What a worker is made with."""

    dataset: Any
    collate_fn: Any
    batched: bool
    drop_last: bool
    worker_init_fn: Any
    worker: int
    num_workers: int


@contextlib.contextmanager
def cpu_only() -> Iterator[None]:
    """Processes started here see no accelerator: a second JAX process on one would take its memory or fail."""
    before = os.environ.get("JAX_PLATFORMS")
    os.environ["JAX_PLATFORMS"] = "cpu"
    try:
        yield
    finally:
        if before is None:
            del os.environ["JAX_PLATFORMS"]
        else:
            os.environ["JAX_PLATFORMS"] = before


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Processes started here do not run the program's main module."""
    plain = multiprocessing.spawn.get_preparation_data

    def preparation_data(name: str) -> dict[str, Any]:
        return {k: v for k, v in plain(name).items() if not k.startswith("init_main_from_")}

    multiprocessing.spawn.get_preparation_data = preparation_data
    try:
        yield
    finally:
        multiprocessing.spawn.get_preparation_data = plain


def main(connection: Connection, job_parts: list[bytes]) -> None:
    """Serve one DataLoader until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    # read ahead, so that the main process never waits to send while this one waits to be read
    threading.Thread(target=_read, args=(connection, requests), daemon=True).start()
    job: Job = pickle.loads(job_parts[0], buffers=job_parts[1:])
    fetch: Any = None
    initialized = False
    while (request := requests.get()) is not None:
        kind, value = request
        try:
            if kind == "pass":
                _begin_pass(job, value)
                if not initialized and job.worker_init_fn is not None:
                    job.worker_init_fn(job.worker)
                initialized = True
                fetch = Fetcher(job.dataset, job.collate_fn, job.batched, job.drop_last, Host)
                continue
            if isinstance(fetch, Failure):
                answer = fetch
            else:
                answer = fetch(value)
        except Exhausted:
            answer = Exhausted()
        except Exception as error:
            answer = Failure(type(error), traceback.format_exc(), job.worker)
            if kind == "pass":  # there is no answer to that: the first batch brings the news
                fetch = answer
                continue
        try:
            _answer(connection, answer, job.worker)
        except (BrokenPipeError, ConnectionResetError):
            return


def _answer(connection: Connection, answer: Any, worker: int) -> None:
    try:
        parts = packed(answer)
    except Exception as error:
        kind = type(error)
        text = traceback.format_exc()
        if isinstance(answer, Failure):  # the class of the exception itself cannot be sent
            kind, text = RuntimeError, f"{answer.kind.__name__}: {answer.text}"
        parts = packed(Failure(kind, text, worker))
    connection.send(len(parts))
    for part in parts:
        connection.send_bytes(part)


def _read(connection: Connection, requests: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            requests.put(connection.recv())
    except (EOFError, OSError):
        requests.put(None)


def _begin_pass(job: Job, base_seed: int) -> None:
    global _info
    seed = base_seed + job.worker
    random.seed(seed)
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    manual_seed(seed)
    _info = WorkerInfo(job.worker, job.num_workers, seed, job.dataset)
