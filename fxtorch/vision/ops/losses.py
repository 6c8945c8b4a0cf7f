"""Losses of detectors: focal loss, and the overlap of matched boxes."""

from __future__ import annotations

import math

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch


def _reduce(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean() if loss.numel() > 0 else 0.0 * loss.sum()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(
        f"Invalid Value for arg 'reduction': '{reduction} \n Supported reduction modes: 'none', 'mean', 'sum'"
    )


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """Binary cross entropy, weighed by ``alpha_t (1 - p_t)^gamma``.

    Args:
        inputs: logits.
        targets: 0 or 1, of the same shape.
        alpha: the weight of the ones, 1 - ``alpha`` that of the zeros; negative for no weights.
        gamma: how much less an easy example counts.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017).
    """
    p = torch.sigmoid(inputs)
    entropy = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    right = p * targets + (1 - p) * (1 - targets)
    loss = entropy * (1 - right) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return _reduce(loss, reduction)


def _sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]


def _overlap(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and union of matched boxes."""
    sides = torch.minimum(boxes1[..., 2:], boxes2[..., 2:]) - torch.maximum(boxes1[..., :2], boxes2[..., :2])
    shared = torch.where((sides > 0).all(dim=-1), sides[..., 0] * sides[..., 1], 0.0)
    (w1, h1), (w2, h2) = _sides(boxes1), _sides(boxes2)
    return shared, w1 * h1 + w2 * h2 - shared


def _hull(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The sides of the smallest box around each pair."""
    return torch.maximum(boxes1[..., 2:], boxes2[..., 2:]) - torch.minimum(boxes1[..., :2], boxes2[..., :2])


def _float(boxes: Tensor) -> Tensor:
    return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.float()


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """``1 - GIoU`` of matched boxes.

    Args:
        boxes1: ``(..., 4)`` corners.
        boxes2: as many.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        eps: added to denominators.

    Source: Rezatofighi et al., "Generalized Intersection over Union" (2019).
    """
    boxes1, boxes2 = _float(boxes1), _float(boxes2)
    shared, union = _overlap(boxes1, boxes2)
    sides = _hull(boxes1, boxes2)
    hull = sides[..., 0] * sides[..., 1]
    return _reduce(1 - (shared / (union + eps) - (hull - union) / (hull + eps)), reduction)


def _distance(boxes1: Tensor, boxes2: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """``1 - DIoU``, and the intersection over union."""
    shared, union = _overlap(boxes1, boxes2)
    iou = shared / (union + eps)
    diagonal = (_hull(boxes1, boxes2) ** 2).sum(dim=-1) + eps
    apart = (boxes1[..., :2] + boxes1[..., 2:] - boxes2[..., :2] - boxes2[..., 2:]) / 2
    return 1 - iou + (apart**2).sum(dim=-1) / diagonal, iou


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """``1 - DIoU`` of matched boxes; arguments as in :func:`generalized_box_iou_loss`.

    Source: Zheng et al., "Distance-IoU Loss" (2020).
    """
    return _reduce(_distance(_float(boxes1), _float(boxes2), eps)[0], reduction)


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """``1 - CIoU`` of matched boxes; arguments as in :func:`generalized_box_iou_loss`.

    Source: Zheng et al., "Distance-IoU Loss" (2020).
    """
    boxes1, boxes2 = _float(boxes1), _float(boxes2)
    loss, iou = _distance(boxes1, boxes2, eps)
    (w1, h1), (w2, h2) = _sides(boxes1), _sides(boxes2)
    v = 4 / math.pi**2 * (torch.atan(w2 / h2) - torch.atan(w1 / h1)) ** 2
    alpha = (v / (1 - iou + v + eps)).detach()
    return _reduce(loss + alpha * v, reduction)
