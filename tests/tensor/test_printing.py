"""A Tensor prints as torch prints it; the texts are torch 2.13's."""

from __future__ import annotations

import pytest

import fxtorch as torch

TEXTS = [
    (lambda: torch.tensor(3.0), "tensor(3.)"),
    (lambda: torch.tensor([1, 20, -3]), "tensor([ 1, 20, -3])"),
    (lambda: torch.tensor([1.5, -2.25]), "tensor([ 1.5000, -2.2500])"),
    (lambda: torch.tensor([1e-9, 1.0]), "tensor([1.0000e-09, 1.0000e+00])"),
    (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
    (lambda: torch.tensor([float("nan"), float("inf"), 1.0]), "tensor([nan, inf, 1.])"),
    (lambda: torch.zeros(2, 0), "tensor([], size=(2, 0))"),
    (lambda: torch.tensor([1.0], dtype=torch.float64), "tensor([1.], dtype=torch.float64)"),
    (lambda: torch.tensor([1 + 2j]), "tensor([1.+2.j])"),
    (lambda: torch.ones(1, requires_grad=True), "tensor([1.], requires_grad=True)"),
    (lambda: torch.ones(1, requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
    (lambda: torch.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
    (lambda: torch.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
]


@pytest.mark.parametrize(("make", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_tensor_prints_as_in_torch(make, text: str) -> None:
    assert repr(make()) == text


def test_print_options_change_the_digits_and_are_undone() -> None:
    torch.set_printoptions(precision=2)
    try:
        assert repr(torch.tensor([1.239])) == "tensor([1.24])"
    finally:
        torch.set_printoptions(profile="default")
    assert repr(torch.tensor([1.239])) == "tensor([1.2390])"


def test_a_zero_dimensional_tensor_formats_as_its_number() -> None:
    assert f"{torch.tensor(1.23456):.2f}" == "1.23"
    assert repr(torch.ones(2, 3).shape) == "torch.Size([2, 3])"
