"""The mean of bilinear samples in each bin of a region."""

from __future__ import annotations

from collections.abc import Sequence

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import operators
from fxtorch.vision.ops._rois import Boxes, as_rois, pair


def roi_align(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Features of regions, each resampled to one size: ``(K, C, *output_size)``.

    Args:
        input: ``(N, C, H, W)``.
        boxes: ``(K, 5)`` rows ``(image, x1, y1, x2, y2)``, or ``(L, 4)`` boxes for each image.
        output_size: bins down and across.
        spatial_scale: from the boxes' coordinates to those of ``input``.
        sampling_ratio: samples in a bin along each axis; -1 for as many as it has pixels, which a compiled function
            cannot know.
        aligned: whether pixel centres lie at half integers, which is more exact.

    Source: He et al., "Mask R-CNN" (2017).

    >>> import fxtorch as torch
    >>> image = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_align(image, torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]]), 2, aligned=True)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    height, width = pair(output_size)
    return operators.roi_align(
        input, as_rois(boxes), float(spatial_scale), height, width, int(sampling_ratio), bool(aligned)
    )


class RoIAlign(nn.Module):
    """:func:`roi_align` as a layer; the arguments are its own."""

    def __init__(
        self,
        output_size: int | Sequence[int],
        spatial_scale: float,
        sampling_ratio: int,
        aligned: bool = False,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """The features of ``rois``."""
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def extra_repr(self) -> str:
        """What ``repr`` shows of the arguments."""
        return (
            f"output_size={self.output_size}, spatial_scale={self.spatial_scale}, "
            f"sampling_ratio={self.sampling_ratio}, aligned={self.aligned}"
        )


def ps_roi_align(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Tensor:
    """:func:`roi_align` where each bin reads channels of its own.

    Args:
        input: ``(N, C * bins, H, W)``.
        boxes: as in :func:`roi_align`.
        output_size: bins down and across.
        spatial_scale: from the boxes' coordinates to those of ``input``.
        sampling_ratio: as in :func:`roi_align`.

    Source: Li et al., "Light-Head R-CNN" (2017).
    """
    height, width = pair(output_size)
    return operators.ps_roi_align(
        input, as_rois(boxes), float(spatial_scale), height, width, int(sampling_ratio)
    )[0]  # fmt: skip


class PSRoIAlign(nn.Module):
    """:func:`ps_roi_align` as a layer; the arguments are its own."""

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """The features of ``rois``."""
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)

    def extra_repr(self) -> str:
        """What ``repr`` shows of the arguments."""
        return (
            f"output_size={self.output_size}, spatial_scale={self.spatial_scale}, sampling_ratio={self.sampling_ratio}"
        )
