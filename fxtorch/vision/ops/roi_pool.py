"""The maximum, or the mean, of the pixels in each bin of a region."""

from __future__ import annotations

from collections.abc import Sequence

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import operators
from fxtorch.vision.ops._rois import Boxes, as_rois, pair


def roi_pool(
    input: Tensor, boxes: Boxes, output_size: int | Sequence[int], spatial_scale: float = 1.0
) -> Tensor:  # fmt: skip
    """The largest pixel of each bin of each region: ``(K, C, *output_size)``.

    Args:
        input: ``(N, C, H, W)``.
        boxes: ``(K, 5)`` rows ``(image, x1, y1, x2, y2)``, or ``(L, 4)`` boxes for each image.
        output_size: bins down and across.
        spatial_scale: from the boxes' coordinates to those of ``input``.

    Source: Girshick, "Fast R-CNN" (2015).
    """
    return operators.roi_pool(input, as_rois(boxes), float(spatial_scale), *pair(output_size))[0]


def ps_roi_pool(
    input: Tensor, boxes: Boxes, output_size: int | Sequence[int], spatial_scale: float = 1.0
) -> Tensor:  # fmt: skip
    """The mean pixel of each bin, each bin reading channels of its own; arguments as in :func:`roi_pool`.

    Source: Dai et al., "R-FCN" (2016).
    """
    return operators.ps_roi_pool(input, as_rois(boxes), float(spatial_scale), *pair(output_size))[0]


class RoIPool(nn.Module):
    """:func:`roi_pool` as a layer; the arguments are its own."""

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """The features of ``rois``."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        """What ``repr`` shows of the arguments."""
        return f"output_size={self.output_size}, spatial_scale={self.spatial_scale}"


class PSRoIPool(RoIPool):
    """:func:`ps_roi_pool` as a layer; the arguments are its own."""

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """The features of ``rois``."""
        return ps_roi_pool(input, rois, self.output_size, self.spatial_scale)
