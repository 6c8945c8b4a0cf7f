"""DeepLab v3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.mobilenetv3 import MobileNet_V3_Large_Weights
from fxtorch.vision.models.resnet import ResNet50_Weights, ResNet101_Weights, resnet50, resnet101
from fxtorch.vision.models.segmentation._utils import (
    FCNHead,
    _SimpleSegmentationModel,
    dilated_mobilenet,
    mobilenet_features,
    resnet_features,
)
from fxtorch.vision.models.segmentation.fcn import with_auxiliary

DeepLabV3_ResNet50_Weights = weights("DeepLabV3_ResNet50_Weights")
DeepLabV3_ResNet101_Weights = weights("DeepLabV3_ResNet101_Weights")
DeepLabV3_MobileNet_V3_Large_Weights = weights("DeepLabV3_MobileNet_V3_Large_Weights")


class DeepLabV3(_SimpleSegmentationModel):
    """Features seen at several distances, classified pixel by pixel.

    Args:
        backbone: gives features by name.
        classifier: of ``"out"``.
        aux_classifier: of ``"aux"``; None for none.

    Source: Chen et al., "Rethinking Atrous Convolution" (2017).
    """


class ASPPConv(nn.Sequential):
    """A 3x3 convolution with its taps ``dilation`` apart, batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class ASPPPooling(nn.Sequential):
    """The mean of the whole picture, at every pixel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of the size of ``x``."""
        return F.interpolate(super().forward(x), size=tuple(x.shape[-2:]), mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    """Convolutions of several reaches side by side, and one over all of them.

    Args:
        in_channels: channels of the features.
        atrous_rates: distances of the taps.
        out_channels: channels of each branch, and of the result.
    """

    def __init__(self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        near = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()
        )  # fmt: skip
        far = [ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates]
        self.convs = nn.ModuleList([near, *far, ASPPPooling(in_channels, out_channels)])
        self.project = nn.Sequential(
            nn.Conv2d(len(self.convs) * out_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Dropout(0.5),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of the size of ``x``."""
        return self.project(torch.cat([conv(x) for conv in self.convs], dim=1))


class DeepLabHead(nn.Sequential):
    """:class:`ASPP` and a classifier of each pixel.

    Args:
        in_channels: channels of the features.
        num_classes: classes.
        atrous_rates: distances of the taps.
    """

    def __init__(self, in_channels: int, num_classes: int, atrous_rates: Sequence[int] = (12, 24, 36)) -> None:
        super().__init__(
            ASPP(in_channels, atrous_rates),
            nn.Conv2d(256, 256, 3, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.Conv2d(256, num_classes, 1),
        )


def _on_resnet(
    resnet: Any, num_classes: int = 21, aux_loss: bool | None = None, weights_backbone: Any = None
) -> DeepLabV3:  # fmt: skip
    backbone = resnet(weights=weights_backbone, replace_stride_with_dilation=[False, True, True])
    aux = FCNHead(1024, num_classes) if aux_loss else None
    return DeepLabV3(resnet_features(backbone, aux_loss), DeepLabHead(2048, num_classes), aux)


@builder(DeepLabV3_ResNet50_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=with_auxiliary)
def deeplabv3_resnet50(**kwargs: Any) -> DeepLabV3:
    """:class:`DeepLabV3` on ResNet-50; takes ``num_classes`` (21), ``aux_loss`` and ``weights_backbone``."""
    return _on_resnet(resnet50, **kwargs)


@builder(DeepLabV3_ResNet101_Weights, backbone=ResNet101_Weights.IMAGENET1K_V1, with_weights=with_auxiliary)
def deeplabv3_resnet101(**kwargs: Any) -> DeepLabV3:
    """:class:`DeepLabV3` on ResNet-101; takes ``num_classes`` (21), ``aux_loss`` and ``weights_backbone``."""
    return _on_resnet(resnet101, **kwargs)


@builder(
    DeepLabV3_MobileNet_V3_Large_Weights,
    backbone=MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    with_weights=with_auxiliary,
)
def deeplabv3_mobilenet_v3_large(
    num_classes: int = 21, aux_loss: bool | None = None, weights_backbone: Any = None
) -> DeepLabV3:
    """:class:`DeepLabV3` on MobileNet v3; takes ``num_classes`` (21), ``aux_loss`` and ``weights_backbone``."""
    features, changes = dilated_mobilenet(weights_backbone)
    blocks: Any = features
    last, middle = changes[-1], changes[-4]
    aux = FCNHead(blocks[middle].out_channels, num_classes) if aux_loss else None
    body = mobilenet_features(features, {last: "out"} | ({middle: "aux"} if aux_loss else {}))
    return DeepLabV3(body, DeepLabHead(blocks[last].out_channels, num_classes), aux)
