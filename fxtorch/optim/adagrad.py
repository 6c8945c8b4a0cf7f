"""Adagrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_lr, check_not_negative
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import scale_by_adagrad, weight_decay
from fxtorch.tensor.sparse import is_sparse


class Adagrad(CompiledOptimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    ``s = s + g**2``; ``p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        lr_decay: how fast the learning rate falls with the steps.
        weight_decay: factor of the L2 penalty.
        initial_accumulator_value: where the sum begins.
        eps: keeps the denominator away from 0.
        maximize: ascend instead of descend.
        foreach, fused: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning", 2011.
    """

    hypers = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "sum_of_squares": "sum"}
    gradients = "any"

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(lr_decay=lr_decay, weight_decay=weight_decay)
        check_not_negative(initial_accumulator_value=initial_accumulator_value, eps=eps)
        options = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        start = {"initial_accumulator_value": initial_accumulator_value}
        modes = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "fused": fused}
        super().__init__(params, {**options, **start, **modes})
        for group in self.param_groups:
            self._create_state(self._plan(group, ()), group, group["params"])

    def _check_gradient(self, param: Any, group: Mapping[str, Any]) -> None:
        if group["weight_decay"] != 0 and is_sparse(param.grad):
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """Decay, scaling, step."""
        return optax.chain(
            weight_decay(o),
            scale_by_adagrad(o["lr_decay"], o["eps"], o["initial_accumulator_value"]),
            optax.scale_by_learning_rate(o["lr"]),
        )
