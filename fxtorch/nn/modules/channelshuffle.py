"""Mixing the channels of groups."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class ChannelShuffle(Module):
    """Deals the channels of (N, C, ...) out over ``groups``: (g, C / g) channels become (C / g, g).

    Source: Zhang et al. 2018.

    Args:
        groups: g.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with its channels in the new order."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:  # noqa: D102
        return f"groups={self.groups}"
