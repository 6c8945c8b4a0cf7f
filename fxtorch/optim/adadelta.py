"""Adadelta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import count_steps, weight_decay


class Adadelta(CompiledOptimizer):
    """Steps whose size follows the ratio of past steps to past gradients.

    ``v = rho * v + (1 - rho) * g**2``; ``d = sqrt(u + eps) / sqrt(v + eps) * g``;
    ``u = rho * u + (1 - rho) * d**2``; ``p = p - lr * d``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        rho: decay rate of both running means.
        eps: keeps the roots away from 0.
        weight_decay: factor of the L2 penalty.
        maximize: ascend instead of descend.
        foreach, capturable: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    hypers = ("lr", "rho", "eps", "weight_decay")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "e_g": "square_avg", "e_x": "acc_delta"}

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        options = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay}
        modes = {"maximize": maximize, "capturable": capturable, "foreach": foreach, "differentiable": differentiable}
        super().__init__(params, {**options, **modes})

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """Decay, scaling, step."""
        return optax.chain(
            count_steps(),
            weight_decay(o),
            optax.scale_by_adadelta(o["rho"], o["eps"]),
            optax.scale_by_learning_rate(o["lr"]),
        )
