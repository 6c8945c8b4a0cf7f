"""Distances between vectors."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class PairwiseDistance(Module):
    """d = ||x1 - x2 + eps||_p over the last dimension.

    Args:
        p: which norm.
        eps: added to the difference, so that the gradient at 0 exists.
        keepdim: whether the last dimension is kept, with size 1.
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The distances of the rows of ``x1`` and ``x2``."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """x1 . x2 / max(||x1|| ||x2||, eps) along ``dim``.

    Args:
        dim: the dimension that holds the vectors.
        eps: the least denominator.

    >>> import fxtorch as torch
    >>> torch.nn.CosineSimilarity()(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]))
    tensor([1.])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The cosines between ``x1`` and ``x2``."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
