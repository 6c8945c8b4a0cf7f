"""Adam and its AMSGrad variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_betas, check_lr, check_not_negative, check_tensors
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import decayed_step, scale_by_amsgrad


class Adam(CompiledOptimizer):
    """Adam: steps scaled by running estimates of the gradient's first and second moment.

    ``m = b1 * m + (1 - b1) * g``; ``v = b2 * v + (1 - b2) * g**2``;
    ``p = p - lr * m / (1 - b1**t) / (sqrt(v / (1 - b2**t)) + eps)``, where ``g = grad + weight_decay * p``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        betas: ``(b1, b2)``, the decay rates of the moments.
        eps: keeps the denominator away from 0.
        weight_decay: factor of the L2 penalty, or of the decay where it is decoupled.
        amsgrad: divide by the largest second moment so far.
        maximize: ascend instead of descend.
        decoupled_weight_decay: shrink the parameter by ``lr * weight_decay`` instead of adding to the gradient.
        foreach, capturable, fused: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> import fxtorch as torch
        >>> w = torch.tensor([1.0, -3.0], requires_grad=True)
        >>> opt = torch.optim.Adam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w
        tensor([ 0.5000, -2.5000], requires_grad=True)

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; Reddi et al., "On the convergence of
    Adam and beyond", 2018.
    """

    hypers = ("lr", "betas", "eps", "weight_decay")
    names: ClassVar[Mapping[str, str]] = {
        "count": "step",
        "mu": "exp_avg",
        "nu": "exp_avg_sq",
        "nu_max": "max_exp_avg_sq",
    }

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_lr(lr)
        check_tensors(lr, betas, foreach=foreach, capturable=capturable)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        modes = {"maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        decoupled = {"decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, {**options, **modes, "fused": fused, **decoupled})

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """Whether AMSGrad, and where weights decay."""
        return {"amsgrad": bool(group["amsgrad"]), "decoupled": bool(group["decoupled_weight_decay"])}

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The moments, with the decay before or after them, and the step."""
        b1, b2 = o["betas"]
        moments = (scale_by_amsgrad if o["amsgrad"] else optax.scale_by_adam)(b1, b2, o["eps"])
        return decayed_step(moments, o)
