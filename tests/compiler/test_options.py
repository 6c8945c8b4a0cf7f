"""Numbers of optimizers and schedulers that the compiled code itself reads or sets are never those of the trace."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile

Reads = Callable[[Any, Any], Any]


def of_the_group(opt: Any, schedule: Any) -> Any:
    return opt.param_groups[0]["lr"]


def of_all_items(opt: Any, schedule: Any) -> Any:
    return [value for key, value in opt.param_groups[0].items() if key != "params"]


def the_last_rate(opt: Any, schedule: Any) -> Any:
    return schedule.get_last_lr()[0]


def the_epoch(opt: Any, schedule: Any) -> Any:
    return schedule.last_epoch


def the_optimizers_state(opt: Any, schedule: Any) -> Any:
    return opt.state_dict()["param_groups"][0]["lr"]


def the_schedules_state(opt: Any, schedule: Any) -> Any:
    return schedule.state_dict()["last_epoch"]


READS = [of_the_group, of_all_items, the_last_rate, the_epoch, the_optimizers_state, the_schedules_state]


def seen(compile: Compile, reads: Reads, *, inside: bool) -> Any:
    w = nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([w], lr=0.5)
    schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)

    @compile
    def step(x: torch.Tensor) -> Any:
        opt.zero_grad()
        (w * x).sum().backward()
        opt.step()
        if inside:
            schedule.step()
        return reads(opt, schedule)

    out = []
    for _ in range(4):
        out.append(step(torch.ones(2)))
        if not inside:
            schedule.step()
    return out, w.tolist()


@pytest.mark.parametrize("inside", [False, True], ids=["stepped outside", "stepped inside"])
@pytest.mark.parametrize("reads", READS, ids=lambda f: f.__name__)
def test_a_rate_that_is_read_is_the_one_of_the_call(reads: Reads, inside: bool) -> None:
    wanted = seen(lambda fn: fn, reads, inside=inside)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a schedule changes inside runs eagerly
        assert seen(torch.jit, reads, inside=inside) == wanted
    if not inside:  # and as one program for each rate otherwise
        assert seen(lambda fn: torch.jit(fn, fullgraph=True), reads, inside=inside) == wanted


def test_parameters_may_be_reached_through_the_groups_without_a_trace_for_each_rate() -> None:
    w = nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([w], lr=0.5)

    @torch.jit
    def step(x: torch.Tensor) -> None:
        for group in opt.param_groups:
            for p in group["params"]:
                p.grad = None
        (w * x).sum().backward()
        opt.step()

    for i in range(4):
        opt.param_groups[0]["lr"] = 0.5**i
        step(torch.ones(2))
    assert step.traces == 1 and w.tolist() == [1 - 1.875] * 2


def test_a_rate_that_is_set_inside_is_set_at_each_call() -> None:
    def run(compile: Compile) -> Any:
        w = nn.Parameter(torch.ones(2))
        opt = torch.optim.SGD([w], lr=0.5)

        @compile
        def step(x: torch.Tensor) -> None:
            for group in opt.param_groups:
                group["lr"] = group["lr"] * 0.5
            opt.zero_grad()
            (w * x).sum().backward()
            opt.step()

        for _ in range(4):
            step(torch.ones(2))
        return w.tolist(), opt.param_groups[0]["lr"]

    wanted = run(lambda fn: fn)
    with pytest.warns(UserWarning, match="sets 'lr' of an optimizer"):
        assert run(torch.jit) == wanted


def test_a_rate_that_was_set_before_a_failure_is_what_it_was() -> None:
    opt = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.5)

    @torch.jit
    def step() -> None:
        opt.param_groups[0]["lr"] = 3.0
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        step()
    assert opt.param_groups[0]["lr"] == 0.5
