"""Moving channels into space and back."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class PixelShuffle(Module):
    """(N, C r^2, H, W) to (N, C, H r, W r), for upscaling by a convolution.  Source: Shi et al. 2016.

    Args:
        upscale_factor: r.

    >>> import fxtorch as torch
    >>> torch.nn.PixelShuffle(3)(torch.ones(1, 9, 4, 4)).shape
    torch.Size([1, 1, 12, 12])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels moved into space."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:  # noqa: D102
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(N, C, H r, W r) to (N, C r^2, H, W): the inverse of :class:`PixelShuffle`.

    Args:
        downscale_factor: r.
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with space moved into channels."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:  # noqa: D102
        return f"downscale_factor={self.downscale_factor}"
