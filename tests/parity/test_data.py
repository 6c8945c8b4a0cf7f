"""Data loading against PyTorch: the same batches, the same types, the same refusals."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests compare with PyTorch")

import torch.utils.data as theirs  # noqa: E402

import fxtorch  # noqa: E402
import fxtorch.utils.data as ours  # noqa: E402

Pair = namedtuple("Pair", "x y")


def plain(value: Any) -> Any:
    """A batch as types and numbers that compare."""
    if isinstance(value, torch.Tensor):
        return "tensor", str(value.dtype), value.tolist()
    if isinstance(value, fxtorch.Tensor):
        return "tensor", repr(value.dtype), value.tolist()
    if isinstance(value, dict):
        return type(value), {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [plain(v) for v in value]
    return value


SAMPLES: dict[str, Any] = {
    "integers": lambda lib: [1, 2],
    "floats": lambda lib: [1.5, 2.0],
    "bools": lambda lib: [True, False],
    "numpy scalars": lambda lib: [np.float32(1), np.float32(2)],
    "0-dim arrays": lambda lib: [np.array(1, np.int16), np.array(2, np.int16)],
    "arrays": lambda lib: [np.ones((2, 3), np.float16), np.zeros((2, 3), np.float16)],
    "tensors": lambda lib: [lib.tensor([1, 2]), lib.tensor([3, 4])],
    "text": lambda lib: ["a", "b"],
    "bytes": lambda lib: [b"a", b"b"],
    "dicts": lambda lib: [{"a": 1, "b": [1.0, "x"]}, {"a": 2, "b": [2.0, "y"]}],
    "ordered dicts": lambda lib: [OrderedDict(a=1), OrderedDict(a=2)],
    "tuples": lambda lib: [(1, lib.tensor(1.0)), (2, lib.tensor(2.0))],
    "lists": lambda lib: [[1, 2], [3, 4]],
    "named tuples": lambda lib: [Pair(1, "u"), Pair(2, "v")],
    "nested": lambda lib: [((1, 2), {"k": Pair(np.ones(2), None or 0)})] * 3,
    "ragged lists": lambda lib: [[1], [1, 2]],
    "ragged arrays": lambda lib: [np.ones(2), np.ones(3)],
    "None": lambda lib: [None],
    "objects": lambda lib: [object()],
    "text arrays": lambda lib: [np.array(["a"])],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_collated_as_torch_does(name):
    try:
        wanted = theirs.default_collate(SAMPLES[name](torch))
    except (TypeError, RuntimeError) as error:
        with pytest.raises(type(error)) as raised:
            ours.default_collate(SAMPLES[name](fxtorch))
        assert str(raised.value) == str(error)
        return
    assert plain(ours.default_collate(SAMPLES[name](fxtorch))) == plain(wanted)


@pytest.mark.parametrize(
    "name", ["integers", "numpy scalars", "arrays", "tensors", "text", "dicts", "tuples", "lists", "named tuples"]
)
def test_samples_are_converted_as_torch_does(name):
    assert plain(ours.default_convert(SAMPLES[name](fxtorch))) == plain(theirs.default_convert(SAMPLES[name](torch)))


def squares(lib: Any, data: Any) -> Any:
    return data.TensorDataset(lib.arange(7) ** 2, lib.arange(14.0).reshape(7, 2))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"batch_size": 3},
    {"batch_size": 3, "drop_last": True},
    {"batch_size": None},
    {"batch_size": 2, "sampler": [6, 0, 3]},
    {"batch_sampler": [[1, 2], [5]]},
    {"batch_size": None, "sampler": [2, 1]},
    {"batch_size": 4, "collate_fn": len},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_loader_gives_torchs_batches(options):
    wanted = theirs.DataLoader(squares(torch, theirs), **options)
    got = ours.DataLoader(squares(fxtorch, ours), **options)
    assert [plain(b) for b in got] == [plain(b) for b in wanted]
    assert len(got) == len(wanted)


BAD: list[dict[str, Any]] = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"prefetch_factor": -1, "num_workers": 1},
    {"persistent_workers": True},
    {"batch_size": 0},
    {"batch_sampler": [[0]], "shuffle": True},
    {"batch_sampler": [[0]], "batch_size": 2},
    {"sampler": [0], "shuffle": True},
    {"batch_size": None, "drop_last": True},
]


@pytest.mark.parametrize("options", BAD, ids=str)
def test_wrong_options_raise_torchs_words(options):
    with pytest.raises(ValueError) as wanted:
        theirs.DataLoader(squares(torch, theirs), **options)
    with pytest.raises(ValueError) as got:
        ours.DataLoader(squares(fxtorch, ours), **options)
    assert str(got.value) == str(wanted.value)


MADE: dict[str, Any] = {
    "tensors of two lengths": lambda lib, d: d.TensorDataset(lib.zeros(2), lib.zeros(3)),
    "a split that is too long": lambda lib, d: d.random_split(range(3), [2, 2]),
    "fractions beyond 1": lambda lib, d: d.random_split(range(3), [1.5, -0.5]),
    "nothing to concatenate": lambda lib, d: d.ConcatDataset([]),
    "nothing to stack": lambda lib, d: d.StackDataset(),
    "a stack of two lengths": lambda lib, d: d.StackDataset([1], [1, 2]),
    "no samples": lambda lib, d: d.RandomSampler([]),
    "a wrong replacement": lambda lib, d: d.RandomSampler([1], replacement=1),
    "weights of two dimensions": lambda lib, d: d.WeightedRandomSampler([[1.0]], 1),
    "a wrong drop_last": lambda lib, d: d.BatchSampler([1], 1, 3),
    "an index before the first": lambda lib, d: d.ConcatDataset([[1]])[-2],
}


@pytest.mark.parametrize("name", MADE)
def test_wrong_datasets_and_samplers_raise_torchs_words(name):
    with pytest.raises((ValueError, TypeError, AssertionError)) as wanted:
        MADE[name](torch, theirs)
    with pytest.raises(wanted.type) as got:
        MADE[name](fxtorch, ours)
    assert str(got.value) == str(wanted.value)
