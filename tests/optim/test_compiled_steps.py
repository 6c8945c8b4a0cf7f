"""Optimizers and schedulers inside ``fxtorch.jit``: the same numbers as eagerly, and one trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
import pytest

import fxtorch as torch
from fxtorch import optim
from fxtorch.optim import lr_scheduler as s

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)

OPTIMIZERS: dict[str, Any] = {
    "adamax": lambda p: optim.Adamax(p, lr=0.01, weight_decay=0.1),
    "nadam": lambda p: optim.NAdam(p, lr=0.01),
    "radam": lambda p: optim.RAdam(p, lr=0.01),
    "adadelta": lambda p: optim.Adadelta(p),
    "rprop": lambda p: optim.Rprop(p, lr=0.01),
    "asgd": lambda p: optim.ASGD(p, lr=0.01, t0=3, lambd=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.9),
    "sgd": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.1, maximize=True),
    "optax": lambda p: optim.Optax(p, optax.lion, lr=0.01),
    "adam of two groups": lambda p: optim.Adam([{"params": p[:1]}, {"params": p[1:], "lr": 0.1}], lr=0.01),
}

SCHEDULERS: dict[str, Any] = {
    "one cycle": lambda o: s.OneCycleLR(o, 0.1, total_steps=20),
    "cyclic": lambda o: s.CyclicLR(o, 0.01, 0.1, 3),
    "sequence": lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=3), s.CosineAnnealingLR(o, 9)], [3]),
    "chain": lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
    "restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 3, 2),
}


def train(make: Any, schedule: Any, compiled: bool) -> tuple[list[float], Any, Any]:
    params = [torch.ones(4, requires_grad=True), torch.full((4,), 0.5, requires_grad=True)]
    opt = make(params)
    scheduler = None if schedule is None else schedule(opt)

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = ((x * params[0] + params[1]) ** 2).sum()
        loss.backward()
        opt.step()
        if scheduler is not None:
            scheduler.step()
        return loss

    run: Any = torch.jit(step) if compiled else step
    losses = [run(torch.tensor(x)).item() for x in X]
    return [*losses, *params[0].tolist(), *params[1].tolist()], opt, run


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_the_same_compiled(name):
    wanted, _, _ = train(OPTIMIZERS[name], None, compiled=False)
    got, _, run = train(OPTIMIZERS[name], None, compiled=True)
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-6)
    assert len(run.programs) == 1


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("momentum", ["momentum", "betas"])
def test_a_schedule_is_the_same_compiled_and_never_retraces(name, momentum):
    def make(params: Any) -> Any:
        if momentum == "betas":
            return optim.AdamW(params, lr=0.1)
        return optim.SGD(params, lr=0.01, momentum=0.5)

    wanted, eager, _ = train(make, SCHEDULERS[name], compiled=False)
    got, opt, run = train(make, SCHEDULERS[name], compiled=True)
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-6)
    assert {k: opt.param_groups[0][k] for k in ("lr", momentum)} == {
        k: eager.param_groups[0][k] for k in ("lr", momentum)
    }
    assert len(run.programs) == 1
