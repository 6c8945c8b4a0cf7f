"""Getting one batch out of a dataset: the part of loading that runs in workers too."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from fxtorch.utils.data.collate import Leaf, collate, default_collate
from fxtorch.utils.data.dataset import IterableDataset


class Exhausted(Exception):
    """A stream has no more samples."""


class Fetcher:
    """Fetches the batch of given indices, or the next one of a stream.

    Args:
        dataset: by index, or a stream.
        collate_fn: from samples to a batch.
        batched: whether an index stands for a batch or for one sample.
        drop_last: leave out a last, shorter batch of a stream.
        leaf: what :func:`default_collate` makes of its arrays.
    """

    def __init__(
        self, dataset: Any, collate_fn: Callable[[Any], Any], batched: bool, drop_last: bool, leaf: Leaf
    ) -> None:
        self._dataset = dataset
        self._collate = (lambda batch: collate(batch, leaf)) if collate_fn is default_collate else collate_fn
        self._batched = batched
        self._drop_last = drop_last
        self._stream: Iterator[Any] | None = iter(dataset) if isinstance(dataset, IterableDataset) else None

    def __call__(self, index: Any) -> Any:
        """The batch at ``index``; of a stream, as many samples as ``index`` has.

        Raises:
            Exhausted: the stream is over.
        """
        if self._stream is not None:
            return self._collate(self._next(index))
        if not self._batched:
            return self._collate(self._dataset[index])
        if callable(getattr(self._dataset, "__getitems__", None)):
            return self._collate(self._dataset.__getitems__(index))
        return self._collate([self._dataset[i] for i in index])

    def _next(self, index: Any) -> Any:
        assert self._stream is not None
        if not self._batched:
            for sample in self._stream:
                return sample
            raise Exhausted
        samples = list(itertools.islice(self._stream, len(index)))
        if not samples or (self._drop_last and len(samples) < len(index)):
            raise Exhausted
        return samples
