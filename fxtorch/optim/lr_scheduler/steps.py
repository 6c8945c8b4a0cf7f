"""Schedules that jump at given epochs."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from fxtorch.optim.lr_scheduler.base import FactorLR, Rate
from fxtorch.optim.optimizer import Optimizer


class StepLR(FactorLR):
    """Multiply the rate by ``gamma`` every ``step_size`` epochs.

    Args:
        optimizer: whose learning rates to set.
        step_size: epochs between two jumps.
        gamma: the factor.
        last_epoch: how many steps were taken before.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        return self.gamma if self.last_epoch != 0 and self.last_epoch % self.step_size == 0 else 1.0

    def _closed_form(self) -> list[Rate]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(FactorLR):
    """Multiply the rate by ``gamma`` at each milestone; one named twice counts twice.

    Args:
        optimizer: whose learning rates to set.
        milestones: the epochs at which the rate jumps.
        gamma: the factor.
        last_epoch: how many steps were taken before.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        return self.gamma ** self.milestones[self.last_epoch]

    def _closed_form(self) -> list[Rate]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(FactorLR):
    """``factor`` times the base rate for the first ``total_iters`` epochs, then the base rate.

    Args:
        optimizer: whose learning rates to set.
        factor: between 0 and 1.
        total_iters: for how many epochs.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: ``factor`` is out of range.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else 1.0

    def _closed_form(self) -> list[Rate]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [base * factor for base in self.base_lrs]
