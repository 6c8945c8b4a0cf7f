"""FCOS."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision import ops
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import draw
from fxtorch.vision.models.detection.anchor_utils import AnchorGenerator
from fxtorch.vision.models.detection.backbone_utils import _resnet_fpn_extractor, norm_for, trainable_layers
from fxtorch.vision.models.detection.box_coders import BoxLinearCoder
from fxtorch.vision.models.detection.faster_rcnn import _trained
from fxtorch.vision.models.detection.one_stage import OneStageDetector, best_of_levels
from fxtorch.vision.models.detection.rpn import by_anchor
from fxtorch.vision.models.detection.transform import GeneralizedRCNNTransform
from fxtorch.vision.models.resnet import ResNet50_Weights, resnet50
from fxtorch.vision.ops.feature_pyramid_network import LastLevelP6P7

FCOS_ResNet50_FPN_Weights = weights("FCOS_ResNet50_FPN_Weights")


def _convolutions(width: int, count: int, norm_layer: Callable[..., nn.Module] | None) -> nn.Sequential:
    norm_layer = norm_layer or partial(nn.GroupNorm, 32)
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [nn.Conv2d(width, width, kernel_size=3, stride=1, padding=1), norm_layer(width), nn.ReLU()]
    return nn.Sequential(*layers)


class FCOSClassificationHead(nn.Module):
    """The classes of each place.

    Args:
        in_channels: channels of the features.
        num_anchors: anchors of a pixel.
        num_classes: classes.
        num_convs: convolutions before.
        prior_probability: of an object, at first.
        norm_layer: makes the normalisations; groups of 32 unless given.
    """

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_classes: int,
        num_convs: int = 4,
        prior_probability: float = 0.01,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_anchors = num_anchors
        self.conv = _convolutions(in_channels, num_convs, norm_layer)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=3, stride=1, padding=1)
        draw(self)
        init.constant_(self.cls_logits.bias, -math.log((1 - prior_probability) / prior_probability))

    def forward(self, x: list[Tensor]) -> Tensor:
        """``(N, anchors, classes)`` logits."""
        return torch.cat([by_anchor(self.cls_logits(self.conv(level)), self.num_classes) for level in x], dim=1)


class FCOSRegressionHead(nn.Module):
    """The sides of a box around each place, and how near its centre the place is; arguments as above."""

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_convs: int = 4,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.conv = _convolutions(in_channels, num_convs, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=3, stride=1, padding=1)
        self.bbox_ctrness = nn.Conv2d(in_channels, num_anchors * 1, kernel_size=3, stride=1, padding=1)
        draw(self)

    def forward(self, x: list[Tensor]) -> tuple[Tensor, Tensor]:
        """``(N, anchors, 4)`` codes and ``(N, anchors, 1)`` logits."""
        features = [self.conv(level) for level in x]
        codes = [by_anchor(F.relu(self.bbox_reg(f)), 4) for f in features]
        return torch.cat(codes, dim=1), torch.cat([by_anchor(self.bbox_ctrness(f), 1) for f in features], dim=1)


class FCOSHead(nn.Module):
    """Classes, boxes and centredness of each place; arguments as in the two heads."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int | None = 4) -> None:
        super().__init__()
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        count = 4 if num_convs is None else num_convs
        self.classification_head = FCOSClassificationHead(in_channels, num_anchors, num_classes, count)
        self.regression_head = FCOSRegressionHead(in_channels, num_anchors, count)

    def compute_loss(
        self,
        targets: list[dict[str, Tensor]],
        head_outputs: dict[str, Tensor],
        anchors: list[Tensor],
        matched_idxs: list[Tensor],
    ) -> dict[str, Tensor]:
        """``classification``, ``bbox_regression`` and ``bbox_ctrness``, for each object.

        Args:
            targets: of each picture.
            head_outputs: what :meth:`forward` gave.
            anchors: of each picture.
            matched_idxs: each anchor's truth; negative for none.
        """
        classes, boxes = [], []
        for target, at in zip(targets, matched_idxs, strict=True):
            none = at.shape[0] if target["labels"].numel() == 0 else 0
            label, box = target["labels"].new_zeros((none,)), target["boxes"].new_zeros((none, 4))
            if not none:
                label, box = target["labels"][at.clamp(min=0)], target["boxes"][at.clamp(min=0)]
            classes.append(torch.where(at < 0, -1, label))
            boxes.append(box)
        label, box, reference = torch.stack(classes), torch.stack(boxes), torch.stack(anchors)
        objects = label >= 0
        count = max(1, int(objects.sum()))
        logits = head_outputs["cls_logits"]
        wanted = torch.zeros_like(logits)
        wanted[objects, label[objects]] = 1.0
        predicted = self.box_coder.decode(head_outputs["bbox_regression"], reference)
        sides = self.box_coder.encode(reference[objects], box[objects])
        across, down = sides[:, 0::2], sides[:, 1::2]
        near = torch.sqrt((across.amin(-1) / across.amax(-1)) * (down.amin(-1) / down.amax(-1)))
        centred = head_outputs["bbox_ctrness"].squeeze(dim=2)[objects]
        losses = {
            "classification": ops.sigmoid_focal_loss(logits, wanted, reduction="sum"),
            "bbox_regression": ops.generalized_box_iou_loss(predicted[objects], box[objects], reduction="sum"),
            "bbox_ctrness": F.binary_cross_entropy_with_logits(centred, near, reduction="sum"),
        }
        return {name: loss / count for name, loss in losses.items()}

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """``cls_logits``, ``bbox_regression`` and ``bbox_ctrness``."""
        codes, centred = self.regression_head(x)
        return {"cls_logits": self.classification_head(x), "bbox_regression": codes, "bbox_ctrness": centred}


