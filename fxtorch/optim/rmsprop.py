"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import count_steps, weight_decay


class RMSprop(CompiledOptimizer):
    """Steps divided by the root of a running mean of squared gradients, optionally with momentum.

    ``v = alpha * v + (1 - alpha) * g**2``; ``p = p - lr * g / (sqrt(v) + eps)``.  Where ``centered``, the square of
    the gradient's running mean is taken from ``v`` before the root: an estimate of the variance.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        alpha: decay rate of the running means.
        eps: keeps the denominator away from 0; it stands outside the root.
        weight_decay: factor of the L2 penalty.
        momentum: factor of the running sum of scaled gradients.
        centered: divide by the standard deviation.
        maximize: ascend instead of descend.
        capturable, foreach: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012.
    """

    hypers = ("lr", "alpha", "eps", "weight_decay", "momentum")
    names: ClassVar[Mapping[str, str]] = {
        "count": "step",
        "nu": "square_avg",
        "mu": "grad_avg",
        "trace": "momentum_buffer",
    }

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        options = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        modes = {"capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable}
        super().__init__(params, {**options, "weight_decay": weight_decay, **modes})

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """Whether there is momentum, and whether the mean is taken off."""
        return {"moving": group["momentum"] > 0, "centered": bool(group["centered"])}

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """Decay, scaling, momentum, step."""
        scale = optax.scale_by_stddev if o["centered"] else optax.scale_by_rms
        return optax.chain(
            count_steps(),
            weight_decay(o),
            scale(o["alpha"], o["eps"], eps_in_sqrt=False),
            optax.trace(o["momentum"]) if o["moving"] else optax.identity(),
            optax.scale_by_learning_rate(o["lr"]),
        )
