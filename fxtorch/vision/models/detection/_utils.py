"""Coding boxes against references, matching them, sampling them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.ops import FrozenBatchNorm2d, generalized_box_iou_loss


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


class Matcher:
    """To each prediction, the ground truth that it overlaps most.

    Args:
        high_threshold: the overlap from which a match counts.
        low_threshold: the overlap below which there is none; between the two a prediction is left out.
        allow_low_quality_matches: whether the best predictions of a ground truth count in any case.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(
        self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False
    ) -> None:  # fmt: skip
        if low_threshold > high_threshold:
            raise ValueError("low_threshold should be <= high_threshold")
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """From ``(truths, predictions)`` overlaps, each prediction's truth; -1 for none, -2 for left out."""
        if match_quality_matrix.numel() == 0:
            which = "ground-truth" if match_quality_matrix.shape[0] == 0 else "proposal"
            raise ValueError(f"No {which} boxes available for one of the images during training")
        best, matches = match_quality_matrix.max(dim=0)
        found = torch.where(best < self.low_threshold, self.BELOW_LOW_THRESHOLD, matches)
        between = (best >= self.low_threshold) & (best < self.high_threshold)
        found = torch.where(between, self.BETWEEN_THRESHOLDS, found)
        if self.allow_low_quality_matches:
            highest = match_quality_matrix.max(dim=1, keepdim=True).values
            found = torch.where((match_quality_matrix == highest).any(dim=0), matches, found)
        return found


class BalancedPositiveNegativeSampler:
    """Some of the positives and so many negatives that their number is fixed.

    Args:
        batch_size_per_image: how many for each picture.
        positive_fraction: the largest share of positives.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the chosen positives and negatives, from labels: 1 and more, 0, and negative for neither."""
        chosen: tuple[list[Tensor], list[Tensor]] = ([], [])
        for labels in matched_idxs:
            wanted = int(self.batch_size_per_image * self.positive_fraction)
            for kind, masks in ((labels >= 1, chosen[0]), (labels == 0, chosen[1])):
                at = torch.where(kind)[0]
                wanted = min(at.numel(), wanted)
                mask = torch.zeros_like(labels, dtype=torch.uint8)
                mask[at[torch.randperm(at.numel())[:wanted]]] = 1
                masks.append(mask)
                wanted = self.batch_size_per_image - wanted
        return chosen


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Set ``eps`` of every frozen batch norm."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps


def draw(module: nn.Module, std: float = 0.01) -> None:
    """Draw convolutions anew from a normal distribution, without biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                init.constant_(layer.bias, 0)


def box_loss(
    kind: str, coder: BoxCoder, anchors: Tensor, truths: Tensor, codes: Tensor, beta: float = 1.0
) -> Tensor:  # fmt: skip
    """The summed loss of box codes: ``"l1"`` or ``"smooth_l1"`` against coded truths, or ``"giou"`` of the boxes."""
    if kind == "giou":
        return generalized_box_iou_loss(coder.decode_single(codes, anchors), truths, reduction="sum", eps=1e-7)
    target = coder.encode_single(truths, anchors)
    if kind == "l1":
        return F.l1_loss(codes, target, reduction="sum")
    if kind == "smooth_l1":
        return F.smooth_l1_loss(codes, target, reduction="sum", beta=beta)
    raise ValueError(f"Unsupported loss {kind}")


def check_boxes(targets: list[dict[str, Any]]) -> None:
    """Raise where a target's boxes are no ``(N, 4)`` boxes with sides above zero."""
    for i, target in enumerate(targets):
        boxes = target["boxes"]
        if not isinstance(boxes, Tensor):
            raise TypeError(f"Expected target boxes to be of type Tensor, got {type(boxes)}.")
        if boxes.ndim != 2 or boxes.shape[-1] != 4:
            raise ValueError(f"Expected target boxes to be a tensor of shape [N, 4], got {boxes.shape}.")
        degenerate = (boxes[:, 2:] <= boxes[:, :2]).any(dim=1)
        if degenerate.any():
            box = boxes[torch.where(degenerate)[0][0]].tolist()
            raise ValueError(
                f"All bounding boxes should have positive height and width. Found invalid box {box} for target at "
                f"index {i}."
            )
