"""NAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_betas, check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import decayed_step, scale_by_nadam


class NAdam(CompiledOptimizer):
    """Adam with Nesterov's look-ahead and a momentum that grows with the steps.

    With ``mu_t = b1 * (1 - 0.96**(t * momentum_decay) / 2)`` and ``M_t`` the product of all ``mu`` so far,
    ``p = p - lr * ((1 - mu_t) / (1 - M_t) * g + mu_{t+1} / (1 - M_{t+1}) * m) / (sqrt(v / (1 - b2**t)) + eps)``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        betas: the decay rates of the moments.
        eps: keeps the denominator away from 0.
        weight_decay: factor of the L2 penalty, or of the decay where it is decoupled.
        momentum_decay: how fast the momentum reaches ``b1``.
        decoupled_weight_decay: shrink the parameter by ``lr * weight_decay`` instead of adding to the gradient.
        maximize: ascend instead of descend.
        foreach, capturable: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """

    hypers = ("lr", "betas", "eps", "weight_decay", "momentum_decay")
    names: ClassVar[Mapping[str, str]] = {
        "count": "step",
        "mu_product": "mu_product",
        "mu": "exp_avg",
        "nu": "exp_avg_sq",
    }

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        more = {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        modes = {"maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        super().__init__(params, {**options, **more, **modes})

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """Where weights decay."""
        return {"decoupled": bool(group["decoupled_weight_decay"])}

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The moments, with the decay before or after them, and the step."""
        b1, b2 = o["betas"]
        moments = scale_by_nadam(b1, b2, o["eps"], o["momentum_decay"])
        return decayed_step(moments, o)
