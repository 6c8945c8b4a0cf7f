"""torch.nn.grad: the gradients of convolutions, by the shape of what is sought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.autograd import grad
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _by_input(conv: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    def by_input(
        input_size: Sequence[int],
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        x = torch.zeros(tuple(input_size), dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        return grad(conv(x, weight.detach(), None, stride, padding, dilation, groups), x, grad_output)[0]

    by_input.__name__ = by_input.__qualname__ = name
    by_input.__doc__ = f"""The gradient of ``{conv.__name__}`` by its input, which has the shape ``input_size``."""
    return by_input


def _by_weight(conv: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    def by_weight(
        input: Tensor,
        weight_size: Sequence[int],
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        w = torch.zeros(tuple(weight_size), dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        return grad(conv(input.detach(), w, None, stride, padding, dilation, groups), w, grad_output)[0]

    by_weight.__name__ = by_weight.__qualname__ = name
    by_weight.__doc__ = f"""The gradient of ``{conv.__name__}`` by its weight, which has the shape ``weight_size``."""
    return by_weight


conv1d_input, conv1d_weight = _by_input(F.conv1d, "conv1d_input"), _by_weight(F.conv1d, "conv1d_weight")
conv2d_input, conv2d_weight = _by_input(F.conv2d, "conv2d_input"), _by_weight(F.conv2d, "conv2d_weight")
conv3d_input, conv3d_weight = _by_input(F.conv3d, "conv3d_input"), _by_weight(F.conv3d, "conv3d_weight")
