"""Parameter, Buffer, and lazy layers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn


def test_a_parameter_is_a_leaf_tensor_that_wants_a_gradient() -> None:
    p = nn.Parameter(torch.ones(2))
    assert isinstance(p, torch.Tensor) and p.requires_grad and p.is_leaf
    assert type(p * 2) is torch.Tensor
    assert not nn.Parameter(torch.ones(2), requires_grad=False).requires_grad
    assert nn.Parameter(p * 2).is_leaf


def test_a_parameter_says_what_it_is() -> None:
    assert repr(nn.Parameter(torch.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["deepcopy", "pickle"])
def test_copies_are_parameters_with_their_attributes(twin: Callable[[Any], Any]) -> None:
    p: Any = nn.Parameter(torch.ones(2), requires_grad=False)
    p.note = "mine"
    q = twin(p)
    assert isinstance(q, nn.Parameter) and not q.requires_grad and q.note == "mine"
    q.zero_()
    assert p.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "twin", [copy.deepcopy, copy.copy, lambda p: pickle.loads(pickle.dumps(p))], ids=["deepcopy", "copy", "pickle"]
)
def test_copies_of_tensors_keep_what_a_program_hung_on_them(twin: Callable[[Any], Any]) -> None:
    x: Any = torch.ones(2)
    x.note = "mine"
    assert twin(x).note == "mine"


class Tagged(torch.Tensor):
    """A subclass of Tensor."""


def test_a_parameter_made_of_a_subclass_instance_stays_of_that_subclass() -> None:
    p = nn.Parameter(torch.ones(2, 2).as_subclass(Tagged))
    assert type(p) is Tagged and isinstance(p, nn.Parameter) and p.requires_grad and p.is_leaf
    layer = nn.Linear(2, 2, bias=False)
    layer.weight = p
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert type(layer(torch.ones(2))) is Tagged
    layer(torch.ones(2)).sum().backward()
    torch.optim.SGD(layer.parameters(), 0.5).step()
    assert layer.weight.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert not isinstance(torch.ones(2).as_subclass(Tagged), nn.Parameter)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["deepcopy", "pickle"])
def test_copies_of_a_subclass_parameter_are_the_same(twin: Callable[[Any], Any]) -> None:
    q = twin(nn.Parameter(torch.ones(2).as_subclass(Tagged)))
    assert type(q) is Tagged and isinstance(q, nn.Parameter) and q.requires_grad


def test_a_subclass_of_parameter_is_made_of_tensors_but_is_no_data() -> None:
    class Mine(nn.Parameter):
        pass

    p = Mine(torch.ones(2))
    assert type(p) is Mine and not isinstance(nn.Parameter(torch.ones(2)), Mine)
    with pytest.raises(RuntimeError, match=r"detach\(\) returns an instance of the same type"):
        nn.Parameter(p)


def test_a_buffer_makes_a_plain_parameter() -> None:
    assert type(nn.Parameter(nn.Buffer(torch.ones(2)))) is nn.Parameter


LAZY = [
    (lambda: nn.LazyLinear(3), (4, 2), nn.Linear, (3, 2)),
    (lambda: nn.LazyConv1d(3, 2), (4, 2, 5), nn.Conv1d, (3, 2, 2)),
    (lambda: nn.LazyConv2d(6, 2, groups=2), (4, 2, 5, 5), nn.Conv2d, (6, 1, 2, 2)),
    (lambda: nn.LazyConvTranspose2d(6, 2), (2, 5, 5), nn.ConvTranspose2d, (2, 6, 2, 2)),
    (lambda: nn.LazyBatchNorm1d(), (4, 2), nn.BatchNorm1d, (2,)),
    (lambda: nn.LazyInstanceNorm1d(), (4, 2, 5), nn.InstanceNorm1d, (2,)),
]


@pytest.mark.parametrize(("make", "shape", "becomes", "weight"), LAZY)
def test_a_lazy_layer_becomes_an_ordinary_one(make, shape, becomes, weight) -> None:
    layer = make()
    twin = copy.deepcopy(layer)
    expected = layer(torch.ones(shape))
    assert type(layer) is becomes and layer.weight.shape == weight
    assert not layer._forward_pre_hooks and not layer._load_state_dict_pre_hooks
    assert layer(torch.ones(shape)).shape == expected.shape
    assert twin.has_uninitialized_params()
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin(torch.ones(shape)), layer.train(twin.training)(torch.ones(shape)))
    assert type(twin) is becomes


def test_a_lazy_parameter_has_no_shape() -> None:
    with pytest.raises(ValueError, match="it has no values yet"):
        nn.LazyLinear(2).weight.shape  # noqa: B018


def test_a_lazy_parameter_keeps_its_identity() -> None:
    layer = nn.LazyLinear(2)
    weight = layer.weight
    layer(torch.ones(1, 3))
    assert layer.weight is weight and isinstance(weight, nn.Parameter)
    assert not isinstance(weight, nn.UninitializedParameter) and weight.requires_grad
