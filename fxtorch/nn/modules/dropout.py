"""Dropout in its variants; all are the identity in evaluation mode."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class _DropoutNd(Module):
    """What all dropouts share."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, sets each element to 0 with probability p and multiplies the others by 1 / (1 - p).

    Shapes: any.  Source: Hinton et al. 2012.

    Args:
        p: the probability of 0.
        inplace: whether the input is changed.

    Raises:
        ValueError: ``p`` is not in [0, 1].

    >>> import fxtorch as torch
    >>> layer = torch.nn.Dropout(0.2)
    >>> sorted(layer(torch.ones(1000)).unique().tolist())
    [0.0, 1.25]
    >>> layer.eval()(torch.ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with elements dropped."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """:class:`Dropout` of whole channels of inputs (N, C, L) or (C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """:class:`Dropout` of whole channels of inputs (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """:class:`Dropout` of whole channels of inputs (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, to go with SELU.

    Shapes: any.  Source: Klambauer et al. 2017.
    """

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with elements dropped."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """:class:`AlphaDropout` of whole channels of inputs (N, C, ...)."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.feature_alpha_dropout(input, self.p, self.training)
