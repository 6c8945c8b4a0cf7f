"""What every learning-rate scheduler has."""

from __future__ import annotations

import warnings
from typing import Any

from fxtorch.optim.optimizer import Optimizer
from fxtorch.tensor import Tensor, host_effect, show_options

Rate = Any  # a float, or a 0-dim Tensor where the group's own is one

_EPOCH_IS_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler."
)
_WRONG_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: otherwise the "
    "first value of the learning rate schedule is skipped."
)


def values_of(optimizer: Optimizer, option: str) -> list[Rate]:
    """``option`` of every group; Tensors are copied, so that a caller cannot change the group's own."""
    return [v.detach().clone() if isinstance(v, Tensor) else v for v in (g[option] for g in optimizer.param_groups)]


def set_option(group: dict[str, Any], option: str, value: Rate) -> None:
    """Set ``group[option]``; where it is a Tensor, its content."""
    if isinstance(group[option], Tensor):
        group[option].data.fill_(value)
    else:
        group[option] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """``value`` once for each parameter group.

    Raises:
        ValueError: a list of another length is given.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {count}."
        )
    return list(value)


def check_optimizer(optimizer: Any) -> None:
    """Raise unless ``optimizer`` is one.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


class LRScheduler:
    """Base class: a subclass says in :meth:`get_lr` what the learning rates at ``self.last_epoch`` are.

    In a step compiled by ``fxtorch.jit`` a scheduler's step runs on the host after each call, and the new rate is an
    input of the next: no schedule ever compiles anew.

    Args:
        optimizer: whose learning rates to set.
        last_epoch: how many steps were taken before; -1 at the beginning.

    Attributes:
        base_lrs: the learning rate that each group began with.
        last_epoch: how many steps were taken.

    Raises:
        TypeError: ``optimizer`` is none.
        KeyError: a group has no ``initial_lr`` though ``last_epoch`` says that training goes on.
    """

    # what a step changes in a group: the compiler reads these anew at each call
    _changes: tuple[str, ...] = ("lr",)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, (group, lr) in enumerate(zip(optimizer.param_groups, values_of(optimizer, "lr"), strict=True)):
            if last_epoch == -1:
                group.setdefault("initial_lr", lr)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state first"
                )
        self.base_lrs: list[Rate] = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._step_count = 0
        self._is_initial = False
        self._get_lr_called_within_step = False
        self._last_lr: list[Rate] = []
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything that the scheduler knows, the optimizer apart."""
        show_options(self)
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Rate]:
        """The learning rates that the last step set, one a group."""
        show_options(self, "_last_lr")
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The learning rates at ``self.last_epoch``; :meth:`step` asks for them."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates; call it after the optimizer's step.

        Args:
            epoch: deprecated: go to this epoch instead of the next.
        """
        self._on_host(lambda: self._step(epoch))

    def _on_host(self, run: Any) -> None:
        groups = self.optimizer.param_groups
        host_effect(run, self, tuple((group, option) for group in groups for option in self._changes))

    def _step(self, epoch: int | None) -> None:
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(_WRONG_ORDER, UserWarning, stacklevel=5)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(_EPOCH_IS_DEPRECATED, UserWarning, stacklevel=5)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            rates = self.get_lr() if epoch is None else self._closed_form()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: list[Rate]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    def _closed_form(self) -> list[Rate]:
        """The learning rates at ``self.last_epoch``, from the base rates alone where there is a formula for it."""
        return self.get_lr()

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )


class FactorLR(LRScheduler):
    """Base of the schedulers that multiply the current rate, so that they chain with one another."""

    def _factor(self) -> float:
        """What the rate is multiplied by on reaching ``self.last_epoch``."""
        raise NotImplementedError

    def get_lr(self) -> list[Rate]:
        """The current rate of each group times the factor of this epoch."""
        self._warn_outside_step()
        factor = self._factor()
        return [lr * factor for lr in values_of(self.optimizer, "lr")]
