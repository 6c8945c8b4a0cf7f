"""Every learning-rate scheduler of PyTorch for fifty steps, alone, chained, in sequence, and from torch's own state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
from tests.conformance.translation import torch

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, on schedulers inside of others

STEPS = 50
Make = Callable[[Any, Any], Any]

# By class name; each is given the library's lr_scheduler (and swa_utils) and the optimizer.
SCHEDULERS: dict[str, list[Make]] = {
    "LambdaLR": [lambda s, o: s.LambdaLR(o, [lambda e: 0.95**e, lambda e: 1 / (1 + e)])],
    "MultiplicativeLR": [lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 + 0.001 * e)],
    "StepLR": [lambda s, o: s.StepLR(o, 7, 0.5), lambda s, o: s.StepLR(o, 1)],
    "MultiStepLR": [lambda s, o: s.MultiStepLR(o, [5, 20, 20, 41], 0.3)],
    "ConstantLR": [lambda s, o: s.ConstantLR(o, 0.25, 9), lambda s, o: s.ConstantLR(o, 1.0, 0)],
    "LinearLR": [lambda s, o: s.LinearLR(o, 0.2, 0.9, 12), lambda s, o: s.LinearLR(o)],
    "ExponentialLR": [lambda s, o: s.ExponentialLR(o, 0.93)],
    "PolynomialLR": [lambda s, o: s.PolynomialLR(o, 30, 1.7), lambda s, o: s.PolynomialLR(o)],
    "CosineAnnealingLR": [lambda s, o: s.CosineAnnealingLR(o, 11, 0.003), lambda s, o: s.CosineAnnealingLR(o, 60)],
    "CosineAnnealingWarmRestarts": [
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 1, 0.001),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2),
    ],
    "CyclicLR": [
        lambda s, o: s.CyclicLR(o, 0.01, 0.4, 6, 3),
        lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.4, 0.3], 6, mode="triangular2", base_momentum=[0.7, 0.8]),
        lambda s, o: s.CyclicLR(o, 0.01, 0.4, 6, mode="exp_range", gamma=0.98, cycle_momentum=False),
    ],
    "OneCycleLR": [
        lambda s, o: s.OneCycleLR(o, 0.5, total_steps=60),
        lambda s, o: s.OneCycleLR(
            o, [0.5, 0.2], epochs=6, steps_per_epoch=10, anneal_strategy="linear", three_phase=True
        ),
    ],
    "ReduceLROnPlateau": [
        lambda s, o: s.ReduceLROnPlateau(o, patience=2, factor=0.5),
        lambda s, o: s.ReduceLROnPlateau(o, "max", 0.7, 1, 0.05, "abs", 3, [0.02, 0.01]),
    ],
    "SWALR": [lambda s, o: s.SWALR(o, 0.03, anneal_epochs=12), lambda s, o: s.SWALR(o, [0.03, 0.02], 7, "linear")],
    "ChainedScheduler": [
        lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 8), s.ExponentialLR(o, 0.95), s.StepLR(o, 13)]),
        lambda s, o: s.ChainedScheduler([s.CosineAnnealingLR(o, 9), s.LinearLR(o, 0.5, total_iters=20)], optimizer=o),
    ],
    "SequentialLR": [
        lambda s, o: s.SequentialLR(
            o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 9)], [5, 30]
        ),
        lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=6), s.CosineAnnealingWarmRestarts(o, 7)], [6]),
        lambda s, o: s.SequentialLR(
            o,
            [
                s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=3), s.StepLR(o, 2)], [4]),
                s.PolynomialLR(o, 20, 2.0),
            ],
            [25],
        ),
    ],
}
CASES = [pytest.param(name, make, id=f"{name}-{i}") for name, made in SCHEDULERS.items() for i, make in enumerate(made)]
OPTIMIZERS = {
    "SGD": lambda library, groups: library.optim.SGD(groups, lr=0.1, momentum=0.9),
    "Adam with a Tensor": lambda library, groups: library.optim.Adam(
        groups, lr=library.tensor(0.1, dtype=library.float64)
    ),
}


class Library:
    """The schedulers of one library, under torch's names."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def __getattr__(self, name: str) -> Any:
        home = self.library.optim
        return getattr(home.lr_scheduler, name, None) or getattr(home.swa_utils, name)


