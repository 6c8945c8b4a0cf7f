"""Prints, checks and NaN detection inside of compiled code."""

from __future__ import annotations

from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.debug import CheckError


def test_a_print_in_a_compiled_function_prints_at_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    @torch.jit
    def double(x: torch.Tensor) -> torch.Tensor:
        torch.debug.print("{} and {name}", x, name="fixed")
        return x * 2

    for i in range(2):
        double(torch.full((2,), float(i))).tolist()
    assert capsys.readouterr().out == "tensor([0., 0.]) and fixed\ntensor([1., 1.]) and fixed\n"


def test_a_failed_check_raises_and_leaves_all_state_as_it_was() -> None:
    w = nn.Parameter(torch.ones(2))
    opt = torch.optim.Adam([w], lr=0.1)

    @torch.jit(max_traces=1)
    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = (w * x * torch.rand(2)).sum()
        torch.debug.check(x > 0, "x is {} at least", x.min())
        loss.backward()
        opt.step()
        return loss

    step(torch.ones(2))

    def all_state() -> list[Any]:
        tensors = [w, w.grad, *opt.state[w].values(), torch.get_rng_state()]
        return [t.tolist() for t in tensors if t is not None]

    before = all_state()
    with pytest.raises(CheckError, match=r"x is -1\.0 at least, at .*test_debug\.py:\d+"):
        step(-torch.ones(2))
    assert all_state() == before
    step(torch.ones(2))
    assert all_state() != before


def test_a_check_in_a_loop_names_the_turns_values() -> None:
    def body(total: torch.Tensor, x: torch.Tensor) -> Any:
        torch.debug.check(x > 0, "row {}", x)
        return total + x, total

    for run in (torch.scan, torch.jit(torch.scan)):
        with pytest.raises(CheckError, match=r"row -2\.0"):
            run(body, torch.tensor(0.0), torch.tensor([1.0, -2.0, 3.0]))


def test_a_check_of_a_python_value_is_pythons() -> None:
    torch.debug.check(True, "never")
    with pytest.raises(CheckError, match="3 is wrong"):
        torch.debug.check(False, "{} is wrong", 3)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_operator_and_line_that_gave_nan_are_named(compiled: bool) -> None:
    def risky(x: torch.Tensor) -> torch.Tensor:
        y = x - 1
        return y.log() + 1

    run = torch.jit(risky) if compiled else risky
    assert run(torch.tensor(0.0)).isnan().item()
    with torch.debug.detect_nan(), pytest.raises(CheckError, match=r"log gave NaN, at .*test_debug\.py:\d+"):
        run(torch.tensor(0.0))


def test_nan_in_a_compiled_backward_names_the_operator_and_the_forward_line() -> None:
    w = torch.tensor(0.0, requires_grad=True)

    @torch.jit
    def step() -> None:
        (torch.sqrt(w) * 0).backward()

    with (
        torch.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan.*test_debug"),
    ):
        step()
    assert w.grad is None
    with torch.debug.detect_nan(), pytest.raises(CheckError, match=r"SqrtBackward0 \(of the call at .*test_debug"):
        step()


def test_a_check_under_a_transformation_of_eager_code_raises_as_everywhere() -> None:
    def checked(x: torch.Tensor) -> torch.Tensor:
        torch.debug.check(x.sum() < 3, "a sum of {}", x.sum())
        return x.sum()

    for call in (torch.vmap(checked), torch.jit(torch.vmap(checked)), torch.func.grad(lambda x: checked(x[0]))):
        with pytest.raises(torch.debug.CheckError, match=r"a sum of 3.0, at .*test_debug\.py:\d+"):
            call(torch.ones(2, 3))
