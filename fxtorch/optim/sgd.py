"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import optax

from fxtorch.optim.checks import check_lr
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.transforms import damped_trace, weight_decay
from fxtorch.tensor import wrap


class SGD(CompiledOptimizer):
    """Gradient descent, with momentum, dampening, Nesterov's look-ahead and L2 regularisation.

    ``g = grad + weight_decay * p``; ``b = momentum * b + (1 - dampening) * g`` (``b = g`` at first);
    ``p = p - lr * b``, or ``p - lr * (g + momentum * b)`` with ``nesterov``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        momentum: factor of the running sum.
        dampening: how much of the gradient the running sum leaves out.
        weight_decay: factor of the L2 penalty.
        nesterov: look ahead along the momentum.
        maximize: ascend instead of descend.
        foreach, fused: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range, or ``nesterov`` without momentum or with dampening.

    Example:
        >>> import fxtorch as torch
        >>> w = torch.tensor([2.0], requires_grad=True)
        >>> opt = torch.optim.SGD([w], lr=0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     opt.zero_grad()
        ...     (w * w).sum().backward()
        ...     opt.step()
        >>> w
        tensor([0.], requires_grad=True)

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    hypers = ("lr", "momentum", "dampening", "weight_decay")
    names: ClassVar[Mapping[str, str]] = {"trace": "momentum_buffer", "count": "step"}
    gradients = "any"

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        for name, value in (("momentum", momentum), ("weight_decay", weight_decay)):
            if value < 0.0:
                raise ValueError(f"Invalid {name} value: {value}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        options = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        modes = {"nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable}
        super().__init__(params, {**options, **modes, "fused": fused})

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """Whether there is momentum, which kind, and whether it is dampened."""
        moving = group["momentum"] != 0
        return {"moving": moving, "damped": moving and group["dampening"] != 0, "nesterov": bool(group["nesterov"])}

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """Decay, momentum, step."""
        pieces = [weight_decay(o)]
        if o["damped"]:
            pieces.append(damped_trace(o["momentum"], o["dampening"]))
        elif o["moving"]:
            pieces.append(optax.trace(o["momentum"], nesterov=o["nesterov"]))
        return optax.chain(*pieces, optax.scale_by_learning_rate(o["lr"]))

    def state_dict(self) -> dict[str, Any]:
        """The state in torch's layout; the count that dampening needs is not part of it."""
        result = super().state_dict()
        kept = {i: {k: v for k, v in s.items() if k != "step"} for i, s in result["state"].items()}
        return {**result, "state": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state; a buffer that exists has had its first, undamped step."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for p in group["params"]:
                if self.flags(group)["damped"] and "momentum_buffer" in self.state.get(p, {}):
                    self.state[p]["step"] = wrap(jnp.ones((), jnp.float32))
