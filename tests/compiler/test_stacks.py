"""Parameters of one shape are one array of a compiled step, and train as if each were its own."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn, optim
from tests.compiler.scenarios import Compile, assert_agrees, program_of, step_of, trained

X = torch.ones(2, 3)
OPTIMIZERS: dict[str, Any] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD with momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.05, weight_decay=0.1, amsgrad=True, maximize=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "Adadelta": optim.Adadelta,
    "Adamax": lambda p: optim.Adamax(p, lr=0.05),
    "ASGD": lambda p: optim.ASGD(p, lr=0.05, t0=1),
    "NAdam": lambda p: optim.NAdam(p, lr=0.05),
    "RAdam": lambda p: optim.RAdam(p, lr=0.05),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.05, momentum=0.9, centered=True),
    "Rprop": lambda p: optim.Rprop(p, lr=0.05),
}


def layers(count: int = 5) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(3, 3) for _ in range(count)))


def slots_of(step: Any) -> list[int]:
    """How many Tensors are the rows of each input of the state; 1 where they are no rows."""
    program = program_of(step)
    return sorted(1 if slot.shapes else len(slot.members) for slot in program.inputs.packing.slots)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
def test_every_optimizer_steps_a_stack_as_its_rows(make: Any) -> None:
    assert_agrees(trained(layers, make, X, 6), traces=1)


def test_parameters_moments_and_gradients_of_a_shape_are_one_array() -> None:
    net = layers()
    step = torch.jit(step_of(net, optim.Adam(net.parameters())))
    step(X)
    assert slots_of(step) == [5] * 8  # weights and biases: values, two moments, the number of steps
    of_grads = program_of(step).outcome.steady.grad_slots
    assert [slot.members for slot in of_grads] == [(0, 2, 4, 6, 8), (1, 3, 5, 7, 9)]


def test_large_and_few_parameters_are_not_stacked() -> None:
    for net in (layers(3), nn.Sequential(*(nn.Linear(100, 100) for _ in range(4)))):
        step = torch.jit(step_of(net, optim.SGD(net.parameters(), lr=0.1)))
        step(torch.ones(2, net[0].in_features))
        assert set(slots_of(step)) == {1}


def test_blocks_of_a_loop_are_stacked_whatever_their_size() -> None:
    def scenario(compile: Compile) -> Any:
        layer = nn.TransformerEncoderLayer(96, 2, 96, dropout=0.0, batch_first=True)
        net = nn.TransformerEncoder(layer, 8)
        step = compile(step_of(net, optim.SGD(net.parameters(), lr=1e-2, momentum=0.9)))
        out = [step(torch.ones(2, 3, 96)) for _ in range(3)]
        if compile is torch.jit:
            assert set(slots_of(step)) == {8}
        return out, list(net.parameters()), [p.grad for p in net.parameters()]

    assert_agrees(scenario, traces=1)


def test_a_step_of_more_blocks_is_no_larger_a_program() -> None:
    counts = []
    for blocks in (8, 24):
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        net = nn.TransformerEncoder(layer, blocks)
        step = torch.jit(step_of(net, optim.Adam(net.parameters(), lr=1e-3)))
        text = step.lower(torch.ones(2, 3, 8)).compile().as_text()
        counts.append([text.count(f" {kind}(") for kind in ("fusion", "dot", "sqrt", "copy")])
    assert counts[0] == counts[1] and counts[0][0] > 0


def test_copies_that_begin_with_one_array_are_stacked() -> None:
    first = nn.Linear(3, 3)
    net = nn.Sequential(*(copy.deepcopy(first) for _ in range(4)))
    step = torch.jit(step_of(net, optim.SGD(net.parameters(), lr=0.1)))
    step(X)
    assert slots_of(step) == [4, 4]


def test_a_frozen_layer_and_one_without_a_gradient_are_left_out() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers(7)
        net[1].requires_grad_(False)
        unused = nn.Linear(3, 3)
        opt = optim.Adam([*net.parameters(), *unused.parameters()], lr=0.05)
        step = compile(step_of(net, opt))
        losses = [step(X) for _ in range(3)]
        return losses, list(net.parameters()), list(unused.parameters())

    assert_agrees(scenario, traces=1)


def test_groups_with_options_of_their_own_are_stacked_apart() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers(8)
        opt = optim.SGD([{"params": net[:4].parameters(), "lr": 0.3}, {"params": net[4:].parameters()}], lr=0.1)
        step = compile(step_of(net, opt))
        losses = [step(X)]
        opt.param_groups[1]["lr"] = 0.0
        losses.append(step(X))
        if compile is torch.jit:
            assert slots_of(step) == [4, 4, 4, 4]
        return losses, list(net.parameters())

    assert_agrees(scenario, traces=1)


def test_a_gradient_that_two_parameters_share_is_kept_for_both() -> None:
    def scenario(compile: Compile) -> Any:
        params = [nn.Parameter(torch.ones(2) * i) for i in range(5)]
        opt = optim.SGD(params, lr=0.1)

        def step() -> torch.Tensor:
            opt.zero_grad()
            total: Any = sum(params)
            loss = total.square().sum()
            loss.backward()
            opt.step()
            return loss

        run = compile(step)
        return [run() for _ in range(3)], params, [p.grad for p in params]

    assert_agrees(scenario, traces=1)


def test_a_type_that_changes_is_compiled_for() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers(4)
        step = compile(step_of(net, optim.SGD(net.parameters(), lr=0.1)))
        losses = [step(X), step(X)]
        net[2].weight.data = net[2].weight.data.double().float() * 2
        losses.append(step(X))
        net.double()
        return [*losses, step(X.double()), step(X.double())], list(net.parameters())

    assert_agrees(scenario)


def test_a_step_goes_on_from_a_state_dict() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers()
        opt = optim.Adam(net.parameters(), lr=0.05)
        step = compile(step_of(net, opt))
        step(X)
        model, state = copy.deepcopy(net.state_dict()), copy.deepcopy(opt.state_dict())
        step(X)
        net.load_state_dict(model)
        opt.load_state_dict(state)
        return step(X), step(X), list(net.parameters())

    assert_agrees(scenario)


def test_state_of_another_type_is_left_out() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers()
        opt = optim.Adam(net.parameters(), lr=0.05)
        step_of(net, opt)(X)
        for name in ("exp_avg", "exp_avg_sq"):
            opt.state[net[1].weight][name] = opt.state[net[1].weight][name].double()
        step = compile(step_of(net, opt))
        losses = [step(X) for _ in range(2)]
        if compile is torch.jit:
            assert slots_of(step) == [1] * 4 + [4] * 4 + [5] * 4
        return losses, list(net.parameters()), opt.state[net[1].weight]["exp_avg"]

    assert_agrees(scenario, traces=1)


def test_steps_of_two_functions_share_what_is_stacked() -> None:
    def scenario(compile: Compile) -> Any:
        maker, judge = layers(), layers()
        of_maker, of_judge = (optim.Adam(net.parameters(), lr=0.05) for net in (maker, judge))

        def judge_better(x: torch.Tensor) -> torch.Tensor:
            of_judge.zero_grad()
            loss = judge(maker(x).detach()).square().mean()
            loss.backward()
            of_judge.step()
            return loss

        def make_better(x: torch.Tensor) -> torch.Tensor:
            of_maker.zero_grad()
            loss = (judge(maker(x)) - 1).square().mean()
            loss.backward()
            of_maker.step()
            return loss

        first, second = compile(judge_better), compile(make_better)
        losses = [(first(X), second(X)) for _ in range(4)]
        return losses, list(maker.parameters()), list(judge.parameters()), [p.grad for p in judge.parameters()]

    assert_agrees(scenario)


def test_a_second_derivative_goes_through_stacked_blocks() -> None:
    def scenario(compile: Compile) -> Any:
        blocks = nn.ModuleList(nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(4))
        opt = optim.SGD(blocks.parameters(), lr=0.1)

        def step(x: torch.Tensor) -> torch.Tensor:
            opt.zero_grad()
            out = torch.func.scan_modules(blocks, x)
            (slope,) = torch.autograd.grad(out.sum(), [blocks[0][0].weight], create_graph=True)
            loss = slope.square().sum()
            loss.backward()
            opt.step()
            return loss

        run = compile(step)
        return [run(X) for _ in range(3)], list(blocks.parameters())

    assert_agrees(scenario, traces=1)


def test_stacked_values_are_read_inside_of_another_trace() -> None:
    net = layers()
    step = torch.jit(step_of(net, optim.SGD(net.parameters(), lr=0.1)))
    for _ in range(2):
        step(X)
    np.testing.assert_allclose(torch.jit(lambda x: net(x).sum())(X).item(), net(X).sum().item(), rtol=1e-6)
