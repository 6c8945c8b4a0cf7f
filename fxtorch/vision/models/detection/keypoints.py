"""Keypoints of found objects: as places in a map for the loss, and read from maps."""

from __future__ import annotations

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch


def keypoints_to_heatmap(keypoints: Tensor, rois: Tensor, heatmap_size: int) -> tuple[Tensor, Tensor]:
    """Where keypoints lie in maps of their regions.

    Args:
        keypoints: ``(N, K, 3)`` rows ``(x, y, visible)``.
        rois: ``(N, 4)`` regions.
        heatmap_size: the maps' side.

    Returns:
        ``(N, K)`` places ``row * heatmap_size + column``, 0 where there is none, and 1 where there is one, else 0.
    """
    low, high = rois[:, None, :2], rois[:, None, 2:]
    place = keypoints[..., :2]
    cell = ((place - low) * (heatmap_size / (high - low))).floor().to(torch.int64)
    cell = torch.where(place == high, heatmap_size - 1, cell)  # the far edge belongs to the last cell
    inside = ((cell >= 0) & (cell < heatmap_size)).all(dim=-1)
    valid = (inside & (keypoints[..., 2] > 0)).to(torch.int64)
    return (cell[..., 1] * heatmap_size + cell[..., 0]) * valid, valid


def heatmaps_to_keypoints(maps: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    """The best place of each map, stretched over its region by bicubic interpolation.

    Args:
        maps: ``(N, K, H, W)``.
        rois: ``(N, 4)`` regions.

    Returns:
        ``(N, K, 3)`` rows ``(x, y, 1)`` and ``(N, K)`` values there.
    """
    count = maps.shape[1]
    places = torch.zeros((len(rois), count, 3), dtype=torch.float32, device=maps.device)
    scores = torch.zeros((len(rois), count), dtype=torch.float32, device=maps.device)
    sides = (rois[:, 2:] - rois[:, :2]).clamp(min=1)
    for i, (width, height) in enumerate(sides.ceil().to(torch.int64).tolist()):
        stretched = F.interpolate(maps[i][:, None], size=(height, width), mode="bicubic", align_corners=False)[:, 0]
        at = stretched.flatten(1).argmax(dim=1)
        row, column = torch.div(at, width, rounding_mode="floor"), at % width
        places[i, :, 0] = (column.float() + 0.5) * (sides[i, 0] / width) + rois[i, 0]
        places[i, :, 1] = (row.float() + 0.5) * (sides[i, 1] / height) + rois[i, 1]
        places[i, :, 2] = 1
        scores[i] = stretched[torch.arange(count, device=maps.device), row, column]
    return places, scores


def keypointrcnn_loss(
    keypoint_logits: Tensor, proposals: list[Tensor], gt_keypoints: list[Tensor], keypoint_matched_idxs: list[Tensor]
) -> Tensor:
    """The cross entropy of each visible keypoint's place among those of its map."""
    n, count, height, width = keypoint_logits.shape
    if height != width:
        raise ValueError(
            "keypoint_logits height and width (last two elements of shape) should be equal. "
            f"Instead got H = {height} and W = {width}"
        )
    maps = [
        keypoints_to_heatmap(truths[at], regions, height)
        for regions, truths, at in zip(proposals, gt_keypoints, keypoint_matched_idxs, strict=True)
    ]
    target, valid = (torch.cat([part.flatten() for part in parts]) for parts in zip(*maps, strict=True))
    seen = torch.where(valid != 0)[0]
    if seen.numel() == 0:
        return keypoint_logits.sum() * 0
    return F.cross_entropy(keypoint_logits.view(n * count, height * width)[seen], target[seen])


def keypointrcnn_inference(x: Tensor, boxes: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The keypoints and their values, for each picture."""
    found = [
        heatmaps_to_keypoints(maps, own) for maps, own in zip(x.split([len(b) for b in boxes]), boxes, strict=True)
    ]
    return [places for places, _ in found], [scores for _, scores in found]
