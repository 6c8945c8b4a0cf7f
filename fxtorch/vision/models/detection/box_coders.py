"""Coding boxes against references, and the loss of the codes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

_OF_BOXES = {"giou": generalized_box_iou_loss, "diou": distance_box_iou_loss, "ciou": complete_box_iou_loss}


class BoxCoder:
    """Boxes as differences to reference boxes: shifts in sides of the reference, sizes as logarithms.

    Args:
        weights: what the four differences are multiplied by.
        bbox_xform_clip: the largest logarithm that is decoded.
    """

    def __init__(
        self, weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0), bbox_xform_clip: float = math.log(1000.0 / 16)
    ) -> None:  # fmt: skip
        self.weights = tuple(weights)
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: list[Tensor], proposals: list[Tensor]) -> list[Tensor]:
        """``reference_boxes`` as seen from ``proposals``, for each picture."""
        counts = [len(b) for b in reference_boxes]
        coded = self.encode_single(torch.cat(reference_boxes), torch.cat(proposals))
        return list(coded.split(counts, 0))

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """``(N, 4)`` boxes as seen from ``(N, 4)`` proposals."""
        target, own = _centred(reference_boxes), _centred(proposals)
        shift = (target[0] - own[0]) / own[1]
        size = torch.log(target[1] / own[1])
        weights = torch.tensor(self.weights, dtype=reference_boxes.dtype)
        return torch.cat([shift, size], 1) * weights

    def decode(self, rel_codes: Tensor, boxes: list[Tensor]) -> Tensor:
        """``(N, classes, 4)`` boxes from ``(N, 4 * classes)`` differences to the boxes of all pictures."""
        decoded = self.decode_single(rel_codes, torch.cat(boxes))
        return decoded.reshape(decoded.shape[0], decoded.shape[1] // 4, 4)

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """``(N, 4 * classes)`` boxes from as many differences to ``(N, 4)`` boxes."""
        centre, size = _centred(boxes.to(rel_codes.dtype))
        codes = rel_codes.reshape(rel_codes.shape[0], rel_codes.shape[1] // 4, 4)
        codes = codes / torch.tensor(self.weights, dtype=rel_codes.dtype)
        middle = codes[..., :2] * size[:, None] + centre[:, None]
        half = 0.5 * torch.exp(codes[..., 2:].clamp(max=self.bbox_xform_clip)) * size[:, None]
        return torch.cat([middle - half, middle + half], -1).reshape(rel_codes.shape)


def _centred(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and sides."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + 0.5 * size, size


class BoxLinearCoder:
    """Boxes as the distances of their four sides from a reference's centre.

    Args:
        normalize_by_size: whether the distances are counted in sides of the reference.

    Source: Tian et al., "FCOS: A simple and strong anchor-free object detector" (2020).

    >>> import fxtorch as torch
    >>> anchor, box = torch.tensor([[0.0, 0.0, 4.0, 4.0]]), torch.tensor([[1.0, 0.0, 8.0, 6.0]])
    >>> BoxLinearCoder().encode(anchor, box)
    tensor([[0.2500, 0.5000, 1.5000, 1.0000]])
    """

    def __init__(self, normalize_by_size: bool = True) -> None:
        self.normalize_by_size = normalize_by_size

    def encode(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """``(..., 4)`` distances of the sides of ``proposals`` from the centres of ``reference_boxes``."""
        centre, size = self._centre_and_unit(reference_boxes)
        sides = torch.cat([centre - proposals[..., :2], proposals[..., 2:] - centre], -1)
        return sides / size if self.normalize_by_size else sides

    def decode(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """``(..., 4)`` boxes from the distances of their sides from the centres of ``boxes``."""
        centre, size = self._centre_and_unit(boxes.to(rel_codes.dtype))
        sides = rel_codes * size if self.normalize_by_size else rel_codes
        return torch.cat([centre - sides[..., :2], centre + sides[..., 2:]], -1)

    @staticmethod
    def _centre_and_unit(boxes: Tensor) -> tuple[Tensor, Tensor]:
        low, high = boxes[..., :2], boxes[..., 2:]
        return 0.5 * (low + high), torch.cat([high - low, high - low], -1)


def box_loss(
    kind: str, coder: BoxCoder, anchors: Tensor, truths: Tensor, codes: Tensor, beta: float = 1.0
) -> Tensor:  # fmt: skip
    """The summed loss of box codes.

    Args:
        kind: ``"l1"`` or ``"smooth_l1"`` against coded truths, or ``"giou"``, ``"diou"``, ``"ciou"`` of the boxes.
        coder: what the codes mean.
        anchors: ``(N, 4)`` references.
        truths: ``(N, 4)`` boxes.
        codes: ``(N, 4)`` predicted codes.
        beta: where the smooth L1 loss turns straight.
    """
    if kind in _OF_BOXES:
        return _OF_BOXES[kind](coder.decode_single(codes, anchors), truths, reduction="sum", eps=1e-7)
    target = coder.encode_single(truths, anchors)
    if kind == "l1":
        return F.l1_loss(codes, target, reduction="sum")
    if kind == "smooth_l1":
        return F.smooth_l1_loss(codes, target, reduction="sum", beta=beta)
    raise ValueError(f"Unsupported loss {kind}")
