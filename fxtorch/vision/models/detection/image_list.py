"""A batch of pictures of different sizes."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import Tensor


class ImageList:
    """Pictures padded to one size.

    Args:
        tensors: ``(N, C, H, W)``.
        image_sizes: the height and width of each without the padding.
    """

    def __init__(self, tensors: Tensor, image_sizes: list[tuple[int, int]]) -> None:
        self.tensors = tensors
        self.image_sizes = image_sizes

    def to(self, device: Any) -> ImageList:
        """The same on another device."""
        return ImageList(self.tensors.to(device), self.image_sizes)
