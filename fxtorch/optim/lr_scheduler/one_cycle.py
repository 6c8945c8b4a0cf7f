"""One cycle over the whole training."""

from __future__ import annotations

import math
from typing import Any, Literal

from fxtorch.optim.lr_scheduler.base import Rate, check_optimizer, per_group
from fxtorch.optim.lr_scheduler.cyclic import MomentumCycle
from fxtorch.optim.optimizer import Optimizer


def _phase(end_step: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
    return {
        "end_step": end_step,
        "start_lr": lr[0],
        "end_lr": lr[1],
        "start_momentum": momentum[0],
        "end_momentum": momentum[1],
    }


def _phases(total: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    down, up = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")
    first = _phase(float(pct_start * total) - 1, ("initial_lr", "max_lr"), down)
    if not three_phase:
        return [first, _phase(total - 1, ("max_lr", "min_lr"), up)]
    second = _phase(float(2 * pct_start * total) - 2, ("max_lr", "initial_lr"), up)
    return [first, second, _phase(total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum"))]


def _total_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    given = {"total_steps": total_steps} if total_steps is not None else {
        "epochs": epochs, "steps_per_epoch": steps_per_epoch
    }  # fmt: skip
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(v for v in given.values() if v is not None)


class OneCycleLR(MomentumCycle):
    """Up to ``max_lr``, then down to far below the start, once; the momentum moves the other way.

    Args:
        optimizer: whose learning rates to set.
        max_lr: the highest rate, or one for each group.
        total_steps: the length of the cycle; or give ``epochs`` and ``steps_per_epoch``.
        epochs: of the training.
        steps_per_epoch: of the training.
        pct_start: which part of the cycle is the rise.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether to move the momentum too.
        base_momentum: the lowest momentum.
        max_momentum: the highest momentum.
        div_factor: ``max_lr`` over the first rate.
        final_div_factor: the first rate over the last.
        three_phase: come down as slowly as it rose, then fall on.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: an option is out of range, there is no momentum to cycle, or (from ``step``) the cycle is over.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2018.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        fresh = last_epoch == -1
        for group, highest in zip(optimizer.param_groups, per_group("max_lr", optimizer, max_lr), strict=True):
            if fresh:
                group["initial_lr"] = highest / div_factor
                group["max_lr"] = highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            lowest = per_group("base_momentum", optimizer, base_momentum)
            self._begin_momentum(lowest, per_group("max_momentum", optimizer, max_momentum), fresh)
        super().__init__(optimizer, last_epoch)

    def _between(self, group: dict[str, Any], start: str, end: str, part: float) -> Rate:
        if self._anneal_func_type == "linear":
            return (group[end] - group[start]) * part + group[start]
        return group[end] + (group[start] - group[end]) / 2.0 * (math.cos(math.pi * part) + 1)

    def get_lr(self) -> list[Rate]:
        """The point of the cycle; the momentum is set to its counterpart.

        Raises:
            ValueError: the cycle is over.
        """
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        begin = 0.0
        for phase in self._schedule_phases[:-1]:
            if step <= phase["end_step"]:
                break
            begin = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        part = (step - begin) / (phase["end_step"] - begin)
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                self._set_momentum(group, self._between(group, phase["start_momentum"], phase["end_momentum"], part))
        return [self._between(group, phase["start_lr"], phase["end_lr"], part) for group in groups]
