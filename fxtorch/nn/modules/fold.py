"""Cutting images into patches and adding patches up to images."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor

Size = int | tuple[int, ...]


class Fold(Module):
    """Adds up patches (N, C prod(kernel_size), L) to images (N, C, *output_size), overlaps summed.

    Args:
        output_size: height and width of the images.
        kernel_size: height and width of a patch.
        dilation: the step between two elements of a patch.
        padding: zeros that were added on all sides before cutting.
        stride: the step between two patches.
    """

    def __init__(
        self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The images."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:  # noqa: D102
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """Cuts images (N, C, H, W) into patches (N, C prod(kernel_size), L).

    Args:
        kernel_size: height and width of a patch.
        dilation: the step between two elements of a patch.
        padding: zeros to add on all sides first.
        stride: the step between two patches.

    >>> import fxtorch as torch
    >>> torch.nn.Unfold((2, 3))(torch.randn(2, 5, 3, 4)).shape
    torch.Size([2, 30, 4])
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The patches."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:  # noqa: D102
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
