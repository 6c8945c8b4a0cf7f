"""Regions cut from a pyramid of features."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.ops._rois import as_rois, pair
from fxtorch.vision.ops.boxes import box_area
from fxtorch.vision.ops.roi_align import roi_align


class MultiScaleRoIAlign(nn.Module):
    """:func:`roi_align` from the level of a pyramid that fits each box: ``k0 + log2(side / s0)``.

    Args:
        featmap_names: the levels to use.
        output_size: bins down and across.
        sampling_ratio: as in :func:`roi_align`.
        canonical_scale: ``s0``, the side of a box that belongs to level ``k0``.
        canonical_level: ``k0``.

    Source: Lin et al., "Feature Pyramid Networks" (2017), equation 1.
    """

    def __init__(
        self,
        featmap_names: Sequence[str],
        output_size: int | Sequence[int],
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        super().__init__()
        self.featmap_names = list(featmap_names)
        self.output_size = pair(output_size)
        self.sampling_ratio = sampling_ratio
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """The features of all boxes, ``(K, C, *output_size)``.

        Args:
            x: the pyramid.
            boxes: ``(L, 4)`` for each image.
            image_shapes: the images' heights and widths, from which the levels' scales follow.
        """
        levels = [value for name, value in x.items() if name in self.featmap_names]
        height = max(h for h, _ in image_shapes)
        scales = [2.0 ** round(math.log2(level.shape[-2] / height)) for level in levels]
        rois = as_rois(boxes)
        if len(levels) == 1:
            return roi_align(levels[0], rois, self.output_size, scales[0], self.sampling_ratio)
        lowest, highest = (int(-math.log2(s)) for s in (scales[0], scales[-1]))
        side = torch.sqrt(torch.cat([box_area(b) for b in boxes]))
        level = torch.floor(self.canonical_level + torch.log2(side / self.canonical_scale) + 1e-6)
        level = level.clamp(lowest, highest).to(torch.int64) - lowest
        result = torch.zeros(
            (rois.shape[0], levels[0].shape[1], *self.output_size), dtype=levels[0].dtype, device=levels[0].device
        )
        for i, (features, scale) in enumerate(zip(levels, scales, strict=True)):
            at = torch.where(level == i)[0]
            result[at] = roi_align(features, rois[at], self.output_size, scale, self.sampling_ratio)
        return result

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(featmap_names={self.featmap_names}, output_size={self.output_size}, "
            f"sampling_ratio={self.sampling_ratio})"
        )
