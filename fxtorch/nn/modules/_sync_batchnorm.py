"""Batch normalisation whose moments are taken over the batches of several processes."""

from __future__ import annotations

from typing import Any

from fxtorch.autograd import Function, no_grad
from fxtorch.nn._collectives import collectives
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


class _Total(Function):
    """The sum over processes; the gradient of each summand is the sum of the gradients that all have of it."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any) -> Tensor:
        ctx.group = group
        return collectives().total(tensor, group)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return collectives().total(grads[0], ctx.group), None


def processes(group: Any) -> int:
    """How many processes share a batch."""
    return collectives().size(group) if collectives().started() else 1


def synchronised(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running: tuple[Tensor | None, Tensor | None],
    momentum: Any,
    eps: float,
    group: Any,
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` with the moments over all processes' ``x`` (N, C, ...).

    The variance is summed about the common mean, in a second message: sums of squares would cancel.
    """
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    count = torch.full((1,), float(x.numel() // x.shape[1]), dtype=x.dtype)
    sums = _Total.apply(torch.cat([x.sum(dims), count]), group)
    total = sums[-1].detach()
    mean = sums[:-1] / total
    centred = x - mean.reshape(shape)
    var = _Total.apply((centred * centred).sum(dims), group) / total
    with no_grad():
        for kept, new in zip(running, (mean, var * (total / (total - 1))), strict=True):
            if kept is not None:
                kept.mul_(1 - momentum).add_(new.detach() * momentum)
    out = centred * (var + eps).rsqrt().reshape(shape)
    out = out if weight is None else out * weight.reshape(shape)
    return out if bias is None else out + bias.reshape(shape)
