"""The region proposal network."""

from __future__ import annotations

from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision import ops
from fxtorch.vision._torch import torch
from fxtorch.vision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher, draw
from fxtorch.vision.models.detection.box_coders import BoxCoder
from fxtorch.vision.models.detection.image_list import ImageList
from fxtorch.vision.ops.misc import Conv2dNormActivation


class RPNHead(nn.Module):
    """Whether there is an object, and where, for each anchor of each pixel.

    Args:
        in_channels: channels of the features.
        num_anchors: anchors of a pixel.
        conv_depth: convolutions before.
    """

    _version = 2

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *(Conv2dNormActivation(in_channels, in_channels, kernel_size=3, norm_layer=None) for _ in range(conv_depth))
        )
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, kernel_size=1, stride=1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=1, stride=1)
        draw(self)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:
            for name in ("weight", "bias"):
                if f"{prefix}conv.{name}" in state_dict:
                    state_dict[f"{prefix}conv.0.0.{name}"] = state_dict.pop(f"{prefix}conv.{name}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and box codes of each level."""
        features = [self.conv(level) for level in x]
        return [self.cls_logits(f) for f in features], [self.bbox_pred(f) for f in features]


def by_anchor(x: Tensor, width: int) -> Tensor:
    """``(N, A * width, H, W)`` as ``(N, H * W * A, width)``."""
    n, _, height, columns = x.shape
    return x.view(n, -1, width, height, columns).permute(0, 3, 4, 1, 2).reshape(n, -1, width)


class RegionProposalNetwork(nn.Module):
    """Boxes that may hold an object.

    Args:
        anchor_generator: makes the anchors.
        head: scores and codes them.
        fg_iou_thresh: the overlap from which an anchor counts as an object.
        bg_iou_thresh: the overlap below which it counts as background.
        batch_size_per_image: anchors that the loss looks at.
        positive_fraction: the largest share of objects among them.
        pre_nms_top_n: how many are kept before suppression, under ``"training"`` and ``"testing"``.
        post_nms_top_n: how many after it.
        nms_thresh: the overlap above which the worse box is dropped.
        score_thresh: the least score.

    Source: Ren et al., "Faster R-CNN" (2015).
    """

    def __init__(
        self,
        anchor_generator: nn.Module,
        head: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        pre_nms_top_n: dict[str, int],
        post_nms_top_n: dict[str, int],
        nms_thresh: float,
        score_thresh: float = 0.0,
    ) -> None:
        super().__init__()
        self.anchor_generator = anchor_generator
        self.head = head
        self.box_coder = BoxCoder()
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh
        self.min_size = 1e-3

    def pre_nms_top_n(self) -> int:
        """How many are kept of each level before suppression."""
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        """How many are kept of each picture after it."""
        return self._post_nms_top_n["training" if self.training else "testing"]

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each anchor 1, 0 or -1 (left out), and the box that it belongs to."""
        labels, boxes = [], []
        for own, target in zip(anchors, targets, strict=True):
            truths = target["boxes"]
            if truths.numel() == 0:
                labels.append(torch.zeros((own.shape[0],), dtype=torch.float32, device=own.device))
                boxes.append(torch.zeros_like(own))
                continue
            matched = self.proposal_matcher(ops.box_iou(truths, own))
            boxes.append(truths[matched.clamp(min=0)])
            label = torch.where(matched == Matcher.BELOW_LOW_THRESHOLD, 0.0, (matched >= 0).to(torch.float32))
            labels.append(torch.where(matched == Matcher.BETWEEN_THRESHOLDS, -1.0, label))
        return labels, boxes

    def _best_of_each_level(self, objectness: Tensor, counts: list[int]) -> Tensor:
        """The indexes of the best anchors of each level, ``(N, K)``."""
        chosen, start = [], 0
        for scores in objectness.split(counts, 1):
            kept = min(self.pre_nms_top_n(), scores.shape[1])
            chosen.append(scores.topk(kept, dim=1).indices + start)
            start += scores.shape[1]
        return torch.cat(chosen, dim=1)

    def filter_proposals(
        self, proposals: Tensor, objectness: Tensor, image_shapes: list[tuple[int, int]], counts: list[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The best boxes of each picture that do not overlap, and their scores."""
        n = proposals.shape[0]
        objectness = objectness.detach().reshape(n, -1)
        level = torch.cat([torch.full((count,), i, dtype=torch.int64) for i, count in enumerate(counts)])
        at = self._best_of_each_level(objectness, counts)
        boxes_found, scores_found = [], []
        for i, shape in enumerate(image_shapes):
            scores = torch.sigmoid(objectness[i, at[i]])
            boxes = ops.clip_boxes_to_image(proposals[i, at[i]], shape)
            sides = boxes[:, 2:] - boxes[:, :2]
            big = (sides >= self.min_size).all(dim=1) & (scores >= self.score_thresh)
            keep = torch.where(big)[0]
            boxes, scores, levels = boxes[keep], scores[keep], level[at[i]][keep]
            keep = ops.batched_nms(boxes, scores, levels, self.nms_thresh)[: self.post_nms_top_n()]
            boxes_found.append(boxes[keep])
            scores_found.append(scores[keep])
        return boxes_found, scores_found

    def compute_loss(
        self, objectness: Tensor, codes: Tensor, labels: list[Tensor], targets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Of the scores and of the boxes, over sampled anchors."""
        positive, negative = self.fg_bg_sampler(labels)
        objects = torch.where(torch.cat(positive))[0]
        sampled = torch.cat([objects, torch.where(torch.cat(negative))[0]])
        label, target = torch.cat(labels), torch.cat(targets)
        boxes = F.smooth_l1_loss(codes[objects], target[objects], beta=1 / 9, reduction="sum") / sampled.numel()
        return F.binary_cross_entropy_with_logits(objectness.flatten()[sampled], label[sampled]), boxes

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The boxes of each picture, and while training the losses."""
        objectness, codes = self.head(list(features.values()))
        anchors = self.anchor_generator(images, list(features.values()))
        counts = [o.shape[1] * o.shape[2] * o.shape[3] for o in objectness]
        scores = torch.cat([by_anchor(o, 1) for o in objectness], dim=1).reshape(-1, 1)
        flat = torch.cat([by_anchor(c, 4) for c in codes], dim=1).reshape(-1, 4)
        proposals = self.box_coder.decode(flat.detach(), anchors).view(len(anchors), -1, 4)
        boxes, _ = self.filter_proposals(proposals, scores, images.image_sizes, counts)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("targets should not be None")
        labels, matched = self.assign_targets_to_anchors(anchors, targets)
        wanted = self.box_coder.encode(matched, anchors)
        loss, box_loss = self.compute_loss(scores, flat, labels, wanted)
        return boxes, {"loss_objectness": loss, "loss_rpn_box_reg": box_loss}
