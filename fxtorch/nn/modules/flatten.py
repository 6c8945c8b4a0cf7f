"""Joining and splitting dimensions, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class Flatten(Module):
    """Joins the dimensions from ``start_dim`` to ``end_dim`` into one.

    Args:
        start_dim: the first dimension to join; the batch dimension is left alone by default.
        end_dim: the last.

    >>> import fxtorch as torch
    >>> torch.nn.Flatten()(torch.ones(32, 1, 5, 5)).shape
    torch.Size([32, 25])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with the dimensions joined."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:  # noqa: D102
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits dimension ``dim`` into several.

    Args:
        dim: the dimension to split.
        unflattened_size: the sizes of what it becomes; one of them may be -1.

    Raises:
        TypeError: ``unflattened_size`` is no sequence of ints.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self._check(unflattened_size)
        self.dim = dim
        self.unflattened_size = unflattened_size

    @staticmethod
    def _check(sizes: Any) -> None:
        if not isinstance(sizes, list | tuple):
            raise TypeError(f"unflattened_size must be a tuple or list, but found type {type(sizes).__name__}")
        for i, size in enumerate(sizes):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, "
                    f"but found element of type {type(size).__name__} at pos {i}"
                )

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with the dimension split."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:  # noqa: D102
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
