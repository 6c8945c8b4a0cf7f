"""With ``differentiable=True`` the gradient flows through the steps, to where they began and what they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch as torch

OPTIMIZERS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "SGD": (torch.optim.SGD, {"weight_decay": 0.1}),
    "SGD with momentum": (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3}),
    "SGD looking ahead": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "maximize": True}),
    "Adam": (torch.optim.Adam, {"amsgrad": True, "weight_decay": 0.1}),
    "AdamW": (torch.optim.AdamW, {}),
    "NAdam": (torch.optim.NAdam, {}),
    "RAdam": (torch.optim.RAdam, {}),
    "Adamax": (torch.optim.Adamax, {}),
    "Adadelta": (torch.optim.Adadelta, {}),
    "Adagrad": (torch.optim.Adagrad, {}),
    "ASGD": (torch.optim.ASGD, {}),
    "RMSprop": (torch.optim.RMSprop, {"centered": True, "momentum": 0.5}),
    "Rprop": (torch.optim.Rprop, {}),
}
RNG = np.random.default_rng(0)
START, FIRST, SECOND = (RNG.normal(size=4) for _ in range(3))


def leaf(values: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def walked(cls: type[Any], start: Any, *grads: Any, **options: Any) -> Any:
    p = start.clone()
    opt = cls([p], differentiable=True, **options)
    for g in grads:
        p.grad = g
        opt.step()
    return p


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_gradient_through_two_steps_is_that_of_finite_differences(name: str) -> None:
    cls, options = OPTIMIZERS[name]
    inputs = leaf(START), leaf(FIRST), leaf(SECOND)
    assert torch.autograd.gradcheck(lambda *given: walked(cls, *given, lr=0.05, **options), inputs)


@pytest.mark.parametrize("cls", [torch.optim.SGD, torch.optim.Adam])
def test_the_learning_rate_has_a_gradient(cls: type[Any]) -> None:
    inputs = leaf(START), leaf(FIRST), leaf(0.05)
    assert torch.autograd.gradcheck(lambda start, g, lr: walked(cls, start, g, lr=lr), inputs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_values_are_those_of_ordinary_steps(name: str) -> None:
    cls, options = OPTIMIZERS[name]
    found = walked(cls, leaf(START), leaf(FIRST), leaf(SECOND), lr=0.05, **options)
    p = leaf(START)
    opt = cls([p], lr=0.05, **options)
    for g in (FIRST, SECOND):
        p.grad = torch.tensor(g)
        opt.step()
    torch.testing.assert_close(found.detach(), p.detach())


def test_a_loss_after_training_reaches_the_first_weights_through_the_model() -> None:
    w, lr = leaf([1.0, -2.0]), leaf(0.1)
    inner = w * 1.0
    opt = torch.optim.SGD([inner], lr=lr, differentiable=True)
    (inner.grad,) = torch.autograd.grad((inner**2).sum(), inner, create_graph=True)
    opt.step()
    (inner**2).sum().backward()  # (w (1 - 2 lr))^2
    torch.testing.assert_close(w.grad, 2 * w.detach() * 0.8**2)
    torch.testing.assert_close(lr.grad, torch.tensor(-4 * 0.8 * 5.0, dtype=torch.float64))


def test_a_leaf_cannot_be_stepped_on_the_tape() -> None:
    p = leaf(START)
    opt = torch.optim.SGD([p], lr=0.1, differentiable=True)
    p.grad = torch.tensor(FIRST)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        opt.step()


def test_without_it_what_is_not_a_leaf_is_refused() -> None:
    with pytest.raises(ValueError, match="non-leaf"):
        torch.optim.SGD([leaf(START) * 1.0], lr=0.1)
