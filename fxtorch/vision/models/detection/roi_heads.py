"""What is in the proposed regions: classes, boxes, masks and keypoints."""

from __future__ import annotations

from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision import ops
from fxtorch.vision._torch import torch
from fxtorch.vision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from fxtorch.vision.models.detection.box_coders import BoxCoder
from fxtorch.vision.models.detection.keypoints import keypointrcnn_inference, keypointrcnn_loss
from fxtorch.vision.models.detection.masks import maskrcnn_inference, maskrcnn_loss


def fastrcnn_loss(
    class_logits: Tensor, box_regression: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """The cross entropy of the classes, and the smooth L1 loss of the boxes of objects."""
    label, target = torch.cat(labels), torch.cat(regression_targets)
    objects = torch.where(label > 0)[0]
    codes = box_regression.reshape(box_regression.shape[0], -1, 4)[objects, label[objects]]
    boxes = F.smooth_l1_loss(codes, target[objects], beta=1 / 9, reduction="sum") / label.numel()
    return F.cross_entropy(class_logits, label), boxes


class RoIHeads(nn.Module):
    """Classes, boxes, masks and keypoints of proposed regions.

    Args:
        box_roi_pool: cuts regions from the features.
        box_head: from a region's features to a vector.
        box_predictor: from the vector to class logits and box codes.
        fg_iou_thresh: the overlap from which a region counts as an object.
        bg_iou_thresh: the overlap below which it counts as background.
        batch_size_per_image: regions that the loss looks at.
        positive_fraction: the largest share of objects among them.
        bbox_reg_weights: what box codes are multiplied by.
        score_thresh: the least score.
        nms_thresh: the overlap above which the worse box is dropped.
        detections_per_img: how many boxes are kept.
        mask_roi_pool: cuts regions for the masks; None for no masks.
        mask_head: from a region's features to features.
        mask_predictor: to a mask for each class.
        keypoint_roi_pool: cuts regions for the keypoints; None for no keypoints.
        keypoint_head: from a region's features to features.
        keypoint_predictor: to a map for each keypoint.
    """

    def __init__(
        self,
        box_roi_pool: nn.Module,
        box_head: nn.Module,
        box_predictor: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        bbox_reg_weights: tuple[float, ...] | None,
        score_thresh: float,
        nms_thresh: float,
        detections_per_img: int,
        mask_roi_pool: nn.Module | None = None,
        mask_head: nn.Module | None = None,
        mask_predictor: nn.Module | None = None,
        keypoint_roi_pool: nn.Module | None = None,
        keypoint_head: nn.Module | None = None,
        keypoint_predictor: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=False)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self.box_coder = BoxCoder(bbox_reg_weights or (10.0, 10.0, 5.0, 5.0))
        self.box_roi_pool = box_roi_pool
        self.box_head = box_head
        self.box_predictor = box_predictor
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.mask_roi_pool: Any = mask_roi_pool
        self.mask_head: Any = mask_head
        self.mask_predictor: Any = mask_predictor
        self.keypoint_roi_pool: Any = keypoint_roi_pool
        self.keypoint_head: Any = keypoint_head
        self.keypoint_predictor: Any = keypoint_predictor

    def has_mask(self) -> bool:
        """Whether masks are predicted too."""
        return self.mask_roi_pool is not None and self.mask_head is not None and self.mask_predictor is not None

    def has_keypoint(self) -> bool:
        """Whether keypoints are predicted too."""
        parts = (self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor)
        return all(part is not None for part in parts)

    def _check(self, targets: list[dict[str, Tensor]]) -> None:
        for target in targets:
            if not target["boxes"].is_floating_point():
                raise TypeError(f"target boxes must of float type, instead got {target['boxes'].dtype}")
            if target["labels"].dtype != torch.int64:
                raise TypeError(f"target labels must of int64 type, instead got {target['labels'].dtype}")
            if self.has_keypoint() and target["keypoints"].dtype != torch.float32:
                raise TypeError(f"target keypoints must of float type, instead got {target['keypoints'].dtype}")

    def _match(self, proposals: Tensor, target: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Each region's box among the truths, and its class (0 background, -1 left out)."""
        if target["boxes"].numel() == 0:
            none = torch.zeros((proposals.shape[0],), dtype=torch.int64, device=proposals.device)
            return none, none
        found = self.proposal_matcher(ops.box_iou(target["boxes"], proposals))
        at = found.clamp(min=0)
        label = target["labels"][at].to(torch.int64)
        label = torch.where(found == Matcher.BELOW_LOW_THRESHOLD, 0, label)
        return at, torch.where(found == Matcher.BETWEEN_THRESHOLDS, -1, label)

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[dict[str, Tensor]] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """Sampled regions (the truths among them), the truths they belong to, their classes and box codes."""
        if targets is None:
            raise ValueError("targets should not be None")
        truths = [t["boxes"].to(proposals[0].dtype) for t in targets]
        proposals = [torch.cat((p, t)) for p, t in zip(proposals, truths, strict=True)]
        matches = [self._match(p, t) for p, t in zip(proposals, targets, strict=True)]
        positive, negative = self.fg_bg_sampler([label for _, label in matches])
        kept = [torch.where(p | n)[0] for p, n in zip(positive, negative, strict=True)]
        proposals = [p[k] for p, k in zip(proposals, kept, strict=True)]
        matched = [at[k] for (at, _), k in zip(matches, kept, strict=True)]
        labels = [label[k] for (_, label), k in zip(matches, kept, strict=True)]
        boxes = [
            t[at] if t.numel() else torch.zeros_like(p) for t, at, p in zip(truths, matched, proposals, strict=True)
        ]
        return proposals, matched, labels, self.box_coder.encode(boxes, proposals)

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """The boxes, scores and classes of each picture."""
        counts = [p.shape[0] for p in proposals]
        all_boxes = self.box_coder.decode(box_regression, proposals).split(counts, 0)
        all_scores = F.softmax(class_logits, -1).split(counts, 0)
        found: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        for boxes, scores, shape in zip(all_boxes, all_scores, image_shapes, strict=True):
            boxes = ops.clip_boxes_to_image(boxes, shape)[:, 1:]  # 0 is background
            scores = scores[:, 1:]
            big = ((boxes[..., 2:] - boxes[..., :2]) >= 1e-2).all(dim=-1)
            row, label = torch.where((scores > self.score_thresh) & big)
            boxes, scores = boxes[row, label], scores[row, label]
            keep = ops.batched_nms(boxes, scores, label + 1, self.nms_thresh)[: self.detections_per_img]
            for values, kept in zip(found, (boxes, scores, label + 1), strict=True):
                values.append(kept[keep])
        return found

    def _masks(self, features: Any, boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        return self.mask_predictor(self.mask_head(self.mask_roi_pool(features, boxes, image_shapes)))

    def _keypoints(self, features: Any, boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        return self.keypoint_predictor(self.keypoint_head(self.keypoint_roi_pool(features, boxes, image_shapes)))

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """For each picture ``boxes``, ``labels``, ``scores`` (``masks``, ``keypoints``); while training the losses."""
        if targets is not None:
            self._check(targets)
        matched = labels = codes = None
        if self.training:
            proposals, matched, labels, codes = self.select_training_samples(proposals, targets)
        vectors = self.box_head(self.box_roi_pool(features, proposals, image_shapes))
        logits, regression = self.box_predictor(vectors)
        if labels is None or codes is None or matched is None or targets is None:
            boxes, scores, classes = self.postprocess_detections(logits, regression, proposals, image_shapes)
            results = [
                {"boxes": b, "labels": c, "scores": s} for b, c, s in zip(boxes, classes, scores, strict=True)
            ]  # fmt: skip
            if self.has_mask():
                masks = maskrcnn_inference(self._masks(features, boxes, image_shapes), classes)
                for result, mask in zip(results, masks, strict=True):
                    result["masks"] = mask
            if self.has_keypoint():
                places = keypointrcnn_inference(self._keypoints(features, boxes, image_shapes), boxes)
                for result, place, score in zip(results, *places, strict=True):
                    result |= {"keypoints": place, "keypoints_scores": score}
            return results, {}
        classifier, box = fastrcnn_loss(logits, regression, labels, codes)
        losses = {"loss_classifier": classifier, "loss_box_reg": box}
        objects = [torch.where(label > 0)[0] for label in labels]
        regions = [p[at] for p, at in zip(proposals, objects, strict=True)]
        own = [m[at] for m, at in zip(matched, objects, strict=True)]
        if self.has_mask():
            losses["loss_mask"] = maskrcnn_loss(
                self._masks(features, regions, image_shapes),
                regions,
                [t["masks"] for t in targets],
                [t["labels"] for t in targets],
                own,
            )
        if self.has_keypoint():
            maps = self._keypoints(features, regions, image_shapes)
            losses["loss_keypoint"] = keypointrcnn_loss(maps, regions, [t["keypoints"] for t in targets], own)
        return [], losses
