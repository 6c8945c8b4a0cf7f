"""What the segmenters share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision.models._utils import IntermediateLayerGetter
from fxtorch.vision.models.mobilenetv3 import MobileNetV3, mobilenet_v3_large
from fxtorch.vision.models.resnet import ResNet


class _SimpleSegmentationModel(nn.Module):
    """A backbone that gives ``"out"`` (and ``"aux"``), and a classifier of each pixel.

    Args:
        backbone: gives features by name.
        classifier: of ``"out"``.
        aux_classifier: of ``"aux"``, which helps training; None for none.
    """

    def __init__(self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """``(N, C, H, W)`` logits under ``"out"``, and those of the auxiliary classifier under ``"aux"``."""
        features = self.backbone(x)
        heads: dict[str, Any] = {"out": self.classifier, "aux": self.aux_classifier}
        return OrderedDict(
            (name, F.interpolate(head(features[name]), size=tuple(x.shape[-2:]), mode="bilinear", align_corners=False))
            for name, head in heads.items()
            if head is not None
        )


class FCNHead(nn.Sequential):
    """A 3x3 convolution and a classifier of each pixel.

    Args:
        in_channels: channels of the features.
        channels: classes.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        inter = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, inter, 3, padding=1, bias=False),
            nn.BatchNorm2d(inter),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(inter, channels, 1),
        )


def resnet_features(backbone: ResNet, aux: bool | None) -> IntermediateLayerGetter:
    """The last stage as ``"out"``, the one before as ``"aux"``."""
    return IntermediateLayerGetter(backbone, {"layer4": "out"} | ({"layer3": "aux"} if aux else {}))


def dilated_mobilenet(weights_backbone: Any) -> tuple[nn.Module, list[int]]:
    """The features of MobileNet v3 with the last stages' taps spread, and where its sizes change."""
    model: Any = mobilenet_v3_large(weights=weights_backbone, _dilated=True)
    features = model.features
    changes = [i for i, block in enumerate(features) if getattr(block, "_is_cn", False)]
    return features, [0, *changes, len(features) - 1]


def mobilenet_features(backbone: MobileNetV3 | Any, positions: dict[int, str]) -> IntermediateLayerGetter:
    """The blocks at ``positions``, under their names."""
    return IntermediateLayerGetter(backbone, {str(at): name for at, name in positions.items()})
