"""Datasets and how they are put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return index * index


class Stream(IterableDataset):
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def test_tensor_dataset_gives_rows():
    data = TensorDataset(torch.arange(6).reshape(3, 2), torch.tensor([7, 8, 9]))
    x, y = data[2]
    assert (len(data), x.tolist(), y.item()) == (3, [4, 5], 9)


def test_tensor_dataset_fetches_a_batch_with_one_gather():
    data = TensorDataset(torch.arange(6).reshape(3, 2), torch.tensor([7.0, 8.0, 9.0]))
    batch = data.__getitems__([2, 0])
    assert [a.tolist() for a in batch.arrays] == [[[4, 5], [0, 1]], [9.0, 7.0]]
    assert len(batch) == 2
    assert [part.tolist() for part in batch[1]] == [[0, 1], 7.0]


def test_tensor_dataset_sees_a_change_of_its_tensor():
    x = torch.zeros(3)
    data = TensorDataset(x)
    x.fill_(2.0)
    assert data.__getitems__([1]).arrays[0].tolist() == [2.0]


def test_tensor_dataset_refuses_different_lengths():
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(torch.zeros(3), torch.zeros(2))


def test_concat_counts_through_its_parts_and_from_the_end():
    data = Squares(3) + Squares(2)
    assert isinstance(data, ConcatDataset)
    assert [data[i] for i in range(len(data))] == [0, 1, 4, 0, 1]
    assert data[-1] == 1
    with pytest.raises(IndexError):
        data[5]
    with pytest.raises(ValueError, match="absolute value of index"):
        data[-6]


def test_chain_goes_through_streams():
    data = Stream(1, 2) + Stream(3)
    assert isinstance(data, ChainDataset)
    assert list(data) == [1, 2, 3]
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([[1]]))


def test_stack_gives_tuples_and_dicts():
    assert StackDataset(Squares(3), [5, 6, 7])[2] == (4, 7)
    assert StackDataset(a=Squares(3), b=[5, 6, 7])[1] == {"a": 1, "b": 6}
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        StackDataset(Squares(3), [1])


def test_subset_of_a_tensor_dataset_fetches_batches_too():
    data = Subset(TensorDataset(torch.arange(10)), [9, 5, 3])
    batch: Any = data.__getitems__([0, 2])
    assert batch.arrays[0].tolist() == [9, 3]
    assert data[1][0].item() == 5
    assert Subset(Squares(4), [3, 1]).__getitems__([1, 0]) == [1, 9]


def test_random_split_shares_nothing_and_obeys_its_generator():
    def split(seed):
        parts = random_split(range(10), [0.5, 0.3, 0.2], torch.Generator().manual_seed(seed))
        return [[part[i] for i in range(len(part))] for part in parts]

    parts = split(1)
    assert sorted([i for part in parts for i in part]) == list(range(10))
    assert [len(p) for p in parts] == [5, 3, 2]
    assert split(1) == parts != split(2)


def test_random_split_warns_of_an_empty_part():
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(1), [0.5, 0.5])
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(range(3), [1, 1])


def test_a_batch_from_numpy_keeps_its_type():
    data = TensorDataset(torch.tensor(np.array([1, 2], np.int16)))
    assert data.__getitems__([0]).arrays[0].dtype == np.int16
