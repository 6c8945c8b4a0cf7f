"""Modules as functions of their parameters: functional_call, ensembles, gradients of a Module."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch import func, nn


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


X = torch.tensor(np.random.RandomState(0).randn(5, 3))
Y = torch.tensor([0, 1, 1, 0, 1])


def close(got: torch.Tensor, wanted: torch.Tensor | None) -> None:
    assert wanted is not None
    np.testing.assert_allclose(got.detach().numpy(), wanted.detach().numpy(), rtol=1e-7, atol=1e-9)


def test_functional_call_uses_what_it_is_given_and_leaves_the_module_alone() -> None:
    net = model()
    before = list(net.parameters())
    zeros = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    assert func.functional_call(net, zeros, (X,)).abs().sum().item() == 0
    assert func.functional_call(net, {"2.bias": torch.ones(2, dtype=torch.float64)}, X).shape == (5, 2)
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))


def test_functional_call_restores_the_module_after_an_exception() -> None:
    net = model()
    weight = net[0].weight
    with pytest.raises(RuntimeError):
        func.functional_call(net, {"0.weight": torch.zeros(1, 1)}, X)
    assert net[0].weight is weight


def test_functional_call_ties_weights_and_checks_names() -> None:
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    twice = 2 * torch.eye(2)
    out = func.functional_call(net, {"0.weight": twice}, torch.ones(2))
    assert out.tolist() == [4.0, 4.0]
    with pytest.raises(ValueError, match="multiple values"):
        func.functional_call(net, {"0.weight": twice, "1.weight": torch.eye(2)}, torch.ones(2))
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\): 'nothing'"):
        func.functional_call(net, {"nothing": twice}, torch.ones(2), strict=True)
    with pytest.raises(RuntimeError, match=r"Missing key\(s\)"):
        func.functional_call(model(), {}, X, strict=True)
    with pytest.raises(ValueError, match="multiple dictionaries"):
        func.functional_call(net, ({"0.weight": twice}, {"0.weight": twice}), torch.ones(2))


def test_four_ways_to_the_gradient_of_a_model_agree() -> None:
    net = model()
    F.cross_entropy(net(X), Y).backward()
    by_module = func.grad(lambda m: F.cross_entropy(m(X), Y))(net)
    params = dict(net.named_parameters())
    by_dict = func.grad(lambda p: F.cross_entropy(func.functional_call(net, p, (X,)), Y))(params)
    assert list(by_module) == list(params)
    for name, p in params.items():
        close(by_module[name], p.grad)
        close(by_dict[name], p.grad)
        assert isinstance(p, nn.Parameter)


def test_gradients_of_each_example() -> None:
    net = model()
    params = {k: p.detach() for k, p in net.named_parameters()}

    def loss(params: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(func.functional_call(net, params, (x[None],)), y[None])

    each = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, X, Y)
    F.cross_entropy(net(X), Y).backward()
    for name, p in net.named_parameters():
        close(each[name].mean(0), p.grad)


def test_an_ensemble_with_batch_norm_updates_its_stacked_statistics() -> None:
    nets = [nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double() for _ in range(3)]
    params, buffers = func.stack_module_state(nets)
    assert params["0.weight"].requires_grad and params["0.weight"].is_leaf

    def run(params: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return func.functional_call(nets[0], (params, buffers), (x,))

    out = func.vmap(run, in_dims=(0, 0, None))(params, buffers, X)
    for i, net in enumerate(nets):
        close(out[i], net(X))
        close(buffers["1.running_mean"][i], net[1].running_mean)
    out.sum().backward()
    assert params["0.weight"].grad is not None


def test_an_ensemble_needs_models_of_one_kind() -> None:
    with pytest.raises(RuntimeError, match="same class"):
        func.stack_module_state([nn.Linear(1, 1), nn.ReLU()])
    with pytest.raises(RuntimeError, match="training/eval"):
        func.stack_module_state([nn.Linear(1, 1), nn.Linear(1, 1).eval()])
    with pytest.raises(RuntimeError, match="at least one"):
        func.stack_module_state([])


def test_dropout_under_a_transformation_draws_anew_and_leaves_no_tracer() -> None:
    net = nn.Sequential(nn.Linear(3, 64), nn.Dropout(0.5)).double()
    gradient = func.grad(lambda m: m(X).sum())
    with torch.no_grad():
        first, second = gradient(net)["0.weight"], gradient(net)["0.weight"]
    assert (first != second).any()
    assert torch.rand(1).shape == (1,)


def test_a_transformation_inside_a_compiled_step() -> None:
    net, twin = model(), model()
    twin.load_state_dict(net.state_dict())

    def step(m: nn.Module) -> torch.Tensor:
        grads, value = func.grad_and_value(lambda m: F.cross_entropy(m(X), Y))(m)
        with torch.no_grad():
            for name, p in m.named_parameters():
                p.sub_(0.5 * grads[name])
        return value

    compiled = torch.jit(lambda: step(net))
    for _ in range(3):
        close(compiled(), step(twin))
    close(net[0].weight, twin[0].weight)


def test_batch_norms_can_be_made_stateless() -> None:
    net = func.replace_all_batch_norm_modules_(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double())
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert func.vmap(net, in_dims=1, out_dims=1)(torch.stack([X, X], 1)).shape == (5, 2, 2)
