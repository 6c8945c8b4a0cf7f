"""Samplers: what they visit, how often, and that a seed decides the order."""

from __future__ import annotations

import pytest

import fxtorch as torch
from fxtorch.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_sequential_is_in_order():
    assert list(SequentialSampler("abc")) == [0, 1, 2]


def test_random_visits_each_once_in_another_order_at_each_pass():
    sampler = RandomSampler(range(20), generator=seeded())
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert list(RandomSampler(range(20), generator=seeded())) == first


def test_random_without_a_generator_obeys_manual_seed():
    torch.manual_seed(4)
    first = list(RandomSampler(range(20)))
    torch.manual_seed(4)
    assert list(RandomSampler(range(20))) == first


def test_random_can_go_round_more_than_once():
    drawn = list(RandomSampler(range(4), num_samples=10, generator=seeded()))
    assert len(drawn) == 10
    assert sorted(drawn[:4]) == sorted(drawn[4:8]) == [0, 1, 2, 3]


def test_random_with_replacement_repeats():
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=50, generator=seeded()))
    assert len(drawn) == 50
    assert set(drawn) == set(range(5))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"num_samples": 0}, ValueError),
        ({"num_samples": True}, ValueError),
        ({"replacement": 1}, TypeError),
    ],
    ids=str,
)
def test_random_refuses(options, error):
    with pytest.raises(error):
        RandomSampler(range(3), **options)


def test_subset_random_permutes_its_indices():
    assert sorted(SubsetRandomSampler([7, 3, 9], seeded())) == [3, 7, 9]


def test_weights_decide_how_often():
    drawn = list(WeightedRandomSampler([1.0, 0.0, 3.0], 4000, generator=seeded()))
    assert 1 not in drawn
    assert abs(drawn.count(2) / 4000 - 0.75) < 0.03


def test_weights_without_replacement():
    assert sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False, generator=seeded())) == [0, 1, 2]
    with pytest.raises(RuntimeError, match="cannot sample"):
        list(WeightedRandomSampler([1.0], 2, replacement=False))


def test_batches_and_their_number():
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert (len(BatchSampler(range(5), 2, True)), len(BatchSampler(range(5), 2, False))) == (2, 3)
    with pytest.raises(ValueError, match="batch_size should be a positive integer"):
        BatchSampler(range(5), 0, False)


@pytest.mark.parametrize("drop_last", [False, True])
def test_replicas_share_the_dataset_out(drop_last):
    parts = [list(DistributedSampler(range(11), 3, rank, drop_last=drop_last)) for rank in range(3)]
    assert {len(part) for part in parts} == {3 if drop_last else 4}
    together = [i for part in parts for i in part]
    assert len(set(together)) == (9 if drop_last else 11)


def test_an_epoch_gives_replicas_a_new_order():
    sampler = DistributedSampler(range(30), 2, 0)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
