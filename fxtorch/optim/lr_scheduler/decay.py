"""Schedules that fall, or rise, smoothly."""

from __future__ import annotations

from fxtorch.optim.lr_scheduler.base import FactorLR, Rate
from fxtorch.optim.optimizer import Optimizer


class LinearLR(FactorLR):
    """From ``start_factor`` times the base rate to ``end_factor`` times it, along a line of ``total_iters`` epochs.

    Args:
        optimizer: whose learning rates to set.
        start_factor: above 0, at most 1.
        end_factor: between 0 and 1.
        total_iters: the length of the line.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: a factor is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def _closed_form(self) -> list[Rate]:
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * done
        return [base * factor for base in self.base_lrs]


class ExponentialLR(FactorLR):
    """Multiply the rate by ``gamma`` at each epoch.

    Args:
        optimizer: whose learning rates to set.
        gamma: the factor.
        last_epoch: how many steps were taken before.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        return 1.0 if self._is_initial else self.gamma

    def _closed_form(self) -> list[Rate]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(FactorLR):
    """``base_lr * (1 - epoch / total_iters)**power``, and 0 after it.

    Args:
        optimizer: whose learning rates to set.
        total_iters: after how many epochs the rate is 0.
        power: of the polynomial.
        last_epoch: how many steps were taken before.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        left, left_before = (1.0 - epoch / self.total_iters for epoch in (self.last_epoch, self.last_epoch - 1))
        return (left / left_before) ** self.power

    def _closed_form(self) -> list[Rate]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]
