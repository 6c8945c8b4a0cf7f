"""From samples to batches."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.utils.data import collate as collate_module
from fxtorch.utils.data import default_collate, default_convert

Pair = namedtuple("Pair", "x y")


@pytest.mark.parametrize(
    ("samples", "values", "dtype"),
    [
        ([1, 2], [1, 2], torch.int64),
        ([1.5, 2.0], [1.5, 2.0], torch.float64),
        ([True, False], [True, False], torch.bool),
        ([np.float32(1), np.float32(2)], [1.0, 2.0], torch.float32),
        ([np.ones(2, np.int16), np.zeros(2, np.int16)], [[1, 1], [0, 0]], torch.int16),
    ],
    ids=["integers", "floats", "bools", "numpy scalars", "arrays"],
)
def test_leaves_are_stacked_in_torchs_types(samples, values, dtype):
    batch = default_collate(samples)
    assert (batch.tolist(), batch.dtype) == (values, dtype)


def test_tensors_are_stacked():
    batch = default_collate([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
    assert (batch.tolist(), batch.dtype) == ([[1.0, 2.0], [3.0, 4.0]], torch.float32)


def test_a_stack_of_tensors_with_gradients_has_one():
    x = torch.ones(2, requires_grad=True)
    default_collate([x, 2 * x]).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_containers_are_collated_part_by_part():
    samples = [OrderedDict(a=1, b=Pair(np.ones(2), ["u", 1.0])), OrderedDict(a=2, b=Pair(np.zeros(2), ["v", 2.0]))]
    batch = default_collate(samples)
    assert type(batch) is OrderedDict
    assert type(batch["b"]) is Pair
    assert batch["a"].tolist() == [1, 2]
    assert batch["b"].x.shape == (2, 2)
    assert list(batch["b"].y[0]) == ["u", "v"]
    assert batch["b"].y[1].tolist() == [1.0, 2.0]


def test_tuples_become_lists_as_in_torch():
    assert isinstance(default_collate([(1, 2), (3, 4)]), list)


@pytest.mark.parametrize(
    ("samples", "error", "words"),
    [
        (
            [object()],
            TypeError,
            "batch must contain tensors, numpy arrays, numbers, dicts or lists; found <class 'object'>",
        ),
        ([None], TypeError, "NoneType"),
        ([np.array(["a"])], TypeError, "found <U1"),
        ([[1], [1, 2]], RuntimeError, "equal size"),
    ],
    ids=["object", "None", "text array", "ragged"],
)
def test_what_cannot_be_collated_is_named(samples, error, words):
    with pytest.raises(error, match=words):
        default_collate(samples)


def test_shapes_that_differ_are_shown():
    with pytest.raises(RuntimeError, match=r"got \[2\] at entry 0 and \[3\] at entry 1"):
        default_collate([torch.ones(2), torch.ones(3)])


def test_convert_leaves_text_and_structure():
    converted = default_convert({"a": np.ones(2, np.float32), "b": ["x", np.int64(3)]})
    assert converted["a"].tolist() == [1.0, 1.0]
    assert converted["b"][0] == "x"
    assert converted["b"][1].item() == 3


def test_programs_may_add_how_their_own_classes_are_collated() -> None:
    class Word(str):
        pass

    collate_module.default_collate_fn_map[Word] = lambda batch, collate_fn_map: "".join(batch)
    try:
        assert torch.utils.data.default_collate([(Word("a"), 1), (Word("b"), 2)])[0] == "ab"
    finally:
        del collate_module.default_collate_fn_map[Word]
    assert collate_module.collate_tensor_fn([torch.ones(2), torch.zeros(2)]).tolist() == [[1.0, 1.0], [0.0, 0.0]]
