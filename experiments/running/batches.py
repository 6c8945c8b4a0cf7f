"""Whole batches of NumPy arrays, drawn by index: a million small ``__getitem__`` calls cost more than training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import fxtorch as torch
from fxtorch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler


class ArrayDataset(Dataset):
    """Arrays of equal length; an index may be a list, which yields a batch.

    Args:
        arrays: what an example consists of.
        transform: applied to a batch of arrays after drawing it, for instance to augment pictures.
    """

    def __init__(self, *arrays: np.ndarray, transform: Callable[..., tuple[np.ndarray, ...]] | None = None) -> None:
        self.arrays = arrays
        self.transform = transform

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Sequence[int]) -> tuple[np.ndarray, ...]:
        drawn = tuple(array[index] for array in self.arrays)
        return drawn if self.transform is None else self.transform(*drawn)


def shuffled(data: Any, batch_size: int, seed: int, epoch: int) -> DataLoader:
    """Batches of equal size in an order that depends on nothing but ``seed`` and ``epoch``."""
    order = torch.Generator()
    order.manual_seed(1_000_003 * seed + epoch)
    batch_size = min(batch_size, len(data))
    sampler = BatchSampler(RandomSampler(data, generator=order), batch_size, drop_last=True)
    return DataLoader(data, batch_size=None, sampler=sampler)


def in_order(data: Any, batch_size: int) -> DataLoader:
    """All batches, the last perhaps smaller."""
    return DataLoader(data, batch_size=None, sampler=BatchSampler(SequentialSampler(data), batch_size, drop_last=False))
