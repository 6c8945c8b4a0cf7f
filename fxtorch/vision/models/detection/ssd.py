"""SSD."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import SSDMatcher, retrieve_out_channels
from fxtorch.vision.models.detection.anchor_utils import DefaultBoxGenerator
from fxtorch.vision.models.detection.backbone_utils import trainable_layers
from fxtorch.vision.models.detection.box_coders import BoxCoder
from fxtorch.vision.models.detection.faster_rcnn import _trained
from fxtorch.vision.models.detection.one_stage import OneStageDetector, match_by_overlap
from fxtorch.vision.models.detection.rpn import by_anchor
from fxtorch.vision.models.detection.ssd_vgg import SSDFeatureExtractorVGG as SSDFeatureExtractorVGG
from fxtorch.vision.models.detection.ssd_vgg import _vgg_extractor, draw_xavier
from fxtorch.vision.models.detection.transform import GeneralizedRCNNTransform
from fxtorch.vision.models.vgg import VGG16_Weights, vgg16

SSD300_VGG16_Weights = weights("SSD300_VGG16_Weights")


class SSDScoringHead(nn.Module):
    """A layer for each level of features, and its numbers anchor by anchor.

    Args:
        module_list: the layers.
        num_columns: numbers of an anchor.
    """

    def __init__(self, module_list: nn.ModuleList, num_columns: int) -> None:
        super().__init__()
        self.module_list = module_list
        self.num_columns = num_columns

    def forward(self, x: list[Tensor]) -> Tensor:
        """``(N, anchors, num_columns)``."""
        levels = [layer(level) for layer, level in zip(self.module_list, x, strict=True)]
        return torch.cat([by_anchor(level, self.num_columns) for level in levels], dim=1)


def _convolutions(in_channels: Sequence[int], out_channels: Iterable[int]) -> nn.ModuleList:
    layers = nn.ModuleList(
        nn.Conv2d(i, o, kernel_size=3, padding=1) for i, o in zip(in_channels, out_channels, strict=True)
    )
    draw_xavier(layers)
    return layers


class SSDClassificationHead(SSDScoringHead):
    """The classes of each anchor.

    Args:
        in_channels: of each level.
        num_anchors: of a pixel of each level.
        num_classes: classes, the background among them.
    """

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int) -> None:
        super().__init__(_convolutions(in_channels, (num_classes * a for a in num_anchors)), num_classes)


class SSDRegressionHead(SSDScoringHead):
    """The box codes of each anchor; arguments as above."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int]) -> None:
        super().__init__(_convolutions(in_channels, (4 * a for a in num_anchors)), 4)


