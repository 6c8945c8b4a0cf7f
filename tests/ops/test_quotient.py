"""Quotients are rounded once, also by a number, where XLA multiplies by a reciprocal."""

import numpy as np
import pytest

import fxtorch as torch

AWKWARD = [41, 47, 55, 61, 82, 83, 94, 97]  # n * (1 / n) is below 1


@pytest.mark.parametrize("n", AWKWARD)
def test_a_number_divided_by_itself_is_one(n):
    x = torch.full((8,), float(n))
    assert (x / n).tolist() == [1.0] * 8
    assert (x / torch.tensor([float(n)])).tolist() == [1.0] * 8
    assert torch.div(x, n, rounding_mode="trunc").tolist() == [1.0] * 8
    assert torch.ones(n, 2).mean(0).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (10, 1), (10, 100)])
def test_quotients_are_numpys_to_the_last_bit(dtype, shape):
    a = np.arange(1000, dtype=dtype).reshape(10, 100)
    b = np.full(shape, 7, dtype)
    assert np.array_equal((torch.tensor(a) / torch.tensor(b)).numpy(), a / b)
    assert np.array_equal(torch.jit(lambda x, y: x / y)(torch.tensor(a), torch.tensor(b)).numpy(), a / b)


def test_the_gradient_by_zero_is_infinite_not_nan():
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    (x / 0).sum().backward()
    assert x.grad.tolist() == [float("inf")] * 2
