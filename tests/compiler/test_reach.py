"""State is found wherever a function reaches it, and its gradient may be absent before a call and after it."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile, scenario

REACHED: list[tuple[str, Callable[[], None]]] = []
LEAVES: list[tuple[str, Callable[[], None]]] = []
GRADIENTS: list[tuple[str, Callable[[], None]]] = []
W: Any = None
MODULE = types.ModuleType("settings")


def counted(compile: Compile, fn: Any, *tensors: Any) -> Any:
    """What three calls give, and what they leave in ``tensors``."""
    run = compile(fn)
    return [run(torch.full((2,), float(i))) for i in range(3)], list(tensors)


@scenario(REACHED, 1)
def in_a_global(compile: Compile) -> Any:
    global W
    W = torch.ones(2)

    def fn(x: Any) -> Any:
        return W.add_(x) * 2

    return counted(compile, fn, W)


@scenario(REACHED, 1)
def in_an_enclosing_function(compile: Compile) -> Any:
    w = torch.ones(2)
    return counted(compile, lambda x: w.add_(x) * 2, w)


@scenario(REACHED, 1)
def in_another_python_module(compile: Compile) -> Any:
    MODULE.w = torch.ones(2)  # type: ignore[attr-defined]
    return counted(compile, lambda x: MODULE.w.mul_(x + 1), MODULE.w)


@scenario(REACHED, 1)
def in_lists_and_dicts(compile: Compile) -> Any:
    held = {"all": [torch.ones(2), {"deep": (torch.zeros(2),)}]}
    inner: Any = held["all"]
    return counted(compile, lambda x: inner[0].add_(inner[1]["deep"][0].add_(x)), inner[0], inner[1]["deep"][0])


@scenario(REACHED, 1)
def behind_a_bound_method(compile: Compile) -> Any:
    class Average:
        def __init__(self) -> None:
            self.value = torch.zeros(2)

        def update(self, x: Any) -> Any:
            return self.value.mul_(0.5).add_(x)

    average = Average()
    return counted(compile, average.update, average.value)


@scenario(REACHED, 1)
def in_a_default_argument(compile: Compile) -> Any:
    w = torch.ones(2)

    def fn(x: Any, held: Any = w) -> Any:
        return held.add_(x)

    return counted(compile, fn, w)


@scenario(REACHED, 1)
def in_a_partial(compile: Compile) -> Any:
    w = torch.ones(2)
    return counted(compile, partial(lambda held, x: held.add_(x), w), w)


@scenario(REACHED, 1)
def in_the_buffers_of_another_module(compile: Compile) -> Any:
    model, teacher = nn.Linear(2, 2), nn.BatchNorm1d(2)

    def fn(x: Any) -> Any:
        teacher.running_mean.mul_(0.9).add_(model(x).detach(), alpha=0.1)  # type: ignore[union-attr]
        return model(x) - teacher.running_mean

    return counted(compile, fn, *teacher.buffers())


@scenario(REACHED, 1)
def twice_under_two_names(compile: Compile) -> Any:
    w = torch.ones(2)
    first, second = [w], {"w": w}
    return counted(compile, lambda x: first[0].add_(x) + second["w"].mul_(2), w)


@scenario(REACHED, 1)
def in_two_tensors_that_begin_with_one_array(compile: Compile) -> Any:
    a = torch.ones(2)
    b = torch.Tensor._make_subclass(torch.Tensor, a.detach(), False).clone()
    b._rebind(a._data)
    return counted(compile, lambda x: a.add_(x) * b.sub_(x), a, b)


def model_and_loss() -> tuple[Any, Callable[[Any], Any]]:
    net = nn.Linear(2, 1)
    return net, lambda x: net(x).square().sum()


@scenario(GRADIENTS, 1)
def goes_from_none_to_a_tensor(compile: Compile) -> Any:
    net, loss = model_and_loss()

    def fn(x: Any) -> Any:
        net.zero_grad()
        loss(x).backward()

    run = compile(fn)
    before = net.weight.grad is None
    run(torch.ones(3, 2))
    return before, net.weight.grad, net.bias.grad


@scenario(GRADIENTS, 1)
def goes_back_to_none(compile: Compile) -> Any:
    net, loss = model_and_loss()

    def fn(x: Any) -> Any:
        net.zero_grad(set_to_none=True)
        value = loss(x)
        value.backward()
        size = net.weight.grad.norm()
        net.zero_grad(set_to_none=True)
        return value, size

    run = compile(fn)
    return [run(torch.full((3, 2), 1.0 + i)) for i in range(3)], net.weight.grad is None, net.bias.grad is None


@scenario(GRADIENTS, 2)
def is_none_in_one_call_and_a_tensor_in_the_next(compile: Compile) -> Any:
    net, loss = model_and_loss()
    run, seen = compile(lambda x: loss(x).backward()), []
    for i in range(4):
        run(torch.full((3, 2), 1.0 + i))
        seen.append(net.weight.grad.clone())  # type: ignore[union-attr]
        if i % 2:
            net.zero_grad(set_to_none=True)
    return seen


@pytest.mark.parametrize(("name", "agrees"), REACHED, ids=[name for name, _ in REACHED])
def test_state_is_found(name: str, agrees: Callable[[], None]) -> None:
    agrees()


@pytest.mark.parametrize(("name", "agrees"), GRADIENTS, ids=[name for name, _ in GRADIENTS])
def test_a_gradient(name: str, agrees: Callable[[], None]) -> None:
    agrees()


@pytest.mark.parametrize("donate", [True, False])
def test_memory_is_reused_where_it_is_not_forbidden(donate: bool) -> None:
    w = torch.ones(1024)
    program = torch.jit(lambda: w.add_(1.0).sum(), donate=donate).lower().compile()
    assert ("input_output_alias" in program.as_text()) is donate


@scenario(LEAVES, 1)
def of_reshaped_numbers(compile: Compile) -> Any:
    return stepped(compile, torch.linspace(0.1, 0.6, 6).reshape(2, 3).requires_grad_())


@scenario(LEAVES, 1)
def of_a_row_of_a_table(compile: Compile) -> Any:
    table = torch.ones(3, 3)
    return stepped(compile, table[1].requires_grad_()), table


@scenario(LEAVES, 1)
def of_what_was_detached(compile: Compile) -> Any:
    return stepped(compile, torch.ones(3).detach().requires_grad_())


def stepped(compile: Compile, w: Any) -> Any:
    """Three steps of gradient descent on ``w``."""

    def fn(x: Any) -> Any:
        w.grad = None
        loss = (w * x).square().sum()
        loss.backward()
        slope: Any = w.grad
        with torch.no_grad():
            w.sub_(0.1 * slope)
        return loss

    run = compile(fn)
    return [run(torch.full((3,), 1.0 + i)) for i in range(3)], w, w.grad, w.requires_grad


@pytest.mark.parametrize(("name", "agrees"), LEAVES, ids=[name for name, _ in LEAVES])
def test_a_view_may_be_a_leaf(name: str, agrees: Callable[[], None]) -> None:
    agrees()


def test_a_view_that_becomes_a_leaf_is_seen() -> None:
    w = torch.ones(2, 3)[0]
    run = torch.jit(lambda x: (w * x).requires_grad)
    assert [run(torch.ones(3)), (w.requires_grad_(), run(torch.ones(3)))[1]] == [False, True]


def test_a_gradient_that_is_held_is_read_after_it_was_set_to_none() -> None:
    seen = []
    for compile in (lambda fn: fn, torch.jit):
        w = torch.ones(2, requires_grad=True)

        def step(w: Any = w) -> Any:
            held, w.grad = w.grad, None
            (w * held).sum().backward()
            return held * 2

        w.grad, run = torch.full((2,), 3.0), compile(step)
        seen.append([run().tolist(), run().tolist(), w.grad.tolist()])
    assert seen[0] == seen[1]
