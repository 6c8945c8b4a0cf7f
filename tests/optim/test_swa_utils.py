"""Averages of parameters over training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn, optim
from fxtorch.optim.swa_utils import SWALR, AveragedModel, get_ema_avg_fn, get_ema_multi_avg_fn, update_bn

VALUES = [1.0, 2.0, 4.0]


def averaged(compiled: bool = False, **options: Any) -> AveragedModel:
    model = nn.Linear(1, 1, bias=False)
    average = AveragedModel(model, **options)
    update = (
        torch.jit(lambda: average.update_parameters(model)) if compiled else lambda: average.update_parameters(model)
    )
    for value in VALUES:
        model.weight.data.fill_(value)
        update()
    return average


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, 7 / 3),
        ({"avg_fn": get_ema_avg_fn(0.75)}, 0.75 * 1.25 + 0.25 * 4),
        ({"multi_avg_fn": get_ema_multi_avg_fn(0.75)}, 0.75 * 1.25 + 0.25 * 4),
    ],
    ids=["mean", "moving average", "moving average of lists"],
)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_the_average_is_its_formula(options, wanted, compiled):
    average = averaged(compiled, **options)
    assert average.module.weight.item() == pytest.approx(wanted, rel=1e-6)
    assert average.n_averaged.item() == 3
    assert average(torch.ones(1, 1)).item() == pytest.approx(wanted, rel=1e-6)


def test_training_the_model_does_not_move_the_average():
    model = nn.Linear(1, 1, bias=False)
    average = AveragedModel(model)
    average.update_parameters(model)
    before = average.module.weight.item()
    model.weight.data.fill_(9.0)
    assert average.module.weight.item() == before


def test_statistics_are_recomputed_as_the_plain_mean():
    model = nn.Sequential(nn.BatchNorm1d(1))
    batches = [torch.tensor([[0.0], [2.0]]), torch.tensor([[10.0], [20.0]])]
    update_bn(batches, model)
    assert model[0].running_mean.item() == pytest.approx(8.0)
    assert model[0].momentum == 0.1


def test_the_rate_anneals_to_its_last_value():
    opt = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = SWALR(opt, 0.2, anneal_epochs=4, anneal_strategy="linear")
    rates = []
    for _ in range(6):
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    np.testing.assert_allclose(rates, [1.0, 0.8, 0.6, 0.4, 0.2, 0.2], rtol=1e-6)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="Invalid decay value"):
        get_ema_avg_fn(1.5)
    opt = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with pytest.raises(ValueError, match="anneal_epochs"):
        SWALR(opt, 0.1, anneal_epochs=-1)
