"""Anchors: the boxes that a detector starts from."""

from __future__ import annotations

import math
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


class DefaultBoxGenerator(nn.Module):
    """SSD's boxes: at each pixel two squares, and two boxes for each shape, their sizes growing with the level.

    Args:
        aspect_ratios: for each level, how many times as long as the other one side of a box is.
        min_ratio: the first level's size, as a share of the picture.
        max_ratio: the last level's.
        scales: the sizes of all levels and one more, instead.
        steps: for each level, the pixels of a picture that one of its pixels stands for; by its size unless given.
        clip: whether boxes are at most as large as the picture.

    Source: Liu et al., "SSD: Single Shot MultiBox Detector" (2016).
    """

    def __init__(
        self,
        aspect_ratios: Sequence[Sequence[float]],
        min_ratio: float = 0.15,
        max_ratio: float = 0.9,
        scales: Sequence[float] | None = None,
        steps: Sequence[int] | None = None,
        clip: bool = True,
    ) -> None:
        super().__init__()
        if steps is not None and len(aspect_ratios) != len(steps):
            raise ValueError("aspect_ratios and steps should have the same length")
        self.aspect_ratios = aspect_ratios
        self.steps = steps
        self.clip = clip
        last = len(aspect_ratios) - 1
        between = [min_ratio + (max_ratio - min_ratio) * k / max(last, 1) for k in range(last + 1)]
        self.scales = list(scales) if scales is not None else [*between, 1.0 if last else max_ratio]
        self._wh_pairs = [self._sides(k) for k in range(last + 1)]

    def _sides(self, level: int) -> np.ndarray:
        size, following = self.scales[level : level + 2]
        sides = [(size, size), (math.sqrt(size * following),) * 2]
        for ratio in self.aspect_ratios[level]:
            long, short = size * math.sqrt(ratio), size / math.sqrt(ratio)
            sides += [(long, short), (short, long)]
        return np.asarray(sides, np.float32)

    def num_anchors_per_location(self) -> list[int]:
        """How many boxes each pixel of each level has."""
        return [2 + 2 * len(ratios) for ratios in self.aspect_ratios]

    def _level(self, level: int, rows: int, columns: int, image: Sequence[int]) -> np.ndarray:
        """Centres and sides as shares of the picture, ``(rows * columns * boxes, 4)``."""
        down, across = (rows, columns) if self.steps is None else (s / self.steps[level] for s in image)
        x, y = ((np.arange(n, dtype=np.float32) + 0.5) / np.float32(by) for n, by in ((columns, across), (rows, down)))
        sides = self._wh_pairs[level].clip(0, 1) if self.clip else self._wh_pairs[level]
        centre = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2)
        shape = (rows * columns, len(sides), 2)
        return np.concatenate([np.broadcast_to(centre, shape), np.broadcast_to(sides, shape)], -1).reshape(-1, 4)

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """The boxes of each picture, ``(A, 4)``, level by level."""
        height, width = image_list.tensors.shape[-2:]
        like = feature_maps[0]
        levels = [self._level(k, f.shape[-2], f.shape[-1], (height, width)) for k, f in enumerate(feature_maps)]
        shares = torch.from_numpy(np.concatenate(levels)).to(like.device, like.dtype)
        centre, half = shares[:, :2], 0.5 * shares[:, 2:]
        size = torch.tensor([width, height], device=like.device)
        boxes = torch.cat([(centre - half) * size, (centre + half) * size], -1)
        return [boxes for _ in image_list.image_sizes]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(aspect_ratios={self.aspect_ratios}, clip={self.clip}, scales={self.scales}, "
            f"steps={self.steps})"
        )
