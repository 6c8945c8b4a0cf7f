"""The sign of a zero that an activation lets through, and its derivative."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import fxtorch as torch
from fxtorch.nn import functional as F

Activation = Callable[[torch.Tensor], torch.Tensor]
LIMITED: dict[str, Activation] = {
    "relu": torch.relu,
    "relu6": F.relu6,
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 1.0),
    "hardtanh, from above": lambda x: F.hardtanh(x, -1.0, 0.0),
}


@pytest.mark.parametrize("name", LIMITED)
def test_a_zero_at_the_bound_keeps_its_sign(name: str) -> None:
    assert torch.signbit(LIMITED[name](torch.tensor([-0.0, 0.0]))).tolist() == [True, False]


@pytest.mark.parametrize("name", LIMITED)
def test_the_derivative_at_the_bound_is_zero_backward_and_forward(name: str) -> None:
    x = torch.tensor([-0.0, 0.0], requires_grad=True)
    LIMITED[name](x).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 0.0]
    _, tangent = torch.func.jvp(LIMITED[name], (x.detach(),), (torch.ones(2),))
    assert tangent.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", LIMITED)
def test_nan_stays_nan(name: str) -> None:
    assert LIMITED[name](torch.tensor([float("nan")])).isnan().all()
