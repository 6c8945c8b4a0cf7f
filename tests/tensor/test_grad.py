"""``Tensor.grad``, as a place that takes a gradient that fits and refuses others."""

from __future__ import annotations

import pytest

import fxtorch as torch


def test_a_gradient_has_the_size_and_type_of_its_tensor() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"attempting to assign a gradient of size '\[3\]' to a tensor of size"):
        x.grad = torch.ones(3)
    with pytest.raises(RuntimeError, match=r"attempting to assign a gradient with dtype 'torch.float64'"):
        x.grad = torch.ones(2, dtype=torch.float64)
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None"):
        x.grad = 1.0  # type: ignore[assignment]
    assert x.grad is None
    x.grad = given = torch.ones(2)
    assert x.grad is given
