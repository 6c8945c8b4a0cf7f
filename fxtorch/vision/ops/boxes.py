"""Boxes as rows of four numbers: choosing among them, converting them, measuring them.

Unless said otherwise a box is ``(x1, y1, x2, y2)``, its upper left and lower right corners.
"""

from __future__ import annotations

import math

from fxtorch.tensor import Tensor
from fxtorch.vision._torch import operators, torch


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The indexes of the boxes that no better one covers by more than ``iou_threshold``, best first.

    Args:
        boxes: ``(N, 4)``.
        scores: ``(N,)``.
        iou_threshold: the intersection over union above which the worse of two boxes is dropped.

    >>> import fxtorch as torch
    >>> boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9], [5.0, 5.0, 6.0, 6.0]])
    >>> nms(boxes, torch.tensor([0.5, 0.9, 0.7]), 0.5)
    tensor([1, 2])
    """
    return operators.nms(boxes, scores, float(iou_threshold))


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """:func:`nms` for each category by itself.

    Args:
        boxes: ``(N, 4)``.
        scores: ``(N,)``.
        idxs: ``(N,)`` categories; boxes of different ones do not suppress each other.
        iou_threshold: as in :func:`nms`.
    """
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    # Categories are moved so far apart that their boxes cannot meet.
    apart = idxs.to(boxes.dtype) * (boxes.max() + 1)
    return nms(boxes + apart[:, None], scores, iou_threshold)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indexes of the boxes whose sides are both at least ``min_size``."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return torch.where((sides >= min_size).all(dim=1))[0]


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """``(..., 4)`` boxes with their corners moved into an image of ``size = (height, width)``."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack((x, y), dim=-1).reshape(boxes.shape)


def _to_corners(boxes: Tensor, fmt: str) -> Tensor:
    if fmt == "xywh":
        return torch.cat([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], dim=-1)
    if fmt == "cxcywh":
        half = 0.5 * boxes[..., 2:]
        return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], dim=-1)
    return boxes


def _from_corners(boxes: Tensor, fmt: str) -> Tensor:
    low, high = boxes[..., :2], boxes[..., 2:]
    if fmt == "xywh":
        return torch.cat([low, high - low], dim=-1)
    if fmt == "cxcywh":
        return torch.cat([(low + high) / 2, high - low], dim=-1)
    return boxes


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes from one way of writing them to another.

    Args:
        boxes: ``(..., 4)``.
        in_fmt: ``"xyxy"`` corners, ``"xywh"`` upper left corner and sizes, ``"cxcywh"`` centre and sizes.
        out_fmt: one of the same.

    Raises:
        ValueError: a way that is not known.

    >>> import fxtorch as torch
    >>> box_convert(torch.tensor([[1.0, 2.0, 3.0, 6.0]]), "xyxy", "cxcywh")
    tensor([[2., 4., 2., 4.]])
    """
    allowed = ("xyxy", "xywh", "cxcywh")
    if in_fmt not in allowed or out_fmt not in allowed:
        raise ValueError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}")
    if in_fmt == out_fmt:
        return boxes.clone()
    return _from_corners(_to_corners(boxes, in_fmt), out_fmt)


def _wide(boxes: Tensor) -> Tensor:
    """In a type in which products do not overflow."""
    if boxes.is_floating_point():
        return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.float()
    return boxes if boxes.dtype in (torch.int32, torch.int64) else boxes.int()


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """The areas of ``(..., 4)`` boxes: ``(...,)``."""
    boxes = _wide(boxes)
    if fmt == "xyxy":
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return boxes[..., 2] * boxes[..., 3]


def _intersection_and_union(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    low = torch.maximum(boxes1[..., :, None, :2], boxes2[..., None, :, :2])
    high = torch.minimum(boxes1[..., :, None, 2:], boxes2[..., None, :, 2:])
    sides = _wide(high - low).clamp(min=0)
    shared = sides[..., 0] * sides[..., 1]
    return shared, box_area(boxes1)[..., :, None] + box_area(boxes2)[..., None, :] - shared


def _hull(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The sides of the smallest box around each pair."""
    low = torch.minimum(boxes1[..., :, None, :2], boxes2[..., None, :, :2])
    high = torch.maximum(boxes1[..., :, None, 2:], boxes2[..., None, :, 2:])
    return _wide(high - low).clamp(min=0)


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of every pair.

    Args:
        boxes1: ``(..., N, 4)``.
        boxes2: ``(..., M, 4)``.
        fmt: how both are written, as in :func:`box_convert`.

    Returns:
        ``(..., N, M)``.
    """
    shared, union = _intersection_and_union(_to_corners(boxes1, fmt), _to_corners(boxes2, fmt))
    return shared / union


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """``IoU - (hull - union) / hull`` of every pair, ``(N, M)``.

    Source: Rezatofighi et al., "Generalized Intersection over Union" (2019).
    """
    shared, union = _intersection_and_union(boxes1, boxes2)
    sides = _hull(boxes1, boxes2)
    hull = sides[..., 0] * sides[..., 1]
    return shared / union - (hull - union) / hull


def _penalty(boxes1: Tensor, boxes2: Tensor, eps: float) -> Tensor:
    """The squared distance of the centres, in squared diagonals of the hull."""
    sides = _hull(boxes1, boxes2)
    diagonal = sides[..., 0] ** 2 + sides[..., 1] ** 2 + eps
    first, second = (_wide(b[..., :2] + b[..., 2:]) / 2 for b in (boxes1, boxes2))
    apart = first[..., :, None, :] - second[..., None, :, :]
    return (apart[..., 0] ** 2 + apart[..., 1] ** 2) / diagonal


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """``IoU - distance² / diagonal²`` of every pair, ``(N, M)``.

    Source: Zheng et al., "Distance-IoU Loss" (2020).
    """
    return box_iou(boxes1, boxes2) - _penalty(boxes1, boxes2, eps)


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """:func:`distance_box_iou` less a penalty on different aspect ratios, ``(N, M)``.

    Source: Zheng et al., "Distance-IoU Loss" (2020).
    """
    iou = box_iou(boxes1, boxes2)
    angle = [torch.atan((b[..., 2] - b[..., 0]) / (b[..., 3] - b[..., 1])) for b in (boxes1, boxes2)]
    v = 4 / math.pi**2 * (angle[0][..., :, None] - angle[1][..., None, :]) ** 2
    alpha = (v / (1 - iou + v + eps)).detach()
    return iou - _penalty(boxes1, boxes2, eps) - alpha * v


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest box around each of ``(N, H, W)`` masks, ``(N, 4)`` of the default type.

    Coordinates are those of the outermost pixels; an empty mask gives zeros.
    """
    if masks.numel() == 0:
        return torch.zeros((0, 4), device=masks.device, dtype=torch.float32)
    on = masks.to(torch.bool)
    ends = []
    for along, size in ((on.any(dim=1), masks.shape[2]), (on.any(dim=2), masks.shape[1])):
        at = torch.arange(size, device=masks.device)
        first = torch.where(along, at, size).min(dim=1).values
        last = torch.where(along, at, -1).max(dim=1).values
        ends.append((torch.where(last < 0, 0, first), last.clamp(min=0)))
    (x1, x2), (y1, y2) = ends
    return torch.stack([x1, y1, x2, y2], dim=1).to(torch.float32)