class SSDHead(nn.Module):
    """Classes and box codes of each anchor; arguments as above."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.classification_head = SSDClassificationHead(in_channels, num_anchors, num_classes)
        self.regression_head = SSDRegressionHead(in_channels, num_anchors)

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """``bbox_regression`` and ``cls_logits``."""
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


class SSD(OneStageDetector):
    """A one-stage detector with default boxes at each pixel of several levels, trained on the hardest background.

    Args:
        backbone: gives features of several sizes; may have ``out_channels``, a list.
        anchor_generator: makes the default boxes.
        size: width and height to which pictures are brought.
        num_classes: classes, the background among them.
        image_mean: of each channel.
        image_std: of each channel.
        head: scores and codes the boxes.
        score_thresh: the least score of a result.
        nms_thresh: the overlap above which the worse result is dropped.
        detections_per_img: how many results are kept.
        iou_thresh: the overlap from which a box is an object.
        topk_candidates: results of a class before suppression.
        positive_fraction: the share of objects among the boxes that the loss of classes looks at.
        **kwargs: for :class:`GeneralizedRCNNTransform`.

    Source: Liu et al., "SSD: Single Shot MultiBox Detector" (2016).
    """

    def __init__(
        self,
        backbone: Any,
        anchor_generator: DefaultBoxGenerator,
        size: tuple[int, int],
        num_classes: int,
        image_mean: list[float] | None = None,
        image_std: list[float] | None = None,
        head: nn.Module | None = None,
        score_thresh: float = 0.01,
        nms_thresh: float = 0.45,
        detections_per_img: int = 200,
        iou_thresh: float = 0.5,
        topk_candidates: int = 400,
        positive_fraction: float = 0.25,
        **kwargs: Any,
    ) -> None:
        if head is None:
            widths = getattr(backbone, "out_channels", None) or retrieve_out_channels(backbone, size)
            if len(widths) != len(anchor_generator.aspect_ratios):
                raise ValueError(
                    f"The length of the output channels from the backbone ({len(widths)}) do not match the length of "
                    f"the anchor generator aspect ratios ({len(anchor_generator.aspect_ratios)})"
                )
            head = SSDHead(widths, anchor_generator.num_anchors_per_location(), num_classes)
        mean, std = image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225]
        transform = GeneralizedRCNNTransform(
            min(size), max(size), mean, std, size_divisible=1, fixed_size=size, **kwargs
        )  # fmt: skip
        super().__init__(backbone, anchor_generator, head, transform, nms_thresh, detections_per_img)
        self.box_coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
        self.proposal_matcher = SSDMatcher(iou_thresh)
        self.score_thresh = score_thresh
        self.topk_candidates = topk_candidates
        self.neg_to_pos_ratio = (1.0 - positive_fraction) / positive_fraction

    def compute_loss(
        self, targets: list[dict[str, Tensor]], outputs: dict[str, Tensor], anchors: list[Tensor], counts: list[int]
    ) -> dict[str, Tensor]:
        """``bbox_regression`` and ``classification``, for each object."""
        boxes, classes, count = [], [], 0
        for target, codes, own in zip(targets, outputs["bbox_regression"], anchors, strict=True):
            matched = match_by_overlap(self.proposal_matcher, target, own)
            objects = torch.where(matched >= 0)[0]
            at = matched[objects]
            count += at.numel()
            wanted = self.box_coder.encode_single(target["boxes"][at], own[objects])
            boxes.append(F.smooth_l1_loss(codes[objects], wanted, reduction="sum"))
            label = target["labels"].new_zeros((own.shape[0],))
            label[objects] = target["labels"][at]
            classes.append(label)
        label = torch.stack(classes)
        logits = outputs["cls_logits"]
        loss = F.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="none").view(label.shape)
        objects = label > 0
        entropy = loss[objects].sum() + loss[self._hardest(loss.detach(), objects)].sum()
        count = max(1, count)
        return {"bbox_regression": torch.stack(boxes).sum() / count, "classification": entropy / count}

    def _hardest(self, loss: Tensor, objects: Tensor) -> Tensor:
        """Of each picture a fixed number of the worst classified for each object, objects last of all."""
        wanted = self.neg_to_pos_ratio * objects.sum(1, keepdim=True)
        order = torch.where(objects, -math.inf, loss).argsort(1, descending=True)
        return order.argsort(1) < wanted

    def candidates(
        self, outputs: dict[str, Tensor], anchors: Tensor, counts: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The boxes, scores and classes of one picture, before suppression."""
        decoded = self.box_coder.decode_single(outputs["bbox_regression"], anchors)
        boxes, scores, labels = [], [], []
        for label, score in enumerate(F.softmax(outputs["cls_logits"], dim=-1).unbind(-1)):
            if label == 0:  # the background
                continue
            at = torch.where(score > self.score_thresh)[0]
            best = score[at].topk(min(at.numel(), self.topk_candidates))
            boxes.append(decoded[at[best.indices]])
            scores.append(best.values)
            labels.append(torch.full_like(best.indices, label))
        return torch.cat(boxes), torch.cat(scores), torch.cat(labels)


@builder(SSD300_VGG16_Weights, backbone=VGG16_Weights.IMAGENET1K_FEATURES, with_weights=_trained)
def ssd300_vgg16(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> SSD:
    """:class:`SSD` of 300 pixels on VGG 16; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    if "size" in kwargs:
        warnings.warn("The size of the model is already fixed; ignoring the parameter.", stacklevel=3)
        del kwargs["size"]
    layers = trainable_layers(_trained or weights_backbone is not None, trainable_backbone_layers, 5, 4)
    backbone = _vgg_extractor(vgg16(weights=weights_backbone), False, layers)
    boxes = DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
        scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
        steps=[8, 16, 32, 64, 100, 300],
    )
    # The weights are of pictures from 0 to 255.
    defaults = {"image_mean": [0.48235, 0.45882, 0.40784], "image_std": [1.0 / 255.0] * 3}
    return SSD(backbone, boxes, (300, 300), num_classes, **{**defaults, **kwargs})
