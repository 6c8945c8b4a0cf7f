"""What the operators on regions share: how the caller writes the regions."""

from __future__ import annotations

from collections.abc import Sequence

from fxtorch.nn.modules.utils import ntuple
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch

Boxes = Tensor | Sequence[Tensor]


def as_rois(boxes: Boxes) -> Tensor:
    """``(K, 5)`` rows ``(image, x1, y1, x2, y2)``, from such rows or from ``(L, 4)`` boxes for each image.

    Raises:
        ValueError: another shape.
    """
    if isinstance(boxes, Tensor):
        if boxes.ndim != 2 or boxes.shape[1] != 5:
            raise ValueError("The boxes tensor shape is not correct as Tensor[K, 5]")
        return boxes
    for box in boxes:
        if box.ndim != 2 or box.shape[1] != 4:
            raise ValueError("The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]")
    image = [torch.full((b.shape[0], 1), i, dtype=b.dtype, device=b.device) for i, b in enumerate(boxes)]
    return torch.cat([torch.cat(image), torch.cat(list(boxes))], dim=1)


def pair(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width."""
    height, width = ntuple(size, 2)
    return height, width
