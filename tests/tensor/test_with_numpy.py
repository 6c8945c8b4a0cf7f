"""Operators between Tensors and NumPy's numbers and arrays; the expected types were read off PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch

ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2)], ids=["float64", "float32", "int64"])
@pytest.mark.parametrize("op", ARITHMETIC)
def test_a_number_of_numpys_on_the_left_leaves_the_tensor_on_the_tape(number: Any, op: Callable[..., Any]) -> None:
    x, y = (torch.tensor([1.0, 3.0], requires_grad=True) for _ in range(2))
    out, expected = op(number, x), op(2.0, y)
    out.sum().backward()
    expected.sum().backward()
    assert out.dtype == torch.float32 and out.tolist() == expected.tolist()
    assert x.grad is not None and y.grad is not None and x.grad.tolist() == y.grad.tolist()
    assert torch.equal(number < x, y > 2.0)


def test_numpys_float64_is_a_plain_number_to_whole_tensors() -> None:
    x = torch.tensor([1, 3])
    assert (x * np.float64(2)).dtype == (np.float64(2) + x).dtype == torch.float32
    assert (x * np.int64(2)).dtype == torch.int64 and x.clamp(min=np.float64(1.5)).dtype == torch.float32


def test_arrays_of_numpys_compute_themselves_and_give_tensors() -> None:
    x = torch.tensor([1.0, 3.0])
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.eq):
        out = op(x, np.array([2.0, 3.0]))
        assert isinstance(out, torch.Tensor) and out.tolist() == op(np.array([1.0, 3.0]), np.array([2.0, 3.0])).tolist()
    assert (x * np.ones(2)).dtype == torch.float64
    wave: Any = np.sin(x)  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert isinstance(wave, torch.Tensor) and wave.dtype == torch.float32
    with pytest.raises(RuntimeError, match="requires grad"):
        operator.mul(x.requires_grad_(), np.ones(2))
    with pytest.raises(TypeError):
        operator.mul(np.ones(2), x)
