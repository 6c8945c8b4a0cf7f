"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from fxtorch.optim.adam import Adam
from fxtorch.optim.optimizer import Params


class AdamW(Adam):
    """Adam whose weight decay does not pass through the moments: ``p = p - lr * (adam + weight_decay * p)``.

    Args:
        params: Tensors or parameter groups.
        lr: learning rate.
        betas: the decay rates of the moments.
        eps: keeps the denominator away from 0.
        weight_decay: by how much, times ``lr``, a parameter shrinks at each step.
        amsgrad: divide by the largest second moment so far.
        maximize: ascend instead of descend.
        foreach, capturable, fused: accepted; every step is one compiled call.
        differentiable: the steps stay on the tape; the parameters are then no leaves that require a gradient.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> import fxtorch as torch
        >>> w = torch.tensor([1.0], requires_grad=True)
        >>> opt = torch.optim.AdamW([w], lr=0.5, weight_decay=0.5)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w
        tensor([0.2500], requires_grad=True)

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
