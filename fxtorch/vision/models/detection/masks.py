"""Masks of found objects: cut out for the loss, and pasted into the picture."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.ops import roi_align


def paste_masks_in_image(masks: Tensor, boxes: Tensor, img_shape: tuple[int, int], padding: int = 1) -> Tensor:
    """``(N, 1, M, M)`` masks, each stretched over its box, in pictures of ``img_shape``: ``(N, 1, H, W)``."""
    size = masks.shape[-1]
    scale = (size + 2 * padding) / size
    masks = F.pad(masks, (padding,) * 4)
    half = (boxes[:, 2:] - boxes[:, :2]) * 0.5 * scale
    centre = (boxes[:, 2:] + boxes[:, :2]) * 0.5
    corners = torch.cat([centre - half, centre + half], 1).to(torch.int64).tolist()
    height, width = img_shape
    pasted = torch.zeros((len(corners), 1, height, width), dtype=masks.dtype, device=masks.device)
    for i, (x1, y1, x2, y2) in enumerate(corners):
        sides = (max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1))
        mask = F.interpolate(masks[i : i + 1], size=sides, mode="bilinear", align_corners=False)[0, 0]
        top, left, bottom, right = max(y1, 0), max(x1, 0), min(y2 + 1, height), min(x2 + 1, width)
        if bottom > top and right > left:
            pasted[i, 0, top:bottom, left:right] = mask[top - y1 : bottom - y1, left - x1 : right - x1]
    return pasted


def project_masks_on_boxes(gt_masks: Tensor, boxes: Tensor, matched_idxs: Tensor, M: int) -> Tensor:
    """The part of each box's mask, resampled to ``(N, M, M)``."""
    rois = torch.cat([matched_idxs[:, None].to(boxes), boxes], dim=1)
    return roi_align(gt_masks[:, None].to(rois), rois, (M, M), 1.0)[:, 0]


def maskrcnn_inference(x: Tensor, labels: list[Tensor]) -> list[Tensor]:
    """Each found object's probabilities for its own class, ``(N, 1, M, M)`` for each picture."""
    probabilities = x.sigmoid()
    counts = [label.shape[0] for label in labels]
    label = torch.cat(labels)
    chosen = probabilities[torch.arange(x.shape[0]), label][:, None]
    return list(chosen.split(counts, dim=0))


def maskrcnn_loss(
    mask_logits: Tensor,
    proposals: list[Tensor],
    gt_masks: list[Tensor],
    gt_labels: list[Tensor],
    mask_matched_idxs: list[Tensor],
) -> Tensor:
    """The binary cross entropy of each proposal's mask for its own class."""
    labels = torch.cat([label[at] for label, at in zip(gt_labels, mask_matched_idxs, strict=True)])
    size = mask_logits.shape[-1]
    targets = torch.cat(
        [project_masks_on_boxes(m, p, i, size) for m, p, i in zip(gt_masks, proposals, mask_matched_idxs, strict=True)]
    )
    if targets.numel() == 0:
        return mask_logits.sum() * 0
    return F.binary_cross_entropy_with_logits(mask_logits[torch.arange(labels.shape[0]), labels], targets)
