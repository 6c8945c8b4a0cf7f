"""A backward that needs a value which was overwritten raises compiled as eagerly, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch

Step = Callable[[Any, Any, Any], Any]


def a_factor(w: Any, held: Any, x: Any) -> Any:
    y = w * x
    x.add_(1.0)
    return y


def a_factor_of_state(w: Any, held: Any, x: Any) -> Any:
    y = w * held
    held.add_(1.0)
    return y


def a_factor_made_inside(w: Any, held: Any, x: Any) -> Any:
    z = x * 1.0
    y = w * z
    z.add_(1.0)
    return y


def a_row_of_a_factor(w: Any, held: Any, x: Any) -> Any:
    y = w * x
    x[0].zero_()
    return y


def a_result_that_is_saved(w: Any, held: Any, x: Any) -> Any:
    y = (w * x).exp()
    y.mul_(2.0)
    return y


def a_result_of_the_operator_before(w: Any, held: Any, x: Any) -> Any:
    return (w * x).exp_().tanh_()


def an_argument_whose_sine_is_taken(w: Any, held: Any, x: Any) -> Any:
    z = w * 1.0
    y = z.sin()
    z.mul_(2.0)
    return y


def a_parameter_under_no_grad(w: Any, held: Any, x: Any) -> Any:
    y = w * w
    with torch.no_grad():
        w.mul_(0.5)
    return y


def a_summand(w: Any, held: Any, x: Any) -> Any:
    y = w + x
    x.add_(1.0)
    return y


def a_factor_before_it_is_used(w: Any, held: Any, x: Any) -> Any:
    x.mul_(2.0)
    held.add_(x)
    return w * x * held


def the_argument_of_an_exponential(w: Any, held: Any, x: Any) -> Any:
    z = w * x
    y = z.exp()
    z.add_(1.0)
    return y + z


def a_result_by_the_operator_itself(w: Any, held: Any, x: Any) -> Any:
    return (w * x).exp_()


def a_result_that_is_not_saved(w: Any, held: Any, x: Any) -> Any:
    return (w * x).sin().add_(1.0).sub_(x)


def a_slice_that_is_written(w: Any, held: Any, x: Any) -> Any:
    y = torch.zeros(2, 3)
    y[0] = w[0] * x[0]
    y[1].copy_(w[1])
    return y * 2.0


OVERWRITTEN: list[Step] = [
    a_factor,
    a_factor_of_state,
    a_factor_made_inside,
    a_row_of_a_factor,
    a_result_that_is_saved,
    a_result_of_the_operator_before,
    an_argument_whose_sine_is_taken,
    a_parameter_under_no_grad,
]
RIGHT: list[Step] = [
    a_summand,
    a_factor_before_it_is_used,
    the_argument_of_an_exponential,
    a_result_by_the_operator_itself,
    a_result_that_is_not_saved,
    a_slice_that_is_written,
]


def three_calls(make: Step, compile: Callable[[Any], Any], *, inside: bool) -> list[Any]:
    """What three calls on one argument give, and what they leave; or the words of what they raise."""
    w = torch.linspace(0.1, 0.6, 6).reshape(2, 3).requires_grad_()
    held, x, seen = torch.ones(2, 3), torch.linspace(-1.0, 1.0, 6).reshape(2, 3), []

    def step(x: Any) -> Any:
        loss = make(w, held, x).sum()
        if inside:
            loss.backward()
        return loss

    run = compile(step)
    for _ in range(3):
        try:
            loss = run(x)
            if not inside:
                loss.backward()
        except RuntimeError as error:
            seen.append(str(error).split(" at version ")[0])
            break
        assert w.grad is not None
        seen.append([loss.item(), *(t.detach().numpy().copy() for t in (w.grad, w, held, x))])
    return seen


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize("make", OVERWRITTEN, ids=lambda make: make.__name__)
def test_a_backward_misses(make: Step, inside: bool) -> None:
    eager = three_calls(make, lambda fn: fn, inside=inside)
    assert "modified by an inplace operation" in eager[-1]
    assert three_calls(make, lambda fn: torch.jit(fn, fullgraph=True), inside=inside) == eager


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize("make", RIGHT, ids=lambda make: make.__name__)
def test_a_backward_does_not_miss(make: Step, inside: bool) -> None:
    eager = three_calls(make, lambda fn: fn, inside=inside)
    compiled = three_calls(make, lambda fn: torch.jit(fn, fullgraph=True), inside=inside)
    assert len(eager) == len(compiled) == 3
    for a, b in zip(eager, compiled, strict=True):
        for u, v in zip(a, b, strict=True):
            np.testing.assert_allclose(v, u, rtol=1.3e-6, atol=1e-5)
