"""In-place operators, version counters and ``out=``."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch as torch


def test_an_in_place_operator_returns_its_tensor_and_counts() -> None:
    x = torch.ones(3)
    assert x.add_(1) is x and x.mul_(2) is x
    assert x.tolist() == [4.0, 4.0, 4.0]
    assert x._version == 2


def test_augmented_assignment_is_in_place() -> None:
    x = torch.ones(2)
    alias = x
    x += 1
    x *= 3
    assert alias.tolist() == [6.0, 6.0]


def test_a_leaf_that_wants_a_gradient_cannot_be_changed() -> None:
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        w.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        w[0].add_(1)
    with torch.no_grad():
        w.add_(1)
    assert w.tolist() == [2.0, 2.0]


def test_an_overwritten_saved_value_is_an_error() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_an_overwritten_value_that_is_not_needed_is_none() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y + 1
    y.mul_(3)
    z.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2.0, 2.0]


def test_the_gradient_flows_through_an_in_place_change() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y.mul_(x)
    y[0] = 7.0
    y[1:].exp_()
    y.sum().backward()
    assert x.grad is not None
    values = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(x.grad.numpy(), [0, *(2 * values * np.exp(values**2))[1:]], rtol=1.3e-6)


def test_a_result_of_a_higher_category_cannot_be_stored() -> None:
    x = torch.ones(2, dtype=torch.int64)
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        x.add_(0.5)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        torch.ones(2).add_(torch.ones(3, 2))


def test_out_stores_the_result_in_the_given_tensor() -> None:
    out = torch.empty(2)
    assert torch.add(torch.ones(2), 1, out=out) is out
    assert out.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.add(torch.ones(2, requires_grad=True), 1, out=out)


def test_data_changes_the_values_and_not_the_graph() -> None:
    w = torch.ones(4, requires_grad=True)
    y = (w * w).sum()
    w.data[1:3].fill_(5)
    assert w.tolist() == [1.0, 5.0, 5.0, 1.0]
    assert w.is_leaf and w._version == 0
    y.backward()
    w.data = torch.zeros(4)
    assert w.tolist() == [0.0] * 4 and w.requires_grad
