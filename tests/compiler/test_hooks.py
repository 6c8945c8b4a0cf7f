"""Hooks that come and go between calls, and what they name."""

from __future__ import annotations

import types
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile, scenario, step_of

KEPT: list[Any] = []
ROW = torch.ones(1, 2)


def before_within_and_after(run: Any, register: Any, seen: Any) -> list[Any]:
    """What is seen after a call without a hook, one with it, and one without it again."""
    out = []
    run(ROW)
    out.append(seen())
    handle = register()
    run(ROW)
    out.append(seen())
    handle.remove()
    run(ROW)
    return [*out, seen()]


def trained(compile: Compile) -> tuple[Any, Any, Any, Any]:
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    return net, opt, compile(step_of(net, opt)), lambda: net[0].weight.detach().clone()


@scenario(KEPT)
def a_parameters_gradient(compile: Compile) -> Any:
    net, _, run, weight = trained(compile)
    return before_within_and_after(run, lambda: net[0].weight.register_hook(lambda g: g * 2), weight)


@scenario(KEPT)
def a_parameter_when_its_gradient_is_there(compile: Compile) -> Any:
    net, _, run, weight = trained(compile)
    hooked = net[0].weight.register_post_accumulate_grad_hook
    return before_within_and_after(run, lambda: hooked(lambda p: p.grad.mul_(3)), weight)


@scenario(KEPT)
def a_modules_forward(compile: Compile) -> Any:
    net, _, run, weight = trained(compile)
    return before_within_and_after(run, lambda: net.register_forward_hook(lambda m, args, out: out * 2), weight)


@scenario(KEPT)
def a_modules_backward(compile: Compile) -> Any:
    net, _, run, weight = trained(compile)
    hooked = net[1].register_full_backward_hook
    return before_within_and_after(run, lambda: hooked(lambda m, inputs, outputs: (inputs[0] * 2,)), weight)


@scenario(KEPT)
def an_optimizer_before_its_step(compile: Compile) -> Any:
    _, opt, run, weight = trained(compile)

    def triple(its: Any, args: Any, kwargs: Any) -> None:
        for group in its.param_groups:
            for p in group["params"]:
                p.grad.mul_(3)

    return before_within_and_after(run, lambda: opt.register_step_pre_hook(triple), weight)


@pytest.mark.parametrize(("name", "agrees"), KEPT, ids=[name for name, _ in KEPT])
def test_a_hook_is_seen_when_it_comes_and_goes_on(name: str, agrees: Any) -> None:
    agrees()


@pytest.mark.parametrize("where", ["parameter", "module"])
def test_what_a_hook_names_is_seen(where: str) -> None:
    its = types.SimpleNamespace(k=2.0)
    net = nn.Linear(2, 1)
    if where == "parameter":
        net.weight.register_hook(lambda g: g * its.k)
    else:
        net.register_full_backward_hook(lambda m, inputs, outputs: None)
        net.register_forward_hook(lambda m, args, out: out * its.k)

    @torch.jit
    def step(x: torch.Tensor) -> Any:
        net.weight.grad = None
        net(x).sum().backward()
        return net.weight.grad

    assert step(ROW).tolist() == [[2, 2]]
    its.k = 5.0
    assert step(ROW).tolist() == [[5, 5]]


def test_a_step_in_the_hooks_of_gradients_is_compiled() -> None:
    def run(compile: Compile) -> Any:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        opts = {p: torch.optim.SGD([p], lr=0.1) for p in net.parameters()}

        def hook(p: Any) -> None:
            opts[p].step()
            opts[p].zero_grad()

        for p in net.parameters():
            p.register_post_accumulate_grad_hook(hook)

        def step(x: torch.Tensor) -> torch.Tensor:
            loss = net(x).square().sum()
            loss.backward()
            return loss

        call = compile(step)
        return [round(call(ROW).item(), 5) for _ in range(3)]

    assert run(lambda fn: torch.jit(fn, fullgraph=True)) == run(lambda fn: fn)


def test_a_hook_that_keeps_gradients_runs_where_the_backward_is_outside_of_the_compiled_module() -> None:
    kept: dict[str, torch.Tensor] = {}
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[1].register_full_backward_hook(lambda m, inputs, outputs: kept.update(output=outputs[0]))
    compiled = torch.jit(net)
    with pytest.warns(UserWarning, match="a hook on a gradient inside of it would not run"):
        out = compiled(ROW)
    out.sum().backward()
    assert kept["output"].tolist() == [[1.0]]
    out = compiled(ROW)
    out.mul(3).sum().backward()
    assert kept["output"].tolist() == [[3.0]]


def test_a_compiled_function_of_tensors_without_values_gives_their_shapes() -> None:
    double = torch.jit(lambda x: torch.cat([x, x]))
    assert double(torch.ones(2)).tolist() == [1.0] * 4
    out = double(torch.empty(3, device="meta"))
    assert out.is_meta and out.shape == (6,) and double.traces == 1
