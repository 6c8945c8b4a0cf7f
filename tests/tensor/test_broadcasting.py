"""Broadcasting over drawn shapes: values as NumPy's, gradients as the explicit sum, errors as torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import BroadcastableShapes, array_shapes, mutually_broadcastable_shapes

import fxtorch as torch

pairs = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3)
triples = mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3)


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.asarray(np.random.RandomState(seed).randn(*shape))


@given(pairs)
def test_shapes_broadcast_as_in_numpy(shapes: BroadcastableShapes) -> None:
    a, b = (drawn(shape, i) for i, shape in enumerate(shapes.input_shapes))
    for ours, reference in ((torch.add, np.add), (torch.mul, np.multiply), (torch.maximum, np.maximum)):
        np.testing.assert_allclose(ours(torch.tensor(a), torch.tensor(b)).numpy(), reference(a, b), rtol=1e-7)


@given(pairs)
def test_a_broadcast_operand_gets_the_sum_of_its_gradients(shapes: BroadcastableShapes) -> None:
    a, b = (torch.tensor(drawn(shape, i), requires_grad=True) for i, shape in enumerate(shapes.input_shapes))
    (a * b).sum().backward()
    assert a.grad is not None and b.grad is not None
    for own, other in ((a, b), (b, a)):
        spread = np.broadcast_to(other.detach().numpy(), shapes.result_shape)
        extra = len(shapes.result_shape) - own.dim()
        axes = tuple(range(extra)) + tuple(
            i + extra for i, size in enumerate(own.shape) if size == 1 and shapes.result_shape[i + extra] != 1
        )
        wanted = spread.sum(axis=axes).reshape(own.shape)
        np.testing.assert_allclose(own.grad.numpy(), wanted, rtol=1e-7, atol=1e-7)


@given(triples)
def test_where_broadcasts_all_three(shapes: BroadcastableShapes) -> None:
    c, a, b = (drawn(shape, i) for i, shape in enumerate(shapes.input_shapes))
    got = torch.where(torch.tensor(c > 0), torch.tensor(a), torch.tensor(b))
    np.testing.assert_array_equal(got.numpy(), np.where(c > 0, a, b))


@given(triples)
def test_broadcast_tensors_and_broadcast_shapes_agree(shapes: BroadcastableShapes) -> None:
    tensors = torch.broadcast_tensors(*(torch.tensor(drawn(shape, 0)) for shape in shapes.input_shapes))
    assert {tuple(t.shape) for t in tensors} == {shapes.result_shape}
    assert tuple(torch.broadcast_shapes(*shapes.input_shapes)) == shapes.result_shape


@given(array_shapes(max_dims=3, max_side=3), array_shapes(max_dims=3, max_side=3))
def test_shapes_that_do_not_broadcast_raise_as_in_torch(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(RuntimeError, match=r"The size of tensor a \(\d+\) must match the size of tensor b \(\d+\)"):
            _ = torch.zeros(*a) + torch.zeros(*b)
    else:
        assert (torch.zeros(*a) + torch.zeros(*b)).shape == np.broadcast_shapes(a, b)


@given(pairs)
def test_an_in_place_operation_never_grows_its_tensor(shapes: BroadcastableShapes) -> None:
    first, second = shapes.input_shapes
    a, b = torch.zeros(first), torch.ones(second)
    if shapes.result_shape == first:
        assert tuple(a.add_(b).shape) == first
    else:
        with pytest.raises(RuntimeError, match="shape"):
            a.add_(b)


@given(array_shapes(max_dims=3, max_side=3), st.integers(0, 2))
def test_expand_is_broadcast_to(shape: tuple[int, ...], extra: int) -> None:
    target = (2,) * extra + tuple(3 if size == 1 else size for size in shape)
    a = drawn(shape, 0)
    np.testing.assert_array_equal(torch.tensor(a).expand(*target).numpy(), np.broadcast_to(a, target))
