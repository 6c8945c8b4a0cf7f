"""RetinaNet."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision import ops
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import Matcher, draw, overwrite_eps
from fxtorch.vision.models.detection.anchor_utils import AnchorGenerator
from fxtorch.vision.models.detection.backbone_utils import _resnet_fpn_extractor, norm_for, trainable_layers
from fxtorch.vision.models.detection.box_coders import BoxCoder, box_loss
from fxtorch.vision.models.detection.faster_rcnn import _trained
from fxtorch.vision.models.detection.one_stage import OneStageDetector, best_of_levels, match_by_overlap
from fxtorch.vision.models.detection.rpn import by_anchor
from fxtorch.vision.models.detection.transform import GeneralizedRCNNTransform
from fxtorch.vision.models.resnet import ResNet50_Weights, resnet50
from fxtorch.vision.ops.feature_pyramid_network import LastLevelP6P7
from fxtorch.vision.ops.misc import Conv2dNormActivation

RetinaNet_ResNet50_FPN_Weights = weights("RetinaNet_ResNet50_FPN_Weights")
RetinaNet_ResNet50_FPN_V2_Weights = weights("RetinaNet_ResNet50_FPN_V2_Weights")


def default_anchors() -> AnchorGenerator:
    """Three sizes a level, a third of an octave apart, and three shapes."""
    sizes = tuple((x, int(x * 2 ** (1.0 / 3)), int(x * 2 ** (2.0 / 3))) for x in (32, 64, 128, 256, 512))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


class _Head(nn.Module):
    """Four 3x3 convolutions."""

    _version = 2

    def __init__(self, in_channels: int, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *(Conv2dNormActivation(in_channels, in_channels, norm_layer=norm_layer) for _ in range(4))
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:  # convolutions and ReLUs stood side by side
            for i in range(4):
                for name in ("weight", "bias"):
                    old = f"{prefix}conv.{2 * i}.{name}"
                    if old in state_dict:
                        state_dict[f"{prefix}conv.{i}.0.{name}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class RetinaNetClassificationHead(_Head):
    """The classes of each anchor.

    Args:
        in_channels: channels of the features.
        num_anchors: anchors of a pixel.
        num_classes: classes.
        prior_probability: of an object, at first.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_classes: int,
        prior_probability: float = 0.01,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__(in_channels, norm_layer)
        draw(self)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=3, stride=1, padding=1)
        init.normal_(self.cls_logits.weight, std=0.01)
        init.constant_(self.cls_logits.bias, -math.log((1 - prior_probability) / prior_probability))
        self.num_classes = num_classes
        self.num_anchors = num_anchors

    def compute_loss(
        self, targets: list[dict[str, Tensor]], outputs: dict[str, Tensor], matched: list[Tensor]
    ) -> Tensor:
        """The focal loss, for each object."""
        losses = []
        for target, logits, at in zip(targets, outputs["cls_logits"], matched, strict=True):
            objects = torch.where(at >= 0)[0]
            wanted = torch.zeros_like(logits)
            if objects.numel():
                wanted[objects, target["labels"][at[objects]]] = 1.0
            valid = torch.where(at != Matcher.BETWEEN_THRESHOLDS)[0]
            loss = ops.sigmoid_focal_loss(logits[valid], wanted[valid], reduction="sum")
            losses.append(loss / max(1, objects.numel()))
        return sum(losses[1:], losses[0]) / len(targets)

    def forward(self, x: list[Tensor]) -> Tensor:
        """``(N, anchors, classes)`` logits."""
        return torch.cat([by_anchor(self.cls_logits(self.conv(level)), self.num_classes) for level in x], dim=1)


