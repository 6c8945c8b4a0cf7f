"""How long a training step takes, on one batch again and again, and how much longer the first one does."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import fxtorch as torch
from experiments.running.run import compiled
from experiments.running.system import system


class Timing(NamedTuple):
    """The median speed of a step, and what the first call cost beyond a step: compilation, above all."""

    steps_per_second: float
    first: float


def time_step(name: str, mode: str, seconds: float = 1.0) -> Timing:
    """Time the step of a system for about ``seconds`` after a few steps to settle.

    The clock of a block of steps stops when the last loss has been read, so that nothing is left under way.
    """
    its = system(name)
    torch.manual_seed(0)
    model = its.make_model()
    step = compiled(its.make_step(model, its.make_optimizer(model)), mode)
    batch = its.make_batch(its.BATCH)

    def block(steps: int) -> float:
        begin = time.perf_counter()
        for _ in range(steps):
            loss = step(*batch)
        loss.detach().numpy()
        return (time.perf_counter() - begin) / steps

    first = block(1)
    settled = min(block(1) for _ in range(4))
    steps = max(1, int(seconds / 8 / settled))
    median = statistics.median(block(steps) for _ in range(max(2, min(8, int(seconds / settled / steps)))))
    return Timing(1 / median, max(first - median, 0.0))
