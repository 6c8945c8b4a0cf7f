"""A compiled branch or loop minds what its eager turns would have saved, and gives gradients to what they reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile, assert_agrees

Body = Callable[..., Any]
BODIES: dict[str, Body] = {
    "a loop that saves a parameter": lambda w, b, s, x: torch.scan(lambda c, r: (c + r, c * w[0]), s, x),
    "a loop that saves its result": lambda w, b, s, x: torch.scan(lambda c, r: ((c * w[1] + r).tanh(), c * b), s, x),
    "a loop whose state wants no gradient": lambda w, b, s, x: torch.scan(lambda c, r: (c + b, r * 2), s, x),
    "a loop whose state wants one after a turn": lambda w, b, s, x: torch.scan(
        lambda c, r: (c + b * w[0], c + 1), s, x
    ),
    "a loop that keeps what its state needs": lambda w, b, s, x: torch.scan(
        lambda c, r: ((n := (c + r).exp()), n * w[0]), s, x
    ),
    "a branch in a loop": lambda w, b, s, x: torch.scan(
        lambda c, r: (torch.cond(r.sum() > 0, lambda c: c * w[0], lambda c: c * w[0] + 1, (c,)), c + r), s, x
    ),
    "branches that save their argument": lambda w, b, s, x: torch.cond(
        x.sum() >= 0, lambda x: (x * w, x + 1), lambda x: (x * w * 2, x - 1), (x,)
    ),
}


def outcome(compile: Compile, body: Body, changed: str, walked: tuple[int, ...]) -> Any:
    w = nn.Parameter(torch.linspace(-1.0, 1.0, 6).reshape(2, 3))
    x = torch.linspace(-1.0, 1.0, 6).reshape(2, 3).requires_grad_()
    b, s = torch.linspace(0.0, 1.0, 3), torch.zeros(3)
    out = compile(lambda s, x: body(w, b, s, x))(s, x)
    seen: list[Any] = list(out)
    with torch.no_grad():
        {"w": w, "b": b, "x": x, "state": out[0], "nothing": torch.ones(1)}[changed].mul_(0.5)
    for i in walked:
        try:
            if out[i].requires_grad:
                out[i].sum().backward()
        except RuntimeError as error:
            seen.append(str(error).split("inplace operation")[0])
    return seen, w.grad, x.grad


@pytest.mark.parametrize("changed", ["nothing", "w", "b", "state"])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_what_an_eager_turn_saves_must_not_be_overwritten(body: Body, changed: str) -> None:
    assert_agrees(lambda compile: outcome(compile, body, changed, (0, 1)))


@pytest.mark.parametrize("walked", [(0,), (1,), (1, 1), (1, 0)])
@pytest.mark.parametrize("name", ["a loop that keeps what its state needs", "branches that save their argument"])
def test_each_result_has_the_graph_of_its_own_turns(name: str, walked: tuple[int, ...]) -> None:
    assert_agrees(lambda compile: outcome(compile, BODIES[name], "nothing", walked))


def test_a_backward_inside_of_the_function_minds_it_too() -> None:
    w = nn.Parameter(torch.ones(3))

    def step(x: torch.Tensor) -> None:
        out = torch.scan(lambda c, r: (c + r, c * w), torch.zeros(3), x)[1]
        with torch.no_grad():
            w.mul_(0.5)
        out.sum().backward()

    for call in (step, torch.jit(step)):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            call(torch.ones(2, 3, requires_grad=True))


def test_an_optimizer_leaves_alone_what_the_walked_result_does_not_depend_on() -> None:
    def scenario(compile: Compile) -> Any:
        a, b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        opt = torch.optim.Adam([a, b], weight_decay=0.1)

        @compile
        def step(x: torch.Tensor) -> torch.Tensor:
            opt.zero_grad()
            total, _ = torch.scan(lambda c, r: (c + r * a, r * b), torch.zeros(3), x)
            total.sum().backward()
            opt.step()
            return total

        return [step(torch.ones(2, 3)) for _ in range(2)], a, b, b.grad

    assert_agrees(scenario)


@pytest.mark.parametrize("inside", [False, True])
def test_two_results_of_a_loop_are_walked_together(inside: bool) -> None:
    def scenario(compile: Compile) -> Any:
        torch.manual_seed(0)
        cell, head = nn.GRUCell(3, 4), nn.Linear(4, 1)
        params = [*cell.parameters(), *head.parameters()]

        def loss(x: torch.Tensor) -> torch.Tensor:
            def turn(h: torch.Tensor, row: torch.Tensor) -> Any:
                h = cell(row, h)
                return h, head(h)

            last, each = torch.scan(turn, torch.zeros(2, 4), x)
            return each.square().mean() + last.abs().mean()

        def step(x: torch.Tensor) -> torch.Tensor:
            out = loss(x)
            out.backward()
            return out.detach()

        call = compile(step if inside else loss)
        for _ in range(3):
            out = call(torch.ones(5, 2, 3))
            if not inside:
                out.backward()
        return [p.grad for p in params]

    assert_agrees(scenario)


def test_a_loop_has_second_derivatives_inside() -> None:
    def scenario(compile: Compile) -> Any:
        w = nn.Parameter(torch.full((3,), 0.5))

        def step(x: torch.Tensor) -> torch.Tensor:
            last, each = torch.scan(lambda c, r: ((c * w + r).tanh(), c * w), torch.zeros(3), x)
            (first,) = torch.autograd.grad(last.sum() + each.sum(), w, create_graph=True)
            first.square().sum().backward()
            return first.detach()

        return compile(step)(torch.linspace(-1.0, 1.0, 12).reshape(4, 3)), w.grad

    assert_agrees(scenario)
