"""The frame of detectors that look at each place once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision import ops
from fxtorch.vision._torch import torch
from fxtorch.vision.models.detection._utils import Matcher, check_boxes


class OneStageDetector(nn.Module):
    """Features, what a head says of each anchor, and the best of it.

    Args:
        backbone: gives features.
        anchor_generator: makes anchors.
        head: scores and codes them.
        transform: what pictures go through before, and results after.
        nms_thresh: the overlap above which the worse result is dropped.
        detections_per_img: how many results are kept.
    """

    def __init__(
        self,
        backbone: nn.Module,
        anchor_generator: Any,
        head: Any,
        transform: Any,
        nms_thresh: float,
        detections_per_img: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.anchor_generator: Any = anchor_generator
        self.head: Any = head
        self.transform: Any = transform
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img

    def compute_loss(
        self, targets: list[dict[str, Tensor]], outputs: dict[str, Tensor], anchors: list[Tensor], counts: list[int]
    ) -> dict[str, Tensor]:
        """The losses by name.

        Args:
            targets: of each picture, in the batch's coordinates.
            outputs: what the head gave, ``(N, anchors, ...)`` each.
            anchors: of each picture, ``(anchors, 4)``.
            counts: how many of them each level has.
        """
        raise NotImplementedError

    def candidates(
        self, outputs: dict[str, Tensor], anchors: Tensor, counts: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The boxes, scores and classes of one picture, before suppression; arguments as above, without ``N``."""
        raise NotImplementedError

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """The losses by name while training, else for each picture ``boxes``, ``scores`` and ``labels``.

        Args:
            images: ``(3, H, W)`` each, between 0 and 1.
            targets: while training, for each picture ``boxes`` ``(N, 4)`` and ``labels`` ``(N,)``.
        """
        if self.training:
            if targets is None:
                raise ValueError("targets should not be none when in training mode")
            check_boxes(targets)
        sizes = [(int(image.shape[-2]), int(image.shape[-1])) for image in images]
        batch, targets = self.transform(images, targets)
        features = self.backbone(batch.tensors)
        features = [features] if isinstance(features, Tensor) else list(features.values())
        outputs = self.head(features)
        anchors = self.anchor_generator(batch, features)
        each = self.anchor_generator.num_anchors_per_location()
        counts = [f.shape[-2] * f.shape[-1] * a for f, a in zip(features, each, strict=True)]
        if self.training and targets is not None:
            return self.compute_loss(targets, outputs, anchors, counts)
        found = []
        for i, shape in enumerate(batch.image_sizes):
            own = {name: value[i] for name, value in outputs.items()}
            box, score, label = self.candidates(own, anchors[i], counts)
            box = ops.clip_boxes_to_image(box, shape)
            keep = ops.batched_nms(box, score, label, self.nms_thresh)[: self.detections_per_img]
            found.append({"boxes": box[keep], "scores": score[keep], "labels": label[keep]})
        return self.transform.postprocess(found, batch.image_sizes, sizes)


def match_by_overlap(matcher: Matcher, target: dict[str, Tensor], anchors: Tensor) -> Tensor:
    """Each anchor's truth, by their overlap; -1 for none."""
    if target["boxes"].numel() == 0:
        return torch.full((anchors.shape[0],), Matcher.BELOW_LOW_THRESHOLD, dtype=torch.int64, device=anchors.device)
    return matcher(ops.box_iou(target["boxes"], anchors))


def _best_of_level(scores: Tensor, threshold: float, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best ``most`` of ``(anchors, classes)`` scores above ``threshold``: they, their anchors, their classes."""
    classes = scores.shape[-1]
    flat = scores.flatten()
    at = torch.where(flat > threshold)[0]
    best = flat[at].topk(min(at.numel(), most))
    at = at[best.indices]
    return best.values, torch.div(at, classes, rounding_mode="floor"), at % classes


def best_of_levels(
    scores: Sequence[Tensor],
    codes: Sequence[Tensor],
    anchors: Sequence[Tensor],
    decode: Callable[[Tensor, Tensor], Tensor],
    threshold: float,
    most: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The boxes, scores and classes of the best ``most`` of each level, joined."""
    boxes, kept, labels = [], [], []
    for score, code, own in zip(scores, codes, anchors, strict=True):
        best, anchor, label = _best_of_level(score, threshold, most)
        boxes.append(decode(code[anchor], own[anchor]))
        kept.append(best)
        labels.append(label)
    return torch.cat(boxes), torch.cat(kept), torch.cat(labels)
