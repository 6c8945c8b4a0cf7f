"""Adamax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_betas, check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import weight_decay


class Adamax(CompiledOptimizer):
    """Adam with the largest decayed gradient in place of the second moment.

    ``m = b1 * m + (1 - b1) * g``; ``u = max(b2 * u, |g| + eps)``; ``p = p - lr / (1 - b1**t) * m / u``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        betas: the decay rates of the mean and of the maximum.
        eps: keeps the maximum away from 0.
        weight_decay: factor of the L2 penalty.
        maximize: ascend instead of descend.
        foreach, capturable: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, section 7.
    """

    hypers = ("lr", "betas", "eps", "weight_decay")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "mu": "exp_avg", "nu": "exp_inf"}

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        modes = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, {**options, **modes})

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """Decay, scaling, step."""
        b1, b2 = o["betas"]
        return optax.chain(
            weight_decay(o),
            optax.scale_by_adamax(b1, b2, o["eps"]),
            optax.scale_by_learning_rate(o["lr"]),
        )
