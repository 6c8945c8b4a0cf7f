"""Layers that drop whole branches or blocks of an image while training."""

from __future__ import annotations

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """``input`` set to zero with probability ``p``, else divided by ``1 - p``.

    Args:
        input: a residual branch, ``(N, ...)``.
        p: how likely it is dropped.
        mode: ``"batch"`` drops the whole batch or nothing, ``"row"`` each sample by itself.
        training: without it the input is returned.

    Raises:
        ValueError: ``p`` is no probability, or the mode is unknown.

    Source: Huang et al., "Deep Networks with Stochastic Depth" (2016).
    """
    if not 0 <= p <= 1:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0:
        return input
    shape = [input.shape[0] if mode == "row" else 1] + [1] * (input.ndim - 1)
    keep = torch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - p)
    return input * (keep / (1 - p) if p < 1 else keep)


class StochasticDepth(nn.Module):
    """:func:`stochastic_depth` as a layer.

    Args:
        p: how likely a branch is dropped.
        mode: ``"batch"`` or ``"row"``.
    """

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        """``input``, or zeros."""
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"


def _drop_block(
    input: Tensor, p: float, block_size: int, inplace: bool, eps: float, training: bool, axes: int
) -> Tensor:  # fmt: skip
    if not 0 <= p <= 1:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.ndim != axes + 2:
        raise ValueError(f"input should be {axes + 2} dimensional. Got {input.ndim} dimensions.")
    if not training or p == 0:
        return input
    sizes = list(input.shape[2:])
    block = min(block_size, *sizes)
    gamma = p
    for size in sizes:
        gamma = gamma * size / (block * (size - block + 1))
    shape = [*input.shape[:2], *(size - block + 1 for size in sizes)]
    noise = torch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(gamma)
    noise = F.pad(noise, [block // 2] * (2 * axes), value=0)
    pool = F.max_pool2d if axes == 2 else F.max_pool3d
    keep = 1 - pool(noise, stride=1, kernel_size=block, padding=block // 2)
    scale = keep.numel() / (eps + keep.sum())
    return input.mul_(keep).mul_(scale) if inplace else input * keep * scale


def drop_block2d(
    input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True
) -> Tensor:
    """``(N, C, H, W)`` with square blocks set to zero, and the rest scaled up to the same mean.

    Args:
        input: the features.
        p: the share of pixels to drop.
        block_size: the side of a block.
        inplace: change ``input`` itself.
        eps: added to the denominator.
        training: without it the input is returned.

    Source: Ghiasi et al., "DropBlock" (2018).
    """
    return _drop_block(input, p, block_size, inplace, eps, training, 2)


def drop_block3d(
    input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True
) -> Tensor:
    """:func:`drop_block2d` for ``(N, C, D, H, W)``."""
    return _drop_block(input, p, block_size, inplace, eps, training, 3)


class DropBlock2d(nn.Module):
    """:func:`drop_block2d` as a layer; the arguments are its own."""

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06) -> None:
        super().__init__()
        self.p = p
        self.block_size = block_size
        self.inplace = inplace
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with blocks dropped."""
        return drop_block2d(input, self.p, self.block_size, self.inplace, self.eps, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, block_size={self.block_size}, inplace={self.inplace})"


class DropBlock3d(DropBlock2d):
    """:func:`drop_block3d` as a layer; the arguments are its own."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with blocks dropped."""
        return drop_block3d(input, self.p, self.block_size, self.inplace, self.eps, self.training)
