"""Data pipes: put together by methods, registered, read by a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import fxtorch as torch
from fxtorch.utils.data import (
    DataLoader,
    IterDataPipe,
    MapDataPipe,
    functional_datapipe,
    guaranteed_datapipes_determinism,
    non_deterministic,
)
from fxtorch.utils.data.datapipes import IterableWrapper


def test_pipes_are_put_together_by_methods() -> None:
    pipe: Any = IterableWrapper(range(10))
    assert list(pipe.map(lambda x: 2 * x).filter(lambda x: x % 3 == 0).batch(3)) == [[0, 6, 12], [18]]
    assert list(pipe.batch(4, drop_last=True).unbatch()) == list(range(8))
    assert list(pipe.zip(pipe.map(str)))[3] == (3, "3")
    assert list(pipe.concat(IterableWrapper([10]))) == list(range(11))


def test_shuffling_keeps_every_sample_and_follows_the_seed() -> None:
    def order() -> list[int]:
        torch.manual_seed(3)
        return list(IterableWrapper(range(20)).shuffle(buffer_size=5))

    assert sorted(order()) == list(range(20)) != order()
    assert order() == order()


def test_a_class_of_the_users_becomes_a_method() -> None:
    @functional_datapipe("twice_for_a_test")
    class Twice(IterDataPipe):
        def __init__(self, source: IterDataPipe) -> None:
            self.source = source

        def __iter__(self) -> Iterator[Any]:
            for x in self.source:
                yield x
                yield x

    assert list(IterableWrapper([1, 2]).twice_for_a_test()) == [1, 1, 2, 2]
    with pytest.raises(Exception, match="already taken"):
        functional_datapipe("twice_for_a_test")(Twice)
    with pytest.raises(TypeError, match="can only decorate"):
        functional_datapipe("other")(int)
    with pytest.raises(AttributeError, match="has no attribute"):
        _ = IterableWrapper([]).nothing


def test_a_loader_reads_them() -> None:
    class Squares(MapDataPipe):
        def __getitem__(self, index: int) -> int:
            return index * index

        def __len__(self) -> int:
            return 4

    assert [b.tolist() for b in DataLoader(Squares(), batch_size=2)] == [[0, 1], [4, 9]]
    assert [b.tolist() for b in DataLoader(IterableWrapper(range(3)), batch_size=2)] == [[0, 1], [2]]


def test_determinism_can_be_guaranteed() -> None:
    @non_deterministic
    class Anyhow(IterDataPipe):
        pass

    Anyhow()
    with guaranteed_datapipes_determinism(), pytest.raises(TypeError, match="non-deterministic"):
        Anyhow()
