"""Schedulers that step inside of a compiled step: before the program, and not at all where the step fails."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.optim import lr_scheduler

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "one": lambda opt: lr_scheduler.ExponentialLR(opt, 0.5),
    "two one after the other": lambda opt: lr_scheduler.SequentialLR(
        opt, [lr_scheduler.ConstantLR(opt, 0.5, 2), lr_scheduler.ExponentialLR(opt, 0.5)], [2]
    ),
    "two at once": lambda opt: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ExponentialLR(opt, 0.5), lr_scheduler.StepLR(opt, 2)]
    ),
}
X = torch.ones(2, 3)


class Trainer:
    """A model whose step can fail, in a check or in its schedule, which steps first or last."""

    def __init__(self, schedule: Callable[[Any], Any], *, first: bool) -> None:
        torch.manual_seed(0)
        self.net = nn.Linear(3, 1)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=0.1)
        self.schedule, self.first = schedule(self.opt), first
        self.limit = torch.tensor(1e9)

    def step(self, x: torch.Tensor) -> torch.Tensor:
        if self.first:
            self.schedule.step()
        self.opt.zero_grad()
        loss = self.net(x).square().sum()
        loss.backward()
        self.opt.step()
        if not self.first:
            self.schedule.step()
        torch.debug.check(loss < self.limit, "large")
        return loss

    def state(self) -> Any:
        parts = self.net.state_dict(), self.opt.state_dict(), self.schedule.state_dict()
        return copy.deepcopy([*parts, self.schedule.get_last_lr()])


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("many", [False, True], ids=["jit", "fold"])
def test_a_check_that_fails_leaves_schedulers_as_they_were(
    schedule: Callable[[Any], Any], first: bool, many: bool
) -> None:
    a, b = (Trainer(schedule, first=first) for _ in range(2))
    run = torch.fold(a.step) if many else torch.jit(a.step)
    x = torch.stack([X, X]) if many else X
    for _ in range(2):
        run(x)
    before = a.state()
    a.limit.fill_(-1.0)
    with pytest.raises(torch.debug.CheckError):
        run(x)
    torch.testing.assert_close(a.state(), before, rtol=0, atol=0)
    a.limit.fill_(1e9)
    run(x)
    for _ in range(6 if many else 3):
        b.step(X)
    torch.testing.assert_close(a.state(), b.state())


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_a_schedule_that_raises_leaves_everything_as_it_was(first: bool) -> None:
    fails = [False]

    def rate(epoch: int) -> float:
        if fails[0]:
            raise ZeroDivisionError("no rate")
        return 1 / (1 + epoch)

    trainer = Trainer(lambda opt: lr_scheduler.LambdaLR(opt, rate), first=first)
    step = torch.jit(trainer.step)
    for _ in range(3):
        step(X)
    before = trainer.state()
    fails[0] = True
    with pytest.raises(ZeroDivisionError, match="no rate"):
        step(X)
    torch.testing.assert_close(trainer.state(), before, rtol=0, atol=0)
    fails[0] = False
    step(X)
    assert trainer.schedule.last_epoch == 4