class FCOS(OneStageDetector):
    """A one-stage detector without anchor boxes: each place gives the distances to the sides of its object.

    Args:
        backbone: gives features, and has ``out_channels``.
        num_classes: classes, the background among them.
        min_size: the size of a picture's shorter side.
        max_size: the largest size of its longer side.
        image_mean: of each channel.
        image_std: of each channel.
        anchor_generator: makes one box a place, as large as the level's stride.
        head: scores and codes them.
        center_sampling_radius: how far from an object's centre, in strides, a place may lie that stands for it.
        score_thresh: the least score of a result.
        nms_thresh: the overlap above which the worse result is dropped.
        detections_per_img: how many results are kept.
        topk_candidates: results of a level before suppression.
        **kwargs: for :class:`GeneralizedRCNNTransform`.

    Source: Tian et al., "FCOS: A simple and strong anchor-free object detector" (2020).
    """

    def __init__(
        self,
        backbone: Any,
        num_classes: int,
        min_size: int = 800,
        max_size: int = 1333,
        image_mean: list[float] | None = None,
        image_std: list[float] | None = None,
        anchor_generator: AnchorGenerator | None = None,
        head: nn.Module | None = None,
        center_sampling_radius: float = 1.5,
        score_thresh: float = 0.2,
        nms_thresh: float = 0.6,
        detections_per_img: int = 100,
        topk_candidates: int = 1000,
        **kwargs: Any,
    ) -> None:
        if not hasattr(backbone, "out_channels"):
            raise ValueError(
                "backbone should contain an attribute out_channels specifying the number of output channels "
                "(assumed to be the same for all the levels)"
            )
        if not isinstance(anchor_generator, AnchorGenerator | None):
            raise TypeError(
                f"anchor_generator should be of type AnchorGenerator or None, instead  got {type(anchor_generator)}"
            )
        anchors = anchor_generator or AnchorGenerator(((8,), (16,), (32,), (64,), (128,)), ((1.0,),) * 5)
        each = anchors.num_anchors_per_location()[0]
        if each != 1:
            raise ValueError(f"anchor_generator.num_anchors_per_location()[0] should be 1 instead of {each}")
        mean, std = image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225]
        super().__init__(
            backbone,
            anchors,
            head or FCOSHead(backbone.out_channels, each, num_classes),
            GeneralizedRCNNTransform(min_size, max_size, mean, std, **kwargs),
            nms_thresh,
            detections_per_img,
        )
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.center_sampling_radius = center_sampling_radius
        self.score_thresh = score_thresh
        self.topk_candidates = topk_candidates

    def _match(self, boxes: Tensor, anchors: Tensor, counts: list[int]) -> Tensor:
        """Each place's truth: the smallest object that it is in, near whose centre it is, of its level's size."""
        if boxes.numel() == 0:
            return torch.full((anchors.shape[0],), -1, dtype=torch.int64, device=anchors.device)
        place = ((anchors[:, :2] + anchors[:, 2:]) / 2)[:, None]
        side = (anchors[:, 2] - anchors[:, 0])[:, None]
        apart = (place - ((boxes[:, :2] + boxes[:, 2:]) / 2)[None]).abs().amax(dim=2)
        sides = torch.cat([place - boxes[None, :, :2], boxes[None, :, 2:] - place], dim=2)
        farthest = sides.amax(dim=2)
        least, most = side * 4, side * 8  # the finest level takes all small objects, the coarsest all large ones
        least[: counts[0]] = 0
        most[anchors.shape[0] - counts[-1] :] = math.inf
        fits = (apart < self.center_sampling_radius * side) & (sides.amin(dim=2) > 0)
        fits = fits & (farthest > least) & (farthest < most)
        best = (fits.to(torch.float32) * (1e8 - ops.box_area(boxes)[None])).max(dim=1)
        return torch.where(best.values < 1e-5, -1, best.indices)

    def compute_loss(
        self, targets: list[dict[str, Tensor]], outputs: dict[str, Tensor], anchors: list[Tensor], counts: list[int]
    ) -> dict[str, Tensor]:
        """``classification``, ``bbox_regression`` and ``bbox_ctrness``."""
        matched = [self._match(t["boxes"], own, counts) for t, own in zip(targets, anchors, strict=True)]
        return self.head.compute_loss(targets, outputs, anchors, matched)

    def candidates(
        self, outputs: dict[str, Tensor], anchors: Tensor, counts: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The boxes, scores and classes of one picture, before suppression."""
        names = ("cls_logits", "bbox_ctrness", "bbox_regression")
        logits, centred, codes = (outputs[name].split(counts) for name in names)
        scores = [torch.sqrt(a.sigmoid() * b.sigmoid()) for a, b in zip(logits, centred, strict=True)]
        own, limits = anchors.split(counts), (self.score_thresh, self.topk_candidates)
        return best_of_levels(scores, codes, own, self.box_coder.decode, *limits)


@builder(FCOS_ResNet50_FPN_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def fcos_resnet50_fpn(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> FCOS:
    """:class:`FCOS` on ResNet-50; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    network = resnet50(weights=weights_backbone, norm_layer=norm_for(trained))
    return FCOS(_resnet_fpn_extractor(network, layers, [2, 3, 4], LastLevelP6P7(256, 256)), num_classes, **kwargs)
