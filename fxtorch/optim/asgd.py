"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import asgd, weight_decay


class ASGD(CompiledOptimizer):
    """Gradient descent with a falling step size that also averages the parameters: ``state[p]["ax"]``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        lambd: how fast parameters decay and the step size falls.
        alpha: power of the step size's fall.
        t0: the step at which averaging starts.
        weight_decay: factor of the L2 penalty.
        maximize: ascend instead of descend.
        foreach, capturable: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    hypers = ("lr", "lambd", "alpha", "t0", "weight_decay")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "eta": "eta", "weight": "mu", "average": "ax"}

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(weight_decay=weight_decay)
        options = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        modes = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, {**options, **modes})

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """Decay, then the whole update."""
        return optax.chain(weight_decay(o), asgd(o["lr"], o["lambd"], o["alpha"], o["t0"]))
