"""DataLoader in one process and in several."""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np
import pytest

import fxtorch as torch
from fxtorch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info


class Draws(Dataset):
    """Samples that tell who made them, and with which random number."""

    def __len__(self):
        return 11

    def __getitem__(self, index):
        info = get_worker_info()
        return index, -1 if info is None else info.id, np.random.rand(), os.environ.get("JAX_PLATFORMS", "")


class Shards(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        yield from range(10) if info is None else range(info.id, 10, info.num_workers)


class Broken(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 3:
            raise KeyError("no sample three")
        if index == 5:
            os._exit(7)
        return index


def note_worker(worker):
    np.random.seed(worker)


def keep_platforms(samples):
    return [np.array([s[:3] for s in samples]), {s[3] for s in samples}]


def test_batches_come_in_order_and_the_last_is_shorter():
    data = TensorDataset(torch.arange(5), torch.arange(5.0))
    batches = list(DataLoader(data, batch_size=2))
    assert [x.tolist() for x, _ in batches] == [[0, 1], [2, 3], [4]]
    assert batches[0][1].dtype == torch.float32
    assert [len(x) for x, _ in DataLoader(data, batch_size=2, drop_last=True)] == [2, 2]


def test_lengths():
    data = TensorDataset(torch.arange(5))
    assert [len(DataLoader(data, batch_size=b, drop_last=d)) for b, d in ((2, False), (2, True), (None, False))] == [
        3,
        2,
        5,
    ]
    with pytest.raises(TypeError):
        len(DataLoader(Shards(), batch_size=2))


def test_a_seed_decides_the_order_and_each_pass_has_another():
    def passes(seed):
        loader = DataLoader(range(12), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(seed))
        return [[x.tolist() for x in loader] for _ in range(2)]

    first, second = passes(0)
    assert sorted([i for part in first for i in part]) == list(range(12))
    assert first != second
    assert passes(0) == [first, second] != passes(1)


def test_without_batching_samples_are_only_converted():
    samples = list(DataLoader(TensorDataset(torch.arange(2)), batch_size=None))
    assert [s[0].item() for s in samples] == [0, 1]
    assert [x.item() for x in DataLoader([np.int64(3)], batch_size=None)] == [3]


def test_a_stream_is_batched():
    assert [x.tolist() for x in DataLoader(Shards(), batch_size=4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [x.tolist() for x in DataLoader(Shards(), batch_size=4, drop_last=True)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert list(DataLoader(Shards(), batch_size=None)) == list(range(10))


def test_own_samplers_and_collate():
    loader = DataLoader(range(10), batch_sampler=[[1, 2], [5]], collate_fn=tuple)
    assert list(loader) == [(1, 2), (5,)]
    assert [x.tolist() for x in DataLoader(range(10), batch_size=2, sampler=[9, 0, 4])] == [[9, 0], [4]]


def test_batches_are_sent_ahead_to_a_device():
    asked = []

    class Noted(Dataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            asked.append(index)
            return float(index)

    batches = iter(DataLoader(Noted(), batch_size=2, prefetch_to_device="cpu"))
    assert next(batches).tolist() == [0.0, 1.0]
    assert asked == [0, 1, 2, 3, 4, 5]
    assert [b.tolist() for b in batches] == [[2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]


def test_a_batch_meets_compiled_code_without_a_copy_of_the_dataset():
    data = TensorDataset(torch.arange(8.0))
    (x,) = next(iter(DataLoader(data, batch_size=4)))
    assert float(jax.jit(lambda a: a.sum())(x)) == 6.0


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"batch_size": 0},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"sampler": [0], "shuffle": True},
        {"batch_size": None, "drop_last": True},
        {"num_workers": 1, "multiprocessing_context": "fork"},
    ],
    ids=str,
)
def test_options_that_exclude_each_other(options: dict[str, Any]):
    with pytest.raises(ValueError):
        list(DataLoader(range(3), **options))


def test_a_stream_takes_no_order():
    orders: list[dict[str, Any]] = [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}]
    for options in orders:
        with pytest.raises(ValueError, match="DataLoader with IterableDataset"):
            DataLoader(Shards(), **options)


def test_workers_give_the_same_order_and_their_own_random_numbers():
    def loader(workers, **more):
        generator = torch.Generator().manual_seed(0)
        options = {"shuffle": True, "generator": generator, "num_workers": workers, "collate_fn": keep_platforms}
        return DataLoader(Draws(), batch_size=3, **options, **more)

    alone = [batch[0][:, 0].tolist() for batch in loader(0)]
    several = loader(2, persistent_workers=True)
    first = list(several)
    assert [batch[0][:, 0].tolist() for batch in first] == alone
    assert [batch[0][0, 1] for batch in first] == [0, 1, 0, 1]
    assert all(platforms == {"cpu"} for _, platforms in first)
    draws = [tuple(batch[0][:, 2]) for batch in first]
    assert len({d for batch in draws for d in batch}) == 11
    next(iter(several))  # a pass that is left early does not disturb the next
    third = list(several)
    assert sorted(i for batch, _ in third for i in batch[:, 0]) == list(range(11))
    assert [tuple(batch[:, 2]) for batch, _ in third] != draws


def test_streams_are_shared_out_to_workers():
    batches = DataLoader(Shards(), batch_size=2, num_workers=2, worker_init_fn=note_worker, prefetch_factor=1)
    assert [x.tolist() for x in batches] == [[0, 2], [1, 3], [4, 6], [5, 7], [8], [9]]


def test_an_exception_in_a_worker_comes_with_its_trace_and_a_death_with_its_code():
    loader = DataLoader(Broken(), batch_size=1, num_workers=1, persistent_workers=True)
    seen = []
    with pytest.raises(KeyError) as error:
        for batch in loader:
            seen.append(batch.item())
    assert seen == [0, 1, 2]
    assert "Caught KeyError in DataLoader worker process 0" in str(error.value)
    assert "in __getitem__" in str(error.value)
    with pytest.raises(RuntimeError, match="exited unexpectedly with exit code 7"):
        list(DataLoader(Broken(), sampler=[0, 5], num_workers=1, timeout=60))


def test_a_pass_knows_how_many_batches_it_has():
    loader = DataLoader(list(range(5)), batch_size=2)
    batches = iter(loader)
    assert len(batches) == len(loader) == 3
    assert next(batches).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset"])
def test_what_decided_the_batches_cannot_be_changed_later(name: str) -> None:
    loader = DataLoader([1, 2, 3])
    with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
        setattr(loader, name, 2)
    loader.collate_fn = list  # type: ignore[assignment]
    assert list(loader) == [[1], [2], [3]]