def built(library: Any, optimizer: str, make: Make) -> tuple[Any, Any]:
    groups: list[dict[str, Any]] = [{"params": [library.ones(1, requires_grad=True)]} for _ in range(2)]
    if optimizer == "SGD":
        groups[1]["lr"] = 0.05
    opt = OPTIMIZERS[optimizer](library, groups)
    return opt, make(Library(library), opt)


def rates(opt: Any, scheduler: Any, steps: range) -> list[list[float]]:
    found = []
    for step in steps:
        opt.step()
        if type(scheduler).__name__ == "ReduceLROnPlateau":
            scheduler.step(math.sin(step) + 0.1 * step)
        else:
            scheduler.step()
        last = [float(x) for x in scheduler.get_last_lr()]
        found.append(last + [float(g["lr"]) for g in opt.param_groups])
        found[-1] += [float(g["momentum"] if "momentum" in g else g["betas"][0]) for g in opt.param_groups]
    return found


def test_every_scheduler_is_here() -> None:
    theirs = {
        n for n, v in vars(torch.optim.lr_scheduler).items() if isinstance(v, type) and n.endswith(("LR", "Scheduler"))
    }
    abstract = {"LRScheduler", "_LRScheduler", "Optimizer"}
    assert theirs - abstract <= SCHEDULERS.keys()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("name", "make"), CASES)
def test_fifty_steps_are_torchs(name: str, make: Make, optimizer: str) -> None:
    theirs = rates(*built(torch, optimizer, make), range(STEPS))
    ours = rates(*built(fxtorch, optimizer, make), range(STEPS))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("name", "make"), CASES)
def test_a_schedule_goes_on_from_torchs_state(name: str, make: Make) -> None:
    their_opt, theirs = built(torch, "SGD", make)
    rates(their_opt, theirs, range(20))
    our_opt, ours = built(fxtorch, "SGD", make)
    ours.load_state_dict(theirs.state_dict())
    for a, b in zip(our_opt.param_groups, their_opt.param_groups, strict=True):
        a.update({key: value for key, value in b.items() if key != "params"})
    after = range(20, STEPS)
    np.testing.assert_allclose(rates(our_opt, ours, after), rates(their_opt, theirs, after), rtol=1e-12, atol=1e-15)


def test_what_the_optimizer_database_schedules_is_torchs() -> None:
    common = pytest.importorskip("torch.testing._internal.common_optimizers", reason="torch's own databases")
    for info in common.optim_db:
        for makers in info.scheduler_inputs:
            found = []
            for library in (torch, fxtorch):
                opt = library.optim.SGD([library.ones(1, requires_grad=True)], lr=0.1)
                made = [_again(maker(torch.optim.SGD([torch.ones(1)], lr=0.1)), library, opt) for maker in makers]
                path = []
                for step in range(20):
                    opt.step()
                    for scheduler in made:
                        plateau = type(scheduler).__name__ == "ReduceLROnPlateau"
                        scheduler.step(1.0 / (1 + step)) if plateau else scheduler.step()
                    path.append(opt.param_groups[0]["lr"])
                found.append(path)
            np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


_OPTIONS = {
    "StepLR": ("step_size", "gamma"),
    "ExponentialLR": ("gamma",),
    "LinearLR": ("start_factor", "end_factor", "total_iters"),
    "ConstantLR": ("factor", "total_iters"),
    "PolynomialLR": ("total_iters", "power"),
    "ReduceLROnPlateau": ("mode", "factor", "patience"),
    "CosineAnnealingLR": ("T_max", "eta_min"),
}


def _again(scheduler: Any, library: Any, opt: Any) -> Any:
    """A scheduler of the database, of ``library`` and for another optimizer."""
    name = type(scheduler).__name__
    return getattr(library.optim.lr_scheduler, name)(opt, **{k: getattr(scheduler, k) for k in _OPTIONS[name]})
