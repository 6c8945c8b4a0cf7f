"""Averages of a model's parameters over training: stochastic weight averaging and moving averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any, Literal

from fxtorch.autograd import no_grad
from fxtorch.nn import Module
from fxtorch.nn.modules.batchnorm import _BatchNorm
from fxtorch.optim.lr_scheduler.base import LRScheduler, Rate, per_group, values_of
from fxtorch.optim.optimizer import Optimizer
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

Average = Callable[[Any, Any, Any], Any]
MultiAverage = Callable[[Sequence[Any], Sequence[Any], Any], None]


def get_swa_avg_fn() -> Average:
    """The running mean: ``average + (value - average) / (count + 1)``."""
    return lambda average, value, count: average + (value - average) / (count + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The moving average: ``decay * average + (1 - decay) * value``.

    Raises:
        ValueError: ``decay`` is not between 0 and 1.
    """
    _check_decay(decay)
    return lambda average, value, count: decay * average + (1 - decay) * value


def get_swa_multi_avg_fn() -> MultiAverage:
    """The running mean of lists of Tensors, in place."""
    return _in_place(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """The moving average of lists of Tensors, in place.

    Raises:
        ValueError: ``decay`` is not between 0 and 1.
    """
    return _in_place(get_ema_avg_fn(decay))


def _in_place(average: Average) -> MultiAverage:
    def update(averages: Sequence[Tensor], values: Sequence[Tensor], count: Any) -> None:
        with no_grad():
            for old, value in zip(averages, values, strict=True):
                old.copy_(average(old, value, count))

    return update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose parameters are the average of the model's over training.

    Args:
        model: what is trained.
        device: where the average is kept; with the model if not given.
        avg_fn: ``(average, value, number of models so far) -> average``; the running mean if not given.
        multi_avg_fn: the same on lists, in place.
        use_buffers: average the buffers too, instead of copying them.

    Example:
        >>> import fxtorch as torch
        >>> from fxtorch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.75))
        >>> for value in (1.0, 2.0):
        ...     _ = model.weight.data.fill_(value)
        ...     average.update_parameters(model)
        >>> average.module.weight.item()
        1.25

    Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", namespace("torch")["zeros"]((), dtype=int))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn or (get_swa_multi_avg_fn() if avg_fn is None else _in_place(avg_fn))
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's result."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of ``model`` into the average; the first time they are copied."""
        averages, values = self._averaged(self.module), self._averaged(model)
        moved = [value.detach().to(average.device) for average, value in zip(averages, values, strict=True)]
        first = self.n_averaged == 0
        where = namespace("torch")["where"]
        with no_grad():
            self.multi_avg_fn(averages, moved, self.n_averaged)
            for average, value in zip(averages, moved, strict=True):
                # not a Python if: the count is state that a compiled step carries
                average.copy_(where(first, value, average))
            if not self.use_buffers:
                for own, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
                    own.copy_(buffer.detach().to(own.device))
            self.n_averaged.add_(1)

    def _averaged(self, model: Module) -> list[Tensor]:
        buffers = [b for b in model.buffers() if b.is_floating_point()] if self.use_buffers else []
        return [*model.parameters(), *buffers]


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Recompute the statistics of every BatchNorm layer with one pass over the data.

    Args:
        loader: batches; of a list or tuple the first part is the model's input.
        model: its parameters stay as they are.
        device: where the inputs go first.
    """
    layers = {layer: layer.momentum for layer in model.modules() if isinstance(layer, _BatchNorm)}
    if not layers:
        return
    was_training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
    with no_grad():
        for batch in loader:
            x = batch[0] if isinstance(batch, list | tuple) else batch
            model(x if device is None else x.to(device))
    for layer, momentum in layers.items():
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From each group's rate to ``swa_lr`` within ``anneal_epochs``, then constant.

    Args:
        optimizer: whose learning rates to set.
        swa_lr: the last rate, or one for each group.
        anneal_epochs: how long it takes.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: how many steps were taken before.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, lr in zip(optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _done(self, step: float) -> float:
        """Which part of the way is behind at ``step``."""
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * part)) / 2 if self._anneal_strategy == "cos" else part

    def get_lr(self) -> list[Rate]:
        """The next point of the way, found from the current rate, so that other changes of it stay."""
        self._warn_outside_step()
        step = self._step_count - 1 if self.anneal_epochs else max(1, self._step_count - 1)
        before, now = self._done(step - 1), self._done(step)
        rates = []
        for group, lr in zip(self.optimizer.param_groups, values_of(self.optimizer, "lr"), strict=True):
            start = group["swa_lr"] if before == 1 else (lr - before * group["swa_lr"]) / (1 - before)
            rates.append(group["swa_lr"] * now + start * (1 - now))
        return rates
