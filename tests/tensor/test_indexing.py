"""x[index] and x[index] = value against NumPy, on random indexes.

torch differs from NumPy in one point, which :func:`parts` accounts for: numbers, slices and new dimensions apply first,
as a view, and arrays then index that view.
"""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import fxtorch as torch

SHAPE = (3, 4, 2)
X = np.arange(24, dtype=np.float32).reshape(SHAPE)

Items = list[Any]


def taken(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype == bool else 1


def parts(items: Items) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The index of the view, and the index into the view, both for NumPy."""
    basic: list[Any] = []
    arrays: list[Any] = []
    spare = len(SHAPE) - sum(map(taken, items))
    for item in items:
        if item is Ellipsis:
            basic += [slice(None)] * spare
            arrays += [slice(None)] * spare
        elif isinstance(item, np.ndarray):
            basic += [slice(None)] * taken(item)
            arrays.append(item)
        else:
            basic.append(item)
            arrays += [] if isinstance(item, int) else [slice(None)]
    return tuple(basic), tuple(arrays)


def ours(items: Items) -> Any:
    index = tuple(torch.from_numpy(i) if isinstance(i, np.ndarray) else i for i in items)
    return index[0] if len(index) == 1 else index


def slices(size: int) -> st.SearchStrategy[slice]:
    bound = st.none() | st.integers(-size - 1, size + 1)
    return st.builds(slice, bound, bound, st.none() | st.integers(1, 3))


@st.composite
def basic_items(draw: Any) -> Items:
    items: Items = []
    for size in SHAPE[: draw(st.integers(0, 3))]:
        if draw(st.integers(0, 4)) == 0:
            items.append(None)
        items.append(draw(st.integers(-size, size - 1) | slices(size)))
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), Ellipsis)
        inside = items.index(Ellipsis)
        after = [i for i in items[inside + 1 :] if i is not None]
        for back, item in enumerate(reversed(after), 1):  # what follows the ellipsis counts from the end
            if isinstance(item, int):
                at = len(items) - 1 - items[::-1].index(item)
                items[at] = item % SHAPE[-back]
    return items


@st.composite
def array_items(draw: Any, *, distinct: bool = False) -> Items:
    """An index with one or two integer arrays among slices and numbers."""
    length = draw(st.integers(1, 2))
    kinds = draw(st.permutations(["array", draw(st.sampled_from(["array", "slice", "int"])), "slice"]))
    items: Items = []
    for size, kind in zip(SHAPE, kinds, strict=True):
        if kind == "array":
            place = st.integers(-size, size - 1)
            found = draw(st.lists(place, min_size=length, max_size=length, unique_by=lambda i, n=size: i % n))
            shape = (-1, 1) if not distinct and draw(st.booleans()) else (-1,)
            items.append(np.array(found).reshape(shape))
        else:
            items.append(draw(st.integers(-size, size - 1) if kind == "int" else slices(size)))
    return items


@st.composite
def mask_items(draw: Any) -> Items:
    """An index with one boolean mask of one to three dimensions."""
    lead = draw(st.integers(0, 2))
    ndim = draw(st.integers(1, 3 - lead))
    shape = SHAPE[lead : lead + ndim]
    flat = draw(st.lists(st.booleans(), min_size=math.prod(shape), max_size=math.prod(shape)))
    before = [draw(slices(n) | st.integers(0, n - 1)) for n in SHAPE[:lead]]
    return [*before, np.array(flat).reshape(shape)]


ANY = basic_items() | array_items() | mask_items()


@given(ANY)
def test_reading_is_numpys(items: Items) -> None:
    basic, arrays = parts(items)
    np.testing.assert_array_equal(torch.from_numpy(X.copy())[ours(items)].numpy(), X[basic][arrays])


@given(basic_items() | array_items(distinct=True) | mask_items(), st.data())
def test_writing_is_numpys_with_values_that_broadcast(items: Items, data: Any) -> None:
    basic, arrays = parts(items)
    expected = X.copy()
    region = expected[basic][arrays].shape
    shape = tuple(1 if data.draw(st.integers(0, 3)) == 0 else n for n in region)
    shape = shape[data.draw(st.integers(0, len(shape))) :]
    value = -1 - np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    view = expected[basic] if basic else expected
    if arrays or view.ndim:
        view[arrays] = value
    else:
        expected[basic] = value
    x = torch.from_numpy(X.copy())
    x[ours(items)] = torch.from_numpy(value) if value.ndim else float(value)
    np.testing.assert_array_equal(x.numpy(), expected)


@given(ANY)
def test_the_gradient_of_reading_is_its_transpose(items: Items) -> None:
    basic, arrays = parts(items)
    x = torch.from_numpy(X.copy()).requires_grad_()
    y = x[ours(items)]
    rng = np.random.default_rng(0)
    ct = rng.standard_normal(y.shape).astype(np.float32)
    y.backward(torch.from_numpy(ct) if ct.ndim else torch.tensor(ct))
    v = rng.standard_normal(SHAPE).astype(np.float32)
    np.testing.assert_allclose((x.grad.numpy() * v).sum(), (ct * v[basic][arrays]).sum(), rtol=1e-4, atol=1e-5)


def test_gradients_of_writing_reach_the_value_and_spare_what_was_replaced() -> None:
    x = torch.ones(3, requires_grad=True)
    v = torch.tensor(2.0, requires_grad=True)
    y = x * 3
    y[torch.tensor([True, False, True])] = v
    y.sum().backward()
    assert x.grad.tolist() == [0, 3, 0]
    assert v.grad.item() == 2


def test_a_mask_writes_one_row_for_each_true_element_under_jit() -> None:
    def write(x: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[mask] = rows
        return x

    x, mask = torch.zeros(4, 2), torch.tensor([True, False, True, False])
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = [[1, 2], [0, 0], [3, 4], [0, 0]]
    assert write(x, mask, rows).tolist() == expected
    assert torch.jit(write)(x, mask, rows).tolist() == expected


def test_reading_through_a_mask_under_a_trace_names_the_way_out() -> None:
    import jax

    with pytest.raises(RuntimeError, match=r"torch\.where"):
        jax.jit(lambda x, m: x[m])(torch.ones(3), torch.tensor([True, False, True]))


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([0, 2], [[0, 1], [4, 5]]),
        (range(1, 3), [[2, 3], [4, 5]]),
        (np.int64(1), [2, 3]),
        (np.array([2, 0]), [[4, 5], [0, 1]]),
        ([], []),
        (True, [[[0, 1], [2, 3], [4, 5]]]),
        (False, []),
        (([0, 1], 1), [1, 3]),
        ([True, False, True], [[0, 1], [4, 5]]),
    ],
)
def test_indexes_that_are_no_tensors(index: Any, expected: Any) -> None:
    assert torch.arange(6).view(3, 2)[index].tolist() == expected


def test_a_zero_dimensional_tensor_is_a_position() -> None:
    x = torch.arange(6).view(3, 2)
    assert x[torch.tensor(-1)].tolist() == [4, 5]
    x[torch.tensor(1)] = 9
    assert x.tolist() == [[0, 1], [9, 9], [4, 5]]


def test_bytes_count_as_a_mask() -> None:
    with pytest.warns(UserWarning, match="uint8 is now deprecated"):
        assert torch.arange(3)[torch.tensor([1, 0, 1], dtype=torch.uint8)].tolist() == [0, 2]


def test_a_position_that_changes_compiles_once() -> None:
    from fxtorch.tensor.dispatch import operator

    x = torch.arange(50.0)
    for i in range(3):
        _ = x[i], x[i : i + 5]
    records: dict[Any, Any] = operator("getitem").records

    def programs() -> dict[Any, int]:  # those that never ran without gradients are not compiled
        return {key: getattr(record.plain.outermost, "_cache_size", int)() for key, record in records.items()}

    before = programs()
    for i in range(3, 20):
        _ = x[i], x[i : i + 5]
    assert sum(before.values()) > 0 and programs() == before


@pytest.mark.parametrize(
    ("index", "error", "words"),
    [
        (5, IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        ((0, -5), IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
        ([0, 7], IndexError, "index 7 is out of bounds for dimension 0 with size 3"),
        ((slice(None), [4]), IndexError, "index 4 is out of bounds for dimension 1 with size 4"),
        ((0, 0, 0), IndexError, "too many indices for tensor of dimension 2"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        (1.5, IndexError, "only integers, slices"),
        ([0.5], IndexError, "must be long, int, byte or bool"),
        ([True, False], IndexError, r"The shape of the mask \[2\] at index 0 does not match"),
        (([0, 1], [0, 1, 2]), IndexError, r"could not be broadcast together with shapes \[2\], \[3\]"),
    ],
)
def test_wrong_indexes_raise_torchs_error(index: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        torch.zeros(3, 4)[index]


@pytest.mark.parametrize(
    ("index", "value", "words"),
    [
        (0, (5,), r"expanded size of the tensor \(4\) must match the existing size \(5\)"),
        ([0, 1], (5,), r"value tensor of shape \[5\] cannot be broadcast to indexing result of shape \[2, 4\]"),
        ([True, False, True], (3, 4), r"shape \[3, 4\] cannot be broadcast to indexing result of shape \[2, 4\]"),
    ],
)
def test_values_that_do_not_broadcast_raise_torchs_error(index: Any, value: Any, words: str) -> None:
    x = torch.zeros(3, 4)
    with pytest.raises(RuntimeError, match=words):
        x[index] = torch.ones(value)
    assert not x.any()


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_index_reduce_reduces_the_rows_that_share_a_place(reduce: str, include_self: bool) -> None:
    x, rows = np.array([[2.0, 3.0], [5.0, 7.0]]), np.array([[4.0, 1.0], [0.5, 6.0]])
    stack = np.stack([x[1], *rows] if include_self else [*rows])
    expected = {"prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}[reduce](stack, axis=0)
    out = torch.tensor(x).index_reduce(0, torch.tensor([1, 1]), torch.tensor(rows), reduce, include_self=include_self)
    np.testing.assert_allclose(out.numpy(), [x[0], expected])


@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_ties_of_a_reduced_place_share_its_gradient_with_the_old_value_as_in_pytorch(reduce: str) -> None:
    old, x = torch.tensor([0.0, 2.0], requires_grad=True), torch.zeros(3, requires_grad=True)
    index = torch.tensor([0, 0, 1])
    old.scatter_reduce(0, index, x, reduce, include_self=False).sum().backward()
    assert x.grad is not None and old.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), np.array([1 / 3, 1 / 3, 1.0]), rtol=1e-6)
    assert old.grad.tolist() == [0.0, 0.0]
