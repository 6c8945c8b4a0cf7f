"""Schedules against their formulas, and what a scheduler does besides."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.optim import SGD, Adam
from fxtorch.optim import lr_scheduler as s


def optimizer(lr: Any = 0.4, **options: Any) -> Any:
    return SGD([torch.zeros(1, requires_grad=True)], lr=lr, **options)


def rates(make, steps, **options):
    opt = optimizer(**options)
    scheduler = make(opt)
    seen = []
    for _ in range(steps):
        seen.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    return seen


FORMULAS = {
    "lambda": (lambda o: s.LambdaLR(o, lambda e: 1 / (1 + e)), lambda e: 0.4 / (1 + e)),
    "step": (lambda o: s.StepLR(o, 3, 0.5), lambda e: 0.4 * 0.5 ** (e // 3)),
    "multistep": (lambda o: s.MultiStepLR(o, [2, 5, 5], 0.5), lambda e: 0.4 * 0.5 ** ((e >= 2) + 2 * (e >= 5))),
    "constant": (lambda o: s.ConstantLR(o, 0.25, 4), lambda e: 0.4 * (0.25 if e < 4 else 1)),
    "linear": (lambda o: s.LinearLR(o, 0.5, 1.0, 5), lambda e: 0.4 * (0.5 + 0.1 * min(e, 5))),
    "exponential": (lambda o: s.ExponentialLR(o, 0.9), lambda e: 0.4 * 0.9**e),
    "polynomial": (lambda o: s.PolynomialLR(o, 8, 2.0), lambda e: 0.4 * (1 - min(e, 8) / 8) ** 2),
    "multiplicative": (lambda o: s.MultiplicativeLR(o, lambda e: 0.5), lambda e: 0.4 * 0.5**e),
    "cosine": (
        lambda o: s.CosineAnnealingLR(o, 6, 0.1),
        lambda e: 0.1 + 0.3 * (1 + math.cos(math.pi * e / 6)) / 2,
    ),
    "restarts": (
        lambda o: s.CosineAnnealingWarmRestarts(o, 4),
        lambda e: 0.4 * (1 + math.cos(math.pi * (e % 4) / 4)) / 2,
    ),
    "triangular": (
        lambda o: s.CyclicLR(o, 0.4, 1.0, 3, cycle_momentum=False),
        lambda e: 0.4 + 0.6 * (1 - abs(e / 3 - 2 * (e // 6) - 1)),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_is_its_formula(name):
    make, formula = FORMULAS[name]
    np.testing.assert_allclose(rates(make, 20), [formula(e) for e in range(20)], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in FORMULAS if n not in ("multiplicative", "restarts")])
def test_a_jump_to_an_epoch_is_the_formula_too(name):
    make, formula = FORMULAS[name]
    opt = optimizer()
    scheduler = make(opt)
    opt.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(7)
    np.testing.assert_allclose(opt.param_groups[0]["lr"], formula(7), rtol=1e-9, atol=1e-12)


def test_one_cycle_goes_up_and_down_and_ends():
    seen = rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=10, div_factor=10, final_div_factor=100), 10, momentum=0.9)
    assert seen[0] == pytest.approx(0.1)
    assert max(seen) == pytest.approx(1.0)
    assert np.argmax(seen) == 2
    assert seen[-1] == pytest.approx(0.001)
    with pytest.raises(ValueError, match="Tried to step 11 times"):
        rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=10), 12, momentum=0.9)


@pytest.mark.parametrize(
    "make",
    [lambda p: SGD(p, lr=0.1, momentum=0.5), lambda p: Adam(p, lr=0.1, betas=(0.5, 0.99))],
    ids=["momentum", "beta"],
)
def test_momentum_moves_against_the_rate(make):
    opt = make([torch.zeros(1, requires_grad=True)])
    scheduler = s.CyclicLR(opt, 0.1, 1.0, 4, base_momentum=0.8, max_momentum=0.9)
    group = opt.param_groups[0]
    momentum = (lambda: group["momentum"]) if "momentum" in group else (lambda: group["betas"][0])
    assert (group["lr"], momentum()) == (0.1, 0.9)
    for _ in range(4):
        opt.step()
        scheduler.step()
    assert (group["lr"], momentum()) == (pytest.approx(1.0), pytest.approx(0.8))


def test_schedulers_in_sequence_each_begin_at_zero():
    seen = rates(lambda o: s.SequentialLR(o, [s.ConstantLR(o, 0.5, 10), s.ExponentialLR(o, 0.5)], [3]), 6)
    np.testing.assert_allclose(seen, [0.2, 0.2, 0.2, 0.4, 0.2, 0.1])


def test_chained_schedulers_multiply():
    seen = rates(lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.5, 2), s.ExponentialLR(o, 0.5)]), 4)
    np.testing.assert_allclose(seen, [0.2, 0.1, 0.1, 0.05])


def test_a_plateau_reduces_after_its_patience():
    opt = optimizer(1.0)
    scheduler = s.ReduceLROnPlateau(opt, factor=0.5, patience=2)
    for metric in (3.0, 2.0, 2.0, 2.0):
        scheduler.step(torch.tensor(metric))
    assert opt.param_groups[0]["lr"] == 1.0
    scheduler.step(2.0)
    assert scheduler.get_last_lr() == [0.5]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_saved_schedule_goes_on(name):
    make, formula = FORMULAS[name]
    opt = optimizer()
    scheduler = make(opt)
    for _ in range(5):
        opt.step()
        scheduler.step()
    again = optimizer()
    resumed = make(again)
    resumed.load_state_dict(scheduler.state_dict())
    again.load_state_dict(opt.state_dict())
    again.step()
    resumed.step()
    np.testing.assert_allclose(again.param_groups[0]["lr"], formula(6), rtol=1e-9)


def test_a_tensor_rate_is_changed_in_place():
    lr = torch.tensor(0.5)
    opt = optimizer(lr)
    scheduler = s.ExponentialLR(opt, 0.5)
    opt.step()
    scheduler.step()
    assert opt.param_groups[0]["lr"] is lr
    assert lr.item() == 0.25
    scheduler.get_last_lr()[0].fill_(7.0)
    assert lr.item() == 0.25


def test_the_wrong_order_is_warned_of():
    opt = optimizer()
    scheduler = s.ExponentialLR(opt, 0.5)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()


def test_asking_for_the_rate_outside_of_a_step_is_warned_of():
    scheduler = s.StepLR(optimizer(), 3)
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_going_on_needs_the_first_rate():
    with pytest.raises(KeyError, match="initial_lr"):
        s.StepLR(optimizer(), 3, last_epoch=4)
    with pytest.raises(TypeError, match="is not an Optimizer"):
        s.StepLR(cast(Any, object()), 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: s.ConstantLR(o, 1.5),
        lambda o: s.LinearLR(o, 0.0),
        lambda o: s.LinearLR(o, end_factor=2.0),
        lambda o: s.CosineAnnealingWarmRestarts(o, 0),
        lambda o: s.CyclicLR(o, 0.1, 1.0, mode="square"),
        lambda o: s.OneCycleLR(o, 1.0),
        lambda o: s.OneCycleLR(o, 1.0, total_steps=0),
        lambda o: s.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy=cast(Any, "square")),
        lambda o: s.ReduceLROnPlateau(o, factor=1.0),
        lambda o: s.ReduceLROnPlateau(o, mode=cast(Any, "least")),
        lambda o: s.LambdaLR(o, [abs, abs]),
        lambda o: s.SequentialLR(o, [s.ConstantLR(o)], [3]),
        lambda o: s.SequentialLR(o, [], []),
        lambda o: s.ChainedScheduler([s.ConstantLR(o), s.ConstantLR(optimizer())]),
        lambda o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    ],
)
def test_wrong_options_are_refused(make):
    with pytest.raises(ValueError):
        make(optimizer(momentum=0.9))


def test_a_cycle_of_momentum_needs_momentum():
    opt = torch.optim.Adagrad([torch.zeros(1, requires_grad=True)])
    with pytest.raises(ValueError, match="support momentum or beta1"):
        s.CyclicLR(opt, 0.1, 1.0)