class RetinaNetRegressionHead(_Head):
    """The box codes of each anchor.

    Args:
        in_channels: channels of the features.
        num_anchors: anchors of a pixel.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self, in_channels: int, num_anchors: int, norm_layer: Callable[..., nn.Module] | None = None
    ) -> None:  # fmt: skip
        super().__init__(in_channels, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=3, stride=1, padding=1)
        draw(self)
        self.box_coder = BoxCoder()
        self._loss_type = "l1"

    def compute_loss(
        self,
        targets: list[dict[str, Tensor]],
        outputs: dict[str, Tensor],
        anchors: list[Tensor],
        matched: list[Tensor],
    ) -> Tensor:
        """The L1 loss (or that of the overlap), for each object."""
        losses = []
        for target, codes, own, at in zip(targets, outputs["bbox_regression"], anchors, matched, strict=True):
            objects = torch.where(at >= 0)[0]
            truths = target["boxes"][at[objects]]
            loss = box_loss(self._loss_type, self.box_coder, own[objects], truths, codes[objects])
            losses.append(loss / max(1, objects.numel()))
        return sum(losses[1:], losses[0]) / max(1, len(targets))

    def forward(self, x: list[Tensor]) -> Tensor:
        """``(N, anchors, 4)`` codes."""
        return torch.cat([by_anchor(self.bbox_reg(self.conv(level)), 4) for level in x], dim=1)


class RetinaNetHead(nn.Module):
    """Classes and box codes of each anchor; arguments as in the two heads."""

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_classes: int,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.classification_head = RetinaNetClassificationHead(
            in_channels, num_anchors, num_classes, norm_layer=norm_layer
        )
        self.regression_head = RetinaNetRegressionHead(in_channels, num_anchors, norm_layer=norm_layer)

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """``cls_logits`` and ``bbox_regression``."""
        return {"cls_logits": self.classification_head(x), "bbox_regression": self.regression_head(x)}


class RetinaNet(OneStageDetector):
    """A one-stage detector with a focal loss.

    Args:
        backbone: gives features, and has ``out_channels``.
        num_classes: classes, the background among them.
        min_size: the size of a picture's shorter side.
        max_size: the largest size of its longer side.
        image_mean: of each channel.
        image_std: of each channel.
        anchor_generator: makes anchors.
        head: scores and codes them.
        proposal_matcher: matches them with truths.
        score_thresh: the least score of a result.
        nms_thresh: the overlap above which the worse result is dropped.
        detections_per_img: how many results are kept.
        fg_iou_thresh: the overlap from which an anchor is an object.
        bg_iou_thresh: the overlap below which it is background.
        topk_candidates: results of a level before suppression.
        **kwargs: for :class:`GeneralizedRCNNTransform`.

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017).
    """

    def __init__(
        self,
        backbone: Any,
        num_classes: int,
        min_size: int = 800,
        max_size: int = 1333,
        image_mean: list[float] | None = None,
        image_std: list[float] | None = None,
        anchor_generator: Any = None,
        head: nn.Module | None = None,
        proposal_matcher: Matcher | None = None,
        score_thresh: float = 0.05,
        nms_thresh: float = 0.5,
        detections_per_img: int = 300,
        fg_iou_thresh: float = 0.5,
        bg_iou_thresh: float = 0.4,
        topk_candidates: int = 1000,
        **kwargs: Any,
    ) -> None:
        anchors: Any = anchor_generator or default_anchors()
        width, each = backbone.out_channels, anchors.num_anchors_per_location()[0]
        mean, std = image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225]
        super().__init__(
            backbone,
            anchors,
            head or RetinaNetHead(width, each, num_classes),
            GeneralizedRCNNTransform(min_size, max_size, mean, std, **kwargs),
            nms_thresh,
            detections_per_img,
        )
        self.proposal_matcher = proposal_matcher or Matcher(fg_iou_thresh, bg_iou_thresh, True)
        self.box_coder = BoxCoder()
        self.score_thresh = score_thresh
        self.topk_candidates = topk_candidates

    def compute_loss(
        self, targets: list[dict[str, Tensor]], outputs: dict[str, Tensor], anchors: list[Tensor], counts: list[int]
    ) -> dict[str, Tensor]:
        """``classification`` and ``bbox_regression``."""
        matched = [match_by_overlap(self.proposal_matcher, t, own) for t, own in zip(targets, anchors, strict=True)]
        return {
            "classification": self.head.classification_head.compute_loss(targets, outputs, matched),
            "bbox_regression": self.head.regression_head.compute_loss(targets, outputs, anchors, matched),
        }

    def candidates(
        self, outputs: dict[str, Tensor], anchors: Tensor, counts: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The boxes, scores and classes of one picture, before suppression."""
        scores = [logits.sigmoid() for logits in outputs["cls_logits"].split(counts)]
        codes, own = outputs["bbox_regression"].split(counts), anchors.split(counts)
        limits = self.score_thresh, self.topk_candidates
        return best_of_levels(scores, codes, own, self.box_coder.decode_single, *limits)


@builder(RetinaNet_ResNet50_FPN_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def retinanet_resnet50_fpn(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> RetinaNet:
    """:class:`RetinaNet` on ResNet-50; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    network = resnet50(weights=weights_backbone, norm_layer=norm_for(trained))
    backbone = _resnet_fpn_extractor(network, layers, [2, 3, 4], LastLevelP6P7(256, 256))
    model = RetinaNet(backbone, num_classes, **kwargs)
    if _trained:
        overwrite_eps(model, 0.0)
    return model


@builder(RetinaNet_ResNet50_FPN_V2_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def retinanet_resnet50_fpn_v2(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> RetinaNet:
    """:class:`RetinaNet` on ResNet-50 with group norm; takes what the first one takes."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    network = resnet50(weights=weights_backbone)
    backbone = _resnet_fpn_extractor(network, layers, [2, 3, 4], LastLevelP6P7(2048, 256))
    anchors = default_anchors()
    head = RetinaNetHead(
        backbone.out_channels, anchors.num_anchors_per_location()[0], num_classes, partial(nn.GroupNorm, 32)
    )
    head.regression_head._loss_type = "giou"
    return RetinaNet(backbone, num_classes, anchor_generator=anchors, head=head, **kwargs)
