"""parametrize: what is registered, cached, refused, copied, compiled and transferred."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn.utils import parametrize


class Doubled(nn.Module):
    calls = 0

    def forward(self, x: Any) -> Any:
        Doubled.calls += 1
        return 2 * x

    def right_inverse(self, y: Any) -> Any:
        return y / 2


class Negative(nn.Module):
    def forward(self, x: Any) -> Any:
        return -x


class Flat(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.flatten()


def doubled() -> Any:
    return parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())


def test_the_value_stays_and_the_original_is_trained() -> None:
    layer = nn.Linear(2, 2)
    before, parameter = layer.weight.detach().clone(), layer.weight
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert torch.equal(layer.weight, before)
    assert layer.parametrizations.weight.original is parameter
    assert torch.equal(parameter, before / 2)
    layer(torch.ones(1, 2)).sum().backward()
    assert parameter.grad.tolist() == [[2.0, 2.0]] * 2


def test_functions_are_applied_in_order() -> None:
    layer = parametrize.register_parametrization(doubled(), "weight", Negative())
    assert torch.equal(layer.weight, -2 * layer.parametrizations.weight.original)
    with pytest.raises(RuntimeError, match="does not implement right_inverse"):
        layer.weight = torch.ones(2, 2)


def test_assigning_goes_through_the_inverse() -> None:
    layer = doubled()
    layer.weight = torch.ones(2, 2)
    assert layer.parametrizations.weight.original.tolist() == [[0.5, 0.5]] * 2


def test_cached_computes_once() -> None:
    layer = doubled()
    start = Doubled.calls
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert Doubled.calls == start + 1
    assert layer.weight is not layer.weight


def test_only_that_module_changes_its_class() -> None:
    layer, other = doubled(), nn.Linear(2, 2)
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert type(other) is nn.Linear and not parametrize.is_parametrized(other)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


@pytest.mark.parametrize("name", ["weight", "nothing"])
def test_what_changes_the_shape_or_is_not_there_is_refused(name: str) -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="may not change the shape" if name == "weight" else "does not have a param"):
        parametrize.register_parametrization(layer, name, Flat())
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)


def test_copies_are_apart() -> None:
    layer = doubled()
    twin = copy.deepcopy(layer)
    twin.weight = torch.zeros(2, 2)
    assert not torch.equal(layer.weight, twin.weight)


def test_buffers_can_be_parametrized() -> None:
    bn = parametrize.register_parametrization(nn.BatchNorm1d(2), "running_mean", Doubled())
    assert "parametrizations.running_mean.original" in dict(bn.named_buffers())


def test_they_are_transferred() -> None:
    layer, other = doubled(), nn.Linear(2, 2)
    parametrize.transfer_parametrizations_and_params(layer, other)
    assert torch.equal(layer.weight, other.weight)


def test_a_compiled_step_trains_the_original() -> None:
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
    opt = torch.optim.SGD(layer.parameters(), lr=0.1)

    @torch.jit
    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = (layer(x) ** 2).sum()
        loss.backward()
        opt.step()
        return loss

    losses = [step(torch.ones(1, 3)).item() for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert step.traces == 1


def test_skip_init_leaves_the_random_state() -> None:
    before = torch.get_rng_state()
    assert nn.utils.skip_init(nn.Linear, 3, 2).weight.shape == (2, 3)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(RuntimeError, match="'device' arg"):
        nn.utils.skip_init(nn.ReLU)
