"""Arguments that the function also reaches in another way, share memory with it, or carry hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile, scenario

KEPT: list[Any] = []


def trained(compile: Compile) -> tuple[Any, Any]:
    net = nn.Linear(2, 1)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        (net(x) * w.sum()).sum().backward()
        opt.step()
        return w * 1

    return net, compile(step)


@scenario(KEPT, 2)
def a_parameter_that_the_step_trains(compile: Compile) -> Any:
    net, step = trained(compile)
    return [step(net.weight, torch.ones(1, 2)) for _ in range(3)], net.weight


@scenario(KEPT)
def a_parameter_in_one_call_and_another_tensor_in_the_next(compile: Compile) -> Any:
    net, step = trained(compile)
    other = torch.ones(1, 2, requires_grad=True)
    seen = [step(w, torch.ones(1, 2)) for w in (other, net.weight, other, net.weight, net.bias)]
    return seen, net.weight, other.grad


@scenario(KEPT, 2)
def a_buffer_that_the_function_changes(compile: Compile) -> Any:
    buf = torch.zeros(2)

    def fn(x: torch.Tensor) -> torch.Tensor:
        buf.add_(1)
        return x * 2

    run = compile(fn)
    return run(buf), run(torch.ones(2)), run(buf), buf


@scenario(KEPT, 2)
def the_parameters_of_an_optimizer_that_steps(compile: Compile) -> Any:
    net = nn.Linear(2, 1)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(parameters: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        net(x).sum().backward()
        norm = nn.utils.clip_grad_norm_(parameters, 0.5)
        opt.step()
        return norm

    run = compile(step)
    return [run(list(net.parameters()), torch.ones(1, 2)) for _ in range(3)], net.weight


@scenario(KEPT, 2)
def a_part_of_a_tensor_that_is_written(compile: Compile) -> Any:
    base = torch.zeros(4)
    run = compile(lambda part: part.add_(1))
    run(base[1:3])
    run(base[1:3])
    run(base[0:1])
    return base


@scenario(KEPT, 3)
def a_leaf_that_gets_a_hook_and_loses_it(compile: Compile) -> Any:
    run = compile(lambda x: (x * 2).sum().backward())
    x = torch.ones(2, requires_grad=True)
    run(x)
    hook = x.register_hook(lambda g: g * 10)
    run(x)
    hook.remove()
    run(x)
    return x.grad


@scenario(KEPT, 1)
def an_array_of_numpys_made_a_tensor_inside(compile: Compile) -> Any:
    run = compile(lambda a: torch.from_numpy(a) * 2)
    return [run(np.full(2, i, np.float32)) for i in range(3)]


@pytest.mark.parametrize(("name", "agrees"), KEPT, ids=[name for name, _ in KEPT])
def test_an_argument_may_be(name: str, agrees: Any) -> None:
    agrees()


def test_a_program_for_one_tensor_is_not_run_for_another() -> None:
    net, step = trained(torch.jit)
    step(net.weight, torch.ones(1, 2))
    step(torch.ones(1, 2, requires_grad=True), torch.ones(1, 2))
    assert any("which Tensors are arguments" in reason for reason in step.reasons)
