"""``torch.utils.data`` against PyTorch's: one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same

Calls = dict[str, Callable[[Any], Any]]


class Squares:
    """A map-style data set of either library's Tensors."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        return i * i


def stream(t: Any, *values: int) -> Any:
    class Stream(t.utils.data.IterableDataset):
        def __iter__(self):
            return iter(values)

    return Stream()


DATA: Calls = {
    "ChainDataset": lambda t: (lambda d: [list(d), list(t.utils.data.DataLoader(d, batch_size=2))])(
        t.utils.data.ChainDataset([stream(t, 1, 2), stream(t, 3)])
    ),
    "IterableDataset added": lambda t: list(stream(t, 1) + stream(t, 2, 3)),
    "Subset": lambda t: (lambda s: [len(s), s[1], list(t.utils.data.DataLoader(s, batch_size=2)), s.indices])(
        t.utils.data.Subset(Squares(5), [4, 0, 2])
    ),
    "Sampler": lambda t: [
        isinstance(t.utils.data.SequentialSampler(Squares(2)), t.utils.data.Sampler),
        issubclass(t.utils.data.BatchSampler, t.utils.data.Sampler),
    ],
    "SequentialSampler": lambda t: [
        list(t.utils.data.SequentialSampler(Squares(4))),
        len(t.utils.data.SequentialSampler(Squares(4))),
    ],
    "SubsetRandomSampler": lambda t: (lambda s: [sorted(s), len(s)])(t.utils.data.SubsetRandomSampler([3, 1, 8])),
    "WeightedRandomSampler": lambda t: sorted(t.utils.data.WeightedRandomSampler([0.0, 1.0, 0.0], 3)),
    "BatchSampler": lambda t: [list(t.utils.data.BatchSampler(range(5), 2, drop)) for drop in (True, False)],
    "DistributedSampler": lambda t: [
        list(t.utils.data.DistributedSampler(Squares(5), num_replicas=2, rank=r, shuffle=False, drop_last=d))
        for r in (0, 1)
        for d in (True, False)
    ],
    "DistributedSampler, shuffled": lambda t: shuffled(t),
    "DistributedSampler of a wrong rank": lambda t: t.utils.data.DistributedSampler(Squares(5), 2, 2),
    "IterDataPipe": lambda t: (lambda p: [list(p), isinstance(p, t.utils.data.IterableDataset)])(pipe(t)),
    "MapDataPipe": lambda t: mapped(t),
    "DFIterDataPipe": lambda t: issubclass(t.utils.data.DFIterDataPipe, t.utils.data.IterDataPipe),
    "DataChunk": lambda t: (lambda c: [list(c), len(c), c.as_str()])(t.utils.data.DataChunk([1, 2])),
    "functional_datapipe": lambda t: functional(t),
    "determinism": lambda t: deterministic(t),
    "validation": lambda t: validated(t),
}


def shuffled(t: Any) -> Any:
    samplers = [t.utils.data.DistributedSampler(Squares(6), 2, r, seed=3) for r in (0, 1)]
    first = [list(s) for s in samplers]
    for s in samplers:
        s.set_epoch(1)
    second = [list(s) for s in samplers]
    return sorted(first[0] + first[1]), sorted(second[0] + second[1]), first != second


def pipe(t: Any) -> Any:
    class Numbers(t.utils.data.IterDataPipe):
        def __iter__(self):
            yield from (1, 2, 3)

    return Numbers()


def mapped(t: Any) -> Any:
    class Numbers(t.utils.data.MapDataPipe):
        def __getitem__(self, i):
            return i + 10

        def __len__(self):
            return 3

    numbers = Numbers()
    return numbers[1], len(numbers), isinstance(numbers, t.utils.data.Dataset)


def functional(t: Any) -> Any:
    name = f"doubled_{t.__name__}"

    @t.utils.data.functional_datapipe(name)
    class Doubler(t.utils.data.IterDataPipe):
        def __init__(self, source):
            self.source = source

        def __iter__(self):
            return (2 * x for x in self.source)

    return list(getattr(pipe(t), name)())


def deterministic(t: Any) -> Any:
    @t.utils.data.non_deterministic(lambda source: True)
    class Shuffled(t.utils.data.IterDataPipe):
        def __init__(self, source):
            self.source = source

        def __iter__(self):
            return iter(self.source)

    seen = list(Shuffled(pipe(t)))
    with t.utils.data.guaranteed_datapipes_determinism():
        try:
            Shuffled(pipe(t))
        except Exception as error:
            seen.append(type(error).__name__)
    return seen


def validated(t: Any) -> Any:
    class Typed(t.utils.data.IterDataPipe[int]):
        @t.utils.data.argument_validation
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            yield from range(self.n)

    with t.utils.data.runtime_validation_disabled():
        return list(Typed(3)), Typed.__name__, list(t.utils.data.runtime_validation(Typed.__iter__)(Typed(2)))


@pytest.mark.parametrize("name", DATA)
def test_data(name):
    assert_same(DATA[name])
