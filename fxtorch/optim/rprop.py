"""Resilient backpropagation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import optax

from fxtorch.optim.checks import check_lr
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import rprop


class Rprop(CompiledOptimizer):
    """Steps by the gradient's sign alone, each element with a size of its own.

    An element's size is multiplied by ``etas[1]`` while its gradient keeps its sign and by ``etas[0]`` when the sign
    turns; it stays within ``step_sizes``.

    Args:
        params: Tensors or parameter groups.
        lr: the first size of every step.
        etas: by how much a step shrinks and grows.
        step_sizes: the smallest and the largest step.
        maximize: ascend instead of descend.
        capturable, foreach: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning", 1993.
    """

    hypers = ("lr", "etas", "step_sizes")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "prev": "prev", "step_size": "step_size"}

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        options = {"lr": lr, "etas": etas, "step_sizes": step_sizes}
        modes = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, {**options, **modes})

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The whole update."""
        return rprop(o["lr"], o["etas"], o["step_sizes"])
