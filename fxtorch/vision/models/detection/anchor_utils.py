"""Anchors: the boxes that a detector starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models.detection.image_list import ImageList

Sizes = tuple[tuple[int, ...], ...]


class AnchorGenerator(nn.Module):
    """Boxes of several sizes and shapes around each pixel of each level of features.

    Args:
        sizes: for each level, the square roots of the areas; or one sequence with one size for each level.
        aspect_ratios: for each level, heights divided by widths; or one sequence for all levels.
    """

    def __init__(
        self,
        sizes: Sequence[Sequence[int] | int] = ((128, 256, 512),),
        aspect_ratios: Sequence[Sequence[float] | float] = ((0.5, 1.0, 2.0),),
    ) -> None:
        super().__init__()
        self.sizes = tuple((s,) if isinstance(s, int) else tuple(s) for s in sizes)
        ratios: Any = aspect_ratios
        flat = isinstance(ratios[0], int | float)
        each = (ratios,) * len(self.sizes) if flat else ratios
        self.aspect_ratios: tuple[tuple[float, ...], ...] = tuple(tuple(r) for r in each)
        self.cell_anchors = [
            self.generate_anchors(s, r) for s, r in zip(self.sizes, self.aspect_ratios, strict=True)
        ]  # fmt: skip

    @staticmethod
    def generate_anchors(scales: Sequence[float], aspect_ratios: Sequence[float]) -> np.ndarray:
        """The boxes around the origin, rounded to pixels: ``(len(aspect_ratios) * len(scales), 4)``."""
        high = np.sqrt(np.asarray(aspect_ratios, np.float32))
        sides = np.stack([np.outer(1 / high, scales), np.outer(high, scales)], -1).reshape(-1, 2).astype(np.float32)
        return np.round(np.concatenate([-sides, sides], 1) / 2)

    def num_anchors_per_location(self) -> list[int]:
        """How many boxes each pixel of each level has."""
        return [len(s) * len(r) for s, r in zip(self.sizes, self.aspect_ratios, strict=True)]

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """The boxes of each picture, ``(A, 4)``, level by level."""
        if len(feature_maps) != len(self.cell_anchors):
            raise ValueError(
                f"there are {len(self.cell_anchors)} sets of sizes and {len(feature_maps)} levels of features"
            )  # fmt: skip
        image = image_list.tensors.shape[-2:]
        levels = []
        for features, cell in zip(feature_maps, self.cell_anchors, strict=True):
            rows, columns = features.shape[-2:]
            x, y = np.meshgrid(np.arange(columns) * (image[1] // columns), np.arange(rows) * (image[0] // rows))
            shifts = np.stack([x, y, x, y], -1).reshape(-1, 1, 4).astype(np.float32)
            levels.append((shifts + cell).reshape(-1, 4))
        anchors = torch.from_numpy(np.concatenate(levels)).to(feature_maps[0].device, feature_maps[0].dtype)
        return [anchors for _ in image_list.image_sizes]
