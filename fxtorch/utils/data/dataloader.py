"""DataLoader: batches of a dataset."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from fxtorch.tensor.device import device
from fxtorch.tensor.generator import Generator
from fxtorch.utils.data.collate import default_collate, default_convert, map_tensors, to_tensor
from fxtorch.utils.data.dataset import IterableDataset
from fxtorch.utils.data.fetch import Exhausted, Fetcher
from fxtorch.utils.data.random import host_rng
from fxtorch.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from fxtorch.utils.data.worker import Job
from fxtorch.utils.data.workers import Workers

T_co = TypeVar("T_co", covariant=True)

_AHEAD_ON_DEVICE = 2
_DECIDED = frozenset({"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"})

_collate_fn_t = Callable[[list[Any]], Any]  # torch's names of these types
_worker_init_fn_t = Callable[[int], None]


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches, anew at each ``for``.

    The order and every seed depend on ``generator`` alone (or on ``manual_seed``), never on timing or on the number of
    workers.

    Args:
        dataset: by index, or a stream.
        batch_size: samples a batch; ``None`` yields samples one by one, not collated.
        shuffle: visit in a random order.
        sampler: the order of samples, in place of ``shuffle``.
        batch_sampler: whole batches of indices, in place of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
        num_workers: processes that fetch; 0 fetches in this one.  They are spawned, and see no accelerator; what the
            script itself defines is sent to them, so that it needs no ``if __name__ == "__main__":``, unless an
            Enum of its own, or a value that cannot be pickled, has to go along.
        collate_fn: from a list of samples to a batch; :func:`default_collate` if not given.
        pin_memory: accepted; JAX places batches itself.
        drop_last: leave out a last batch that is shorter.
        timeout: seconds to wait for a worker; 0 waits for ever.
        worker_init_fn: called in each worker with its number, before the first batch.
        multiprocessing_context: a context or start method other than fork.
        generator: decides order and seeds.
        prefetch_factor: batches that each worker is ahead; 2 if not given.
        persistent_workers: keep the workers from one pass to the next.
        pin_memory_device: accepted.
        in_order: accepted; batches always come in order.
        prefetch_to_device: a device that batches are sent to, two ahead of the one in use.

    Raises:
        ValueError: options are out of range or exclude each other.

    Example:
        >>> import fxtorch as torch
        >>> from fxtorch.utils.data import DataLoader, TensorDataset
        >>> data = TensorDataset(torch.arange(5), torch.arange(5.0) / 2)
        >>> for x, y in DataLoader(data, batch_size=2):
        ...     print(x, y)
        tensor([0, 1]) tensor([0.0000, 0.5000])
        tensor([2, 3]) tensor([1.0000, 1.5000])
        tensor([4]) tensor([2.])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        prefetch_to_device: str | device | None = None,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        stream = isinstance(dataset, IterableDataset)
        if stream:
            _check_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if stream:
                sampler = _Endless()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor if prefetch_factor is not None or num_workers == 0 else 2
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.prefetch_to_device = prefetch_to_device
        self._workers: Workers | None = None
        self._fixed = True

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; those that decided how batches are made stay.

        Raises:
            ValueError: it is one of them.
        """
        if name in _DECIDED and self.__dict__.get("_fixed", False):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> _BaseDataLoaderIter:
        base_seed = int(host_rng(self.generator).integers(2**62))
        indices = self.sampler if self.batch_sampler is None else self.batch_sampler
        batches = self._fetched_here(indices) if self.num_workers == 0 else self._fetched_by_workers(indices, base_seed)
        if self.prefetch_to_device is not None:
            batches = _ahead(batches, self.prefetch_to_device)
        kind = _MultiProcessingDataLoaderIter if self.num_workers else _SingleProcessDataLoaderIter
        return kind(self, batches)

    def __len__(self) -> int:
        """The number of batches.

        Raises:
            TypeError: the dataset, or the sampler, has no length.
        """
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def _fetched_here(self, indices: Iterable[Any]) -> Iterator[Any]:
        batched = self.batch_sampler is not None
        fetch = Fetcher(self.dataset, self.collate_fn, batched, self.drop_last, to_tensor)
        for index in indices:
            try:
                batch = fetch(index)
            except Exhausted:
                return
            yield batch

    def _fetched_by_workers(self, indices: Iterable[Any], base_seed: int) -> Iterator[Any]:
        workers = self._workers or Workers(self._job, self.num_workers, self.multiprocessing_context, self.timeout)
        self._workers = workers if self.persistent_workers else None
        done = False
        try:
            yield from workers.run(indices, base_seed, self.prefetch_factor or 2)
            done = True
        finally:
            if not self.persistent_workers:
                workers.close()
            elif not done and not workers.close.alive:
                self._workers = None

    def _job(self, worker: int) -> Job:
        return Job(
            self.dataset,
            self.collate_fn,
            self.batch_sampler is not None,
            self.drop_last,
            self.worker_init_fn,
            worker,
            self.num_workers,
        )


class _BaseDataLoaderIter(Iterator[Any]):
    """One pass over the batches; it knows how many a whole pass has."""

    def __init__(self, loader: DataLoader, batches: Iterator[Any]) -> None:
        self._loader = loader
        self._batches = batches

    def __next__(self) -> Any:
        return next(self._batches)

    def __len__(self) -> int:
        return len(self._loader)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """One whose batches are fetched here."""


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """One whose batches come from worker processes."""


class _Endless:
    """What stands for the indices of a stream."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


def _ahead(batches: Iterator[Any], where: str | device) -> Iterator[Any]:
    """The batches on a device; transfers run while earlier batches are in use."""
    queue: deque[Any] = deque()
    while True:
        for batch in itertools.islice(batches, _AHEAD_ON_DEVICE + 1 - len(queue)):
            queue.append(map_tensors(lambda t: t.to(where), batch))
        if not queue:
            return
        yield queue.popleft()


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    if shuffle not in (None, False):
        raise ValueError(f"DataLoader with IterableDataset: expected unspecified shuffle option, but got {shuffle=}")
    for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )
