"""Deformable convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import operators, torch
from fxtorch.vision.ops._rois import pair


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = (1, 1),
    padding: int | Sequence[int] = (0, 0),
    dilation: int | Sequence[int] = (1, 1),
    mask: Tensor | None = None,
) -> Tensor:
    """A convolution that reads each tap at its place plus an offset, and may weigh it by a mask.

    Args:
        input: ``(N, C, H, W)``.
        offset: ``(N, 2 * G * kh * kw, oh, ow)``, for each tap down and across, in ``G`` groups of channels.
        weight: ``(C_out, C / groups, kh, kw)``.
        bias: ``(C_out,)``.
        stride: step between places.
        padding: zeros around.
        dilation: distance between taps.
        mask: ``(N, G * kh * kw, oh, ow)``.

    Source: Zhu et al., "Deformable ConvNets v2" (2018).
    """
    kernel = weight.shape[-2] * weight.shape[-1]
    groups = input.shape[1] // weight.shape[1]
    offset_groups = offset.shape[1] // (2 * kernel)
    if offset_groups == 0:
        raise RuntimeError(
            "the shape of the offset tensor at dimension 1 is not valid. It should be a multiple of "
            f"2 * weight.size[2] * weight.size[3].\nGot offset.shape[1]={offset.shape[1]}, while "
            f"2 * weight.size[2] * weight.size[3]={2 * kernel}"
        )
    none = torch.zeros((input.shape[0], 1), dtype=input.dtype)
    bias = torch.zeros(weight.shape[0], dtype=input.dtype) if bias is None else bias
    numbers = (*pair(stride), *pair(padding), *pair(dilation), groups, offset_groups, mask is not None)
    return operators.deform_conv2d(input, weight, offset, none if mask is None else mask, bias, *numbers)


class DeformConv2d(nn.Module):
    """:func:`deform_conv2d` with its weights.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: taps down and across.
        stride: step between places.
        padding: zeros around.
        dilation: distance between taps.
        groups: groups of channels that do not mix.
        bias: whether to add one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ValueError("in_channels and out_channels must be divisible by groups")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(kernel_size)
        self.stride = pair(stride)
        self.padding = pair(padding)
        self.dilation = pair(dilation)
        self.groups = groups
        self.weight: Any = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        if bias:
            self.bias: Any = nn.Parameter(torch.empty(out_channels))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as ``nn.Conv2d`` does."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[0].numel())
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        """The convolution of ``input`` with its taps moved by ``offset``."""
        return deform_conv2d(
            input, offset, self.weight, self.bias, self.stride, self.padding, self.dilation, mask
        )  # fmt: skip

    def extra_repr(self) -> str:
        """What ``repr`` shows of the arguments: the last four where they are not the usual."""
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", (0, 0)), ("dilation", (1, 1)), ("groups", 1)):
            if getattr(self, name) != usual:
                shown += f", {name}={getattr(self, name)}"
        return shown + (", bias=False" if self.bias is None else "")
