"""Schedules given as functions."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from fxtorch.optim.lr_scheduler.base import LRScheduler, Rate, values_of
from fxtorch.optim.optimizer import Optimizer

Schedule = Callable[[int], float]


class _Functions(LRScheduler):
    """Schedulers with one function a group; functions are not part of the state, the attributes of objects are."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Schedule | list[Schedule], last_epoch: int = -1) -> None:
        count = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(f"Expected {count} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and plain functions; of callable objects, their attributes."""
        state = super().state_dict()
        plain = types.FunctionType
        state["lr_lambdas"] = [None if isinstance(f, plain) else f.__dict__.copy() for f in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; the functions stay."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                function.__dict__.update(saved)


class LambdaLR(_Functions):
    """``lr = base_lr * lr_lambda(epoch)``.

    Args:
        optimizer: whose learning rates to set.
        lr_lambda: the function, or one for each group.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: there are not as many functions as groups.

    Example:
        >>> import fxtorch as torch
        >>> opt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
        >>> scheduler = torch.optim.lr_scheduler.LambdaLR(opt, lambda epoch: 1 / (1 + epoch))
        >>> opt.step(); scheduler.step()
        >>> opt.param_groups[0]["lr"]
        0.25
    """

    def get_lr(self) -> list[Rate]:
        """The base rates times the functions' values."""
        self._warn_outside_step()
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_Functions):
    """``lr = lr * lr_lambda(epoch)``.

    Args:
        optimizer: whose learning rates to set.
        lr_lambda: the function, or one for each group.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: there are not as many functions as groups.
    """

    def get_lr(self) -> list[Rate]:
        """The current rates times the functions' values."""
        self._warn_outside_step()
        rates = values_of(self.optimizer, "lr")
        if self._is_initial:
            return rates
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, rates, strict=True)]
