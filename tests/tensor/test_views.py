"""Views share memory with their base: chains of views against NumPy's own."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import fxtorch as torch

Step = tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]


def writable(a: np.ndarray) -> np.ndarray:
    a.flags.writeable = True  # np.diagonal's are not, to begin with
    return a


def windows(a: np.ndarray, dim: int, size: int) -> np.ndarray:
    count = a.shape[dim] // size
    shape = (*a.shape[:dim], count, *a.shape[dim + 1 :], size)
    strides = (*a.strides[:dim], a.strides[dim] * size, *a.strides[dim + 1 :], a.strides[dim])
    return np.lib.stride_tricks.as_strided(a, shape, strides)


@st.composite
def steps(draw: Any, a: np.ndarray) -> Step:
    """A view operator that suits ``a``, for fxtorch and for NumPy."""
    n = a.ndim
    plain: list[Step] = [
        (lambda x: x.unsqueeze(0), lambda x: x[None]),
        (lambda x: x[None, ...], lambda x: x[None, ...]),
        (lambda x: x.detach(), lambda x: x),
        (lambda x: x.view_as(x), lambda x: x),
    ]
    if n == 0:
        return draw(st.sampled_from(plain))
    d = draw(st.integers(0, n - 1))
    e = draw(st.integers(0, n - 1))
    size = a.shape[d]
    i = draw(st.integers(-size, size - 1))
    start = draw(st.integers(0, size - 1))
    every = draw(st.integers(1, 2))
    lead = (slice(None),) * d
    order = tuple(draw(st.permutations(range(n))))
    some: list[Step] = [
        (lambda x: x.select(d, i), lambda x: x[(*lead, i, ...)]),
        (lambda x: x[(*lead, i)], lambda x: x[(*lead, i, ...)]),
        (lambda x: x[(*lead, slice(start, None, every))], lambda x: x[(*lead, slice(start, None, every))]),
        (lambda x: x[..., None, :: every], lambda x: x[..., None, :: every]),
        (lambda x: x.narrow(d, start, size - start), lambda x: x[(*lead, slice(start, None))]),
        (lambda x: x.transpose(d, e), lambda x: x.swapaxes(d, e)),
        (lambda x: x.permute(order), lambda x: x.transpose(order)),
        (lambda x: x.movedim(d, e), lambda x: np.moveaxis(x, d, e)),
        (lambda x: x.unbind(d)[i], lambda x: x[(*lead, i, ...)]),
        (lambda x: x.chunk(2, d)[0], lambda x: x[(*lead, slice(0, -(-size // 2)))]),
        (lambda x: x.tensor_split(2, d)[-1], lambda x: np.array_split(x, 2, d)[-1]),
        (lambda x: x.split(1, d)[start], lambda x: x[(*lead, slice(start, start + 1))]),
        (lambda x: x.squeeze(), lambda x: x.squeeze()),
        (lambda x: x.unfold(d, min(2, size), min(2, size)), lambda x: windows(x, d, min(2, size))),
    ]  # fmt: skip
    if d != e:
        some.append((lambda x: x.diagonal(0, d, e), lambda x: writable(x.diagonal(0, d, e))))
    if n == 2:
        some.append((lambda x: x.t(), lambda x: x.T))
    if a.flags.c_contiguous:
        some += [
            (lambda x: x.view(-1), lambda x: x.reshape(-1)),
            (lambda x: x.flatten(), lambda x: x.reshape(-1)),
            (lambda x: x.unflatten(d, (-1, 1)), lambda x: x.reshape((*x.shape[:d], -1, 1, *x.shape[d + 1 :]))),
        ]
    return draw(st.sampled_from(plain + some))


@given(st.data())
def test_a_change_through_a_chain_of_views_reaches_all_of_it(data: Any) -> None:
    expected = [np.arange(24, dtype=np.float32).reshape(3, 4, 2).copy()]
    actual = [torch.from_numpy(expected[0].copy())]
    for _ in range(data.draw(st.integers(1, 3))):
        if expected[-1].size == 0:
            break
        ours, theirs = data.draw(steps(expected[-1]))
        actual.append(ours(actual[-1]))
        expected.append(theirs(expected[-1]))
    at = data.draw(st.integers(0, len(actual) - 1))
    change = data.draw(st.sampled_from(["add_", "mul_", "fill_", "copy_", "setitem"]))
    if change == "setitem":
        actual[at][...] = -1
        expected[at][...] = -1
    elif change == "copy_":
        new = -np.arange(expected[at].size, dtype=np.float32).reshape(expected[at].shape)
        actual[at].copy_(torch.tensor(new))
        expected[at][...] = new
    else:
        getattr(actual[at], change)(3)
        expected[at][...] = {"add_": expected[at] + 3, "mul_": expected[at] * 3, "fill_": 3.0}[change]
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), e)


@given(st.data())
def test_strides_are_those_of_the_same_view_in_numpy(data: Any) -> None:
    expected = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    actual = torch.from_numpy(expected.copy())
    for _ in range(data.draw(st.integers(1, 3))):
        if expected.size == 0:
            break
        ours, theirs = data.draw(steps(expected))
        actual, expected = ours(actual), theirs(expected)
    got = [s for s, n in zip(actual.stride(), expected.shape, strict=True) if n > 1]
    assert got == [s // 4 for s, n in zip(expected.strides, expected.shape, strict=True) if n > 1]


@given(st.data())
def test_gradients_flow_through_a_change_of_a_view(data: Any) -> None:
    """y = x * 1 changed through a view of it: what was replaced has no gradient, the rest has."""
    x = torch.ones(3, 4, 2, requires_grad=True)
    base = np.ones((3, 4, 2), dtype=np.float32)
    y = x * 1
    view, expected = y, base
    for _ in range(data.draw(st.integers(1, 2))):
        if expected.size == 0:
            break
        ours, theirs = data.draw(steps(expected))
        if ours(torch.zeros(expected.shape)).shape and "detach" in ours.__code__.co_names:
            continue
        view, expected = ours(view), theirs(expected)
    view.mul_(5)
    expected *= 5
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), base)


def test_an_expanded_tensor_cannot_be_written() -> None:
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        torch.zeros(1, 3).expand(2, 3).add_(1)


def test_view_refuses_what_reshape_copies() -> None:
    x = torch.arange(6.0).view(2, 3)
    with pytest.raises(RuntimeError, match=r"view size is not compatible .* Use \.reshape"):
        x.t().view(-1)
    copy = x.t().reshape(-1)
    copy.fill_(0)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    x.reshape(-1).fill_(7)
    assert x.tolist() == [[7, 7, 7], [7, 7, 7]]


@pytest.mark.parametrize("name", ["T", "mT", "H", "mH"])
def test_transposed_properties_are_views(name: str) -> None:
    x = torch.arange(6.0).view(2, 3)
    getattr(x, name)[0] = -1
    assert x.tolist() == [[-1, 1, 2], [-1, 4, 5]]


@pytest.mark.parametrize(("name", "words"), [("mT", "Got 1-D tensor"), ("H", "Got 1-D tensor"), ("mH", "Got 1-D")])
def test_transposed_properties_want_matrices(name: str, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        getattr(torch.zeros(3), name)


def test_bytes_can_be_viewed_as_another_type() -> None:
    x = torch.tensor([1.0, -2.0])
    assert x.view(torch.int32).tolist() == np.array([1, -2], np.float32).view(np.int32).tolist()
    assert x.view(torch.int16).shape == (4,)
    assert x.view(torch.uint8).view(torch.float32).tolist() == [1, -2]
    x.view(torch.int32).zero_()
    assert x.tolist() == [0, 0]


def test_squeeze_and_transpose_change_shape_in_place() -> None:
    x = torch.arange(6.0).view(1, 2, 3)
    assert x.squeeze_(0) is x
    assert x.shape == (2, 3)
    assert x.unsqueeze_(-1).shape == (2, 3, 1)
    assert x.squeeze_().t_().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert x.transpose_(0, 1).shape == (2, 3)


def test_a_view_that_changes_shape_in_place_stays_a_view() -> None:
    base = torch.zeros(2, 3)
    row = base[0]
    row.unsqueeze_(0).add_(1)
    assert base.tolist() == [[1, 1, 1], [0, 0, 0]]
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).unsqueeze_(0)
    (y * y).sum().backward()
    assert x.grad.tolist() == [8, 8, 8]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.unsqueeze_(0)


def test_an_expanded_view_can_be_reshaped() -> None:
    rows = torch.arange(6.0).reshape(2, 3).expand(4, 2, 3).reshape(-1, 3)
    assert rows.tolist() == [[0, 1, 2], [3, 4, 5]] * 4


def test_as_strided_of_a_view_reads_and_writes_the_memory_of_its_base() -> None:
    x = torch.arange(24.0).reshape(2, 3, 4)
    y = x.transpose(0, 1)
    assert y.as_strided((2, 2), y.stride()[:2]).tolist() == [[0.0, 12.0], [4.0, 16.0]]
    assert x[1].as_strided((2,), (3,)).tolist() == [12.0, 15.0]
    assert torch.as_strided(x[1], (2,), (3,), 1).tolist() == [1.0, 4.0], "an offset counts from the base's start"
    base = torch.zeros(2, 3)
    base.T.as_strided((2,), (3,)).fill_(5)
    assert base.tolist() == [[5.0, 0.0, 0.0], [5.0, 0.0, 0.0]]


def test_as_strided_of_a_view_has_gradients_where_the_view_has() -> None:
    w = torch.arange(6.0, requires_grad=True)
    (w * 2).reshape(2, 3).T.as_strided((2, 2), (1, 3)).pow(2).sum().backward()
    assert w.grad is not None and w.grad.tolist() == [0.0, 8.0, 0.0, 24.0, 32.0, 0.0]
    assert not w.detach()[1:].as_strided((2,), (2,)).requires_grad
    leaf = w.detach()[1:].requires_grad_()
    leaf.as_strided((2,), (2,)).sum().backward()
    assert leaf.grad is not None and leaf.grad.tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]


def test_a_change_of_the_data_of_a_view_leaves_a_parameter_a_leaf() -> None:
    weight = torch.nn.Parameter(torch.ones(6))
    weight[2:4].data.zero_()
    weight[4:].detach().mul_(3)
    assert weight.is_leaf and weight.tolist() == [1, 1, 0, 0, 3, 3]
    (weight * weight).sum().backward()
    assert weight.grad.tolist() == [2, 2, 0, 0, 6, 6]


def test_a_change_of_the_data_of_a_view_does_not_stop_the_gradient_of_its_base() -> None:
    leaf = torch.ones(4, requires_grad=True)
    base = leaf * 2
    base[1:3].data.fill_(5.0)
    (base * base).sum().backward()
    assert leaf.grad is not None and leaf.grad.tolist() == [8, 20, 20, 8]


def test_who_is_given_other_data_leaves_the_old_to_its_views() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
    kept, tail = weight.data, weight.detach()[1:]
    weight.data = torch.zeros(3)
    assert kept.tolist() == [1, 2, 3] and tail.tolist() == [2, 3] and weight.tolist() == [0, 0, 0]
    tail[0] = 9
    assert kept.tolist() == [1, 9, 3] and weight.tolist() == [0, 0, 0]
    weight.data = kept  # as averages of weights are swapped in and out
    assert weight.is_leaf and weight.requires_grad and weight.tolist() == [1, 9, 3]
    weight.data[2] = 7
    assert kept.tolist() == [1, 9, 7] and tail.tolist() == [9, 7]


def test_a_view_that_is_given_other_data_leaves_the_old_to_its_base_and_its_views() -> None:
    base = torch.arange(4.0)
    middle = base[1:]
    last = middle[1:]
    middle.data = torch.zeros(3)
    last[0] = 9
    assert base.tolist() == [0, 1, 9, 3] and middle.tolist() == [0, 0, 0] and last.tolist() == [9, 3]


def test_memory_that_nobody_shows_any_more_is_let_go() -> None:
    tensor = torch.ones(3)
    old = weakref.ref(tensor.detach().data)
    tensor.data = torch.zeros(3)
    gc.collect()
    assert old() is None and len(tensor._cell) == 2


def test_parameters_can_be_filled_from_vectors_again_and_again() -> None:
    layer = torch.nn.Linear(2, 1)
    first, second = torch.arange(3.0), torch.arange(3.0) * 2
    torch.nn.utils.vector_to_parameters(first, layer.parameters())
    kept = layer.weight.data
    torch.nn.utils.vector_to_parameters(second, layer.parameters())
    assert kept.tolist() == [[0, 1]] and layer.weight.tolist() == [[0, 2]] and layer.bias.tolist() == [4]
    layer.weight.data.mul_(5)
    assert second.tolist() == [0, 10, 4] and first.tolist() == [0, 1, 2]


def test_a_base_and_its_views_that_are_copied_together_share_memory():
    base = torch.zeros(4)
    view, turned = base[1:], base.view(2, 2).t()
    for copied in (copy.deepcopy([base, view, turned]), copy.deepcopy([turned, view, base])[::-1]):
        copied[0].copy_(torch.arange(4.0))
        assert copied[1].tolist() == [1.0, 2.0, 3.0]
        assert copied[2].tolist() == [[0.0, 2.0], [1.0, 3.0]]
        copied[2][0, 1] = 7
        assert copied[0].tolist() == [0.0, 1.0, 7.0, 3.0]
    assert base.tolist() == [0.0] * 4


def test_a_view_that_is_copied_alone_has_its_own_memory():
    base = torch.zeros(4)
    assert copy.deepcopy(base[1:])._base is None
