"""Lite R-ASPP."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.mobilenetv3 import MobileNet_V3_Large_Weights
from fxtorch.vision.models.segmentation._utils import dilated_mobilenet, mobilenet_features

LRASPP_MobileNet_V3_Large_Weights = weights("LRASPP_MobileNet_V3_Large_Weights")


class LRASPPHead(nn.Module):
    """Coarse features, scaled by gates, and fine ones, both classified and added.

    Args:
        low_channels: channels of the fine features.
        high_channels: channels of the coarse ones.
        num_classes: classes.
        inter_channels: channels between.
    """

    def __init__(self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(high_channels, inter_channels, 1, bias=False), nn.Sigmoid()
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: dict[str, Tensor]) -> Tensor:
        """Logits of the size of the fine features."""
        low, high = input["low"], input["high"]
        x = self.cbr(high) * self.scale(high)
        x = F.interpolate(x, size=tuple(low.shape[-2:]), mode="bilinear", align_corners=False)
        return self.low_classifier(low) + self.high_classifier(x)


class LRASPP(nn.Module):
    """A backbone that gives ``"low"`` and ``"high"``, and :class:`LRASPPHead`.

    Args:
        backbone: gives features by name.
        low_channels: channels of the fine features.
        high_channels: channels of the coarse ones.
        num_classes: classes.
        inter_channels: channels between.

    Source: Howard et al., "Searching for MobileNetV3" (2019).
    """

    def __init__(
        self, backbone: nn.Module, low_channels: int, high_channels: int, num_classes: int, inter_channels: int = 128
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """``(N, C, H, W)`` logits under ``"out"``."""
        out = self.classifier(self.backbone(input))
        out = F.interpolate(out, size=tuple(input.shape[-2:]), mode="bilinear", align_corners=False)
        return OrderedDict(out=out)


@builder(LRASPP_MobileNet_V3_Large_Weights, backbone=MobileNet_V3_Large_Weights.IMAGENET1K_V1)
def lraspp_mobilenet_v3_large(num_classes: int = 21, weights_backbone: Any = None) -> LRASPP:
    """:class:`LRASPP` on MobileNet v3; takes ``num_classes`` (21) and ``weights_backbone``."""
    features, changes = dilated_mobilenet(weights_backbone)
    blocks: Any = features
    low, high = changes[-4], changes[-1]
    body = mobilenet_features(features, {low: "low", high: "high"})
    return LRASPP(body, blocks[low].out_channels, blocks[high].out_channels, num_classes)
