"""SSD on MobileNet v3, with separable convolutions."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import draw, retrieve_out_channels
from fxtorch.vision.models.detection.anchor_utils import DefaultBoxGenerator
from fxtorch.vision.models.detection.backbone_utils import freeze_mobilenet, trainable_layers
from fxtorch.vision.models.detection.faster_rcnn import _trained
from fxtorch.vision.models.detection.ssd import SSD, SSDScoringHead
from fxtorch.vision.models.mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large
from fxtorch.vision.ops.misc import Conv2dNormActivation

SSDLite320_MobileNet_V3_Large_Weights = weights("SSDLite320_MobileNet_V3_Large_Weights")

Norm = Callable[..., nn.Module]


def _convolution(inputs: int, outputs: int, size: int, norm_layer: Norm, **options: Any) -> Conv2dNormActivation:
    return Conv2dNormActivation(
        inputs, outputs, kernel_size=size, norm_layer=norm_layer, activation_layer=nn.ReLU6, **options
    )


def _predictors(in_channels: Sequence[int], out_channels: Iterable[int], norm_layer: Norm) -> nn.ModuleList:
    """For each level a convolution of each channel by itself, then one of each pixel."""
    layers = nn.ModuleList(
        nn.Sequential(_convolution(i, i, 3, norm_layer, groups=i), nn.Conv2d(i, o, 1))
        for i, o in zip(in_channels, out_channels, strict=True)
    )
    draw(layers, std=0.03)
    return layers


class SSDLiteClassificationHead(SSDScoringHead):
    """The classes of each anchor.

    Args:
        in_channels: of each level.
        num_anchors: of a pixel of each level.
        num_classes: classes, the background among them.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int, norm_layer: Norm
    ) -> None:  # fmt: skip
        super().__init__(_predictors(in_channels, (num_classes * a for a in num_anchors), norm_layer), num_classes)


class SSDLiteRegressionHead(SSDScoringHead):
    """The box codes of each anchor; arguments as above."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], norm_layer: Norm) -> None:
        super().__init__(_predictors(in_channels, (4 * a for a in num_anchors), norm_layer), 4)


class SSDLiteHead(nn.Module):
    """Classes and box codes of each anchor; arguments as above."""

    def __init__(
        self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int, norm_layer: Norm
    ) -> None:  # fmt: skip
        super().__init__()
        self.classification_head = SSDLiteClassificationHead(in_channels, num_anchors, num_classes, norm_layer)
        self.regression_head = SSDLiteRegressionHead(in_channels, num_anchors, norm_layer)

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """``bbox_regression`` and ``cls_logits``."""
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


def _smaller(inputs: int, outputs: int, norm_layer: Norm) -> nn.Sequential:
    """Half as many channels, half as many pixels a side, and the channels wanted."""
    between = outputs // 2
    return nn.Sequential(
        _convolution(inputs, between, 1, norm_layer),
        _convolution(between, between, 3, norm_layer, stride=2, groups=between),
        _convolution(between, outputs, 1, norm_layer),
    )


class SSDLiteFeatureExtractorMobileNet(nn.Module):
    """MobileNet up to the widening before its last stride, then to its end, then ever coarser levels.

    Args:
        backbone: MobileNet's blocks.
        c4_pos: the block with the last stride.
        norm_layer: makes the normalisations.
        width_mult: how wide the coarser levels are.
        min_depth: their least channels.

    Source: Sandler et al., "MobileNetV2" (2018), section 6.2; Howard et al., "Searching for MobileNetV3" (2019), 6.3.
    """

    def __init__(
        self, backbone: Any, c4_pos: int, norm_layer: Norm, width_mult: float = 1.0, min_depth: int = 16
    ) -> None:  # fmt: skip
        super().__init__()
        if backbone[c4_pos].use_res_connect:
            raise ValueError("backbone[c4_pos].use_res_connect should be False")
        block = backbone[c4_pos].block
        self.features = nn.Sequential(
            nn.Sequential(*backbone[:c4_pos], block[0]), nn.Sequential(block[1:], *backbone[c4_pos + 1 :])
        )
        widths = [max(min_depth, int(d * width_mult)) for d in (512, 256, 256, 128)]
        inputs = [backbone[-1].out_channels, *widths]
        extra = nn.ModuleList(_smaller(i, o, norm_layer) for i, o in zip(inputs, widths, strict=False))
        draw(extra, std=0.03)
        self.extra = extra

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The levels, by number."""
        levels = []
        for block in (*self.features, *self.extra):
            x = block(x)
            levels.append(x)
        return OrderedDict((str(i), level) for i, level in enumerate(levels))


@builder(
    SSDLite320_MobileNet_V3_Large_Weights,
    backbone=MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    with_weights=_trained,
)
def ssdlite320_mobilenet_v3_large(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    norm_layer: Norm | None = None,
    width_mult: float = 1.0,
    _trained: bool = False,
    **kwargs: Any,
) -> SSD:
    """:class:`SSD` of 320 pixels on MobileNet v3; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    if "size" in kwargs:
        warnings.warn("The size of the model is already fixed; ignoring the parameter.", stacklevel=3)
        del kwargs["size"]
    layers = trainable_layers(_trained or weights_backbone is not None, trainable_backbone_layers, 6, 6)
    norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    # A backbone that is trained along has the narrower end of the paper's table 6.
    network: Any = mobilenet_v3_large(
        weights=weights_backbone,
        norm_layer=norm_layer,
        reduced_tail=weights_backbone is None,
        width_mult=width_mult,
    )
    if weights_backbone is None:
        draw(network, std=0.03)
    stages = freeze_mobilenet(network.features, layers)
    backbone = SSDLiteFeatureExtractorMobileNet(network.features, stages[-2], norm_layer)
    boxes = DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
    widths = retrieve_out_channels(backbone, (320, 320))
    defaults = {
        "score_thresh": 0.001,
        "nms_thresh": 0.55,
        "detections_per_img": 300,
        "topk_candidates": 300,
        "image_mean": [0.5] * 3,  # from -1 to 1
        "image_std": [0.5] * 3,
    }
    head = SSDLiteHead(widths, boxes.num_anchors_per_location(), num_classes, norm_layer)
    return SSD(backbone, boxes, (320, 320), num_classes, head=head, **{**defaults, **kwargs})
