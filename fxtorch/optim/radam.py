"""RAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_betas, check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import decayed_step, scale_by_radam


class RAdam(CompiledOptimizer):
    """Adam whose adaptive step is rectified by the variance of its own second moment.

    Until the estimate can be trusted (``rho_t > 5``) a step is plain momentum: ``p = p - lr * m / (1 - b1**t)``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        betas: the decay rates of the moments.
        eps: keeps the denominator away from 0.
        weight_decay: factor of the L2 penalty, or of the decay where it is decoupled.
        decoupled_weight_decay: shrink the parameter by ``lr * weight_decay`` instead of adding to the gradient.
        maximize: ascend instead of descend.
        foreach, capturable: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2020.
    """

    hypers = ("lr", "betas", "eps", "weight_decay")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "mu": "exp_avg", "nu": "exp_avg_sq"}

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        modes = {"maximize": maximize, "foreach": foreach, "capturable": capturable}
        more = {"decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable}
        super().__init__(params, {**options, **modes, **more})

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """Where weights decay."""
        return {"decoupled": bool(group["decoupled_weight_decay"])}

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The moments, with the decay before or after them, and the step."""
        b1, b2 = o["betas"]
        moments = scale_by_radam(b1, b2, o["eps"])
        return decayed_step(moments, o)
