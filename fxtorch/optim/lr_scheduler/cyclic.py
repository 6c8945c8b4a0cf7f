"""Schedules that also cycle the momentum, against the learning rate."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any, Literal

from fxtorch.optim.lr_scheduler.base import LRScheduler, Rate, check_optimizer, per_group, set_option
from fxtorch.optim.optimizer import Optimizer


class MomentumCycle(LRScheduler):
    """Base of the schedulers that may set momentum, or Adam's first beta, beside the learning rate."""

    cycle_momentum: bool
    use_beta1: bool

    def _begin_momentum(self, base: list[float], highest: list[float], fresh: bool) -> None:
        """Find out what the optimizer's momentum is called and, at the beginning, set it to its highest.

        Raises:
            ValueError: the optimizer has none.
        """
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in defaults
        if not fresh:
            return
        for group, low, high in zip(self.optimizer.param_groups, base, highest, strict=True):
            self._set_momentum(group, high)
            group["max_momentum"] = high
            group["base_momentum"] = low

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    @property
    def _changes(self) -> tuple[str, ...]:
        if not self.cycle_momentum:
            return ("lr",)
        return ("lr", "betas" if self.use_beta1 else "momentum")


class CyclicLR(MomentumCycle):
    """Up from ``base_lr`` to ``max_lr`` and down again, over and over; the momentum moves the other way.

    Args:
        optimizer: whose learning rates to set.
        base_lr: the lowest rate, or one for each group.
        max_lr: the highest rate, or one for each group.
        step_size_up: steps of the rise.
        step_size_down: steps of the fall; as many as of the rise if not given.
        mode: ``"triangular"`` repeats, ``"triangular2"`` halves the height at each cycle, ``"exp_range"`` scales it by
            ``gamma**step``.
        gamma: for ``"exp_range"``.
        scale_fn: a scale of one's own, in place of ``mode``.
        scale_mode: whether ``scale_fn`` is given the cycle, from 1, or the iteration.
        cycle_momentum: whether to move the momentum too.
        base_momentum: the lowest momentum.
        max_momentum: the highest momentum.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: the mode is unknown, a list has the wrong length, or there is no momentum to cycle.

    Source: Smith, "Cyclical learning rates for training neural networks", 2017.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_option(group, "lr", lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
            self._begin_momentum(self.base_momentums, self.max_momentums, fresh=last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of cycle, or at iteration, ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[Rate]:
        """The point of the cycle; the momentum is set to its counterpart."""
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        slope = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            groups = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in groups:
                self._set_momentum(group, high - (high - low) * slope * scale)
        return [low + (high - low) * slope * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and a plain ``scale_fn``; of a callable object, its attributes."""
        state = super().state_dict()
        custom = self._scale_fn_custom
        plain = custom is None or isinstance(custom, types.FunctionType)
        return {**state, "_scale_fn_custom": None if plain else custom.__dict__.copy()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; ``scale_fn`` stays."""
        custom = self._scale_fn_custom
        super().load_state_dict({**state_dict, "_scale_fn_custom": custom})
        if state_dict.get("_scale_fn_custom") is not None:
            vars(custom).update(state_dict["_scale_fn_custom"])
