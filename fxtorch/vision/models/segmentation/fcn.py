"""The fully convolutional network."""

from __future__ import annotations

from typing import Any

from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.resnet import ResNet50_Weights, ResNet101_Weights, resnet50, resnet101
from fxtorch.vision.models.segmentation._utils import FCNHead, _SimpleSegmentationModel, resnet_features

FCN_ResNet50_Weights = weights("FCN_ResNet50_Weights")
FCN_ResNet101_Weights = weights("FCN_ResNet101_Weights")


class FCN(_SimpleSegmentationModel):
    """Features of a ResNet, classified pixel by pixel.

    Args:
        backbone: gives features by name.
        classifier: of ``"out"``.
        aux_classifier: of ``"aux"``; None for none.

    Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation" (2015).
    """


def _build(resnet: Any, num_classes: int = 21, aux_loss: bool | None = None, weights_backbone: Any = None) -> FCN:
    backbone = resnet(weights=weights_backbone, replace_stride_with_dilation=[False, True, True])
    aux = FCNHead(1024, num_classes) if aux_loss else None
    return FCN(resnet_features(backbone, aux_loss), FCNHead(2048, num_classes), aux)


def with_auxiliary(meta: dict[str, Any]) -> dict[str, Any]:
    """The published checkpoints have an auxiliary classifier."""
    return {"aux_loss": True}


@builder(FCN_ResNet50_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=with_auxiliary)
def fcn_resnet50(**kwargs: Any) -> FCN:
    """:class:`FCN` on ResNet-50; takes ``num_classes`` (21), ``aux_loss`` and ``weights_backbone``."""
    return _build(resnet50, **kwargs)


@builder(FCN_ResNet101_Weights, backbone=ResNet101_Weights.IMAGENET1K_V1, with_weights=with_auxiliary)
def fcn_resnet101(**kwargs: Any) -> FCN:
    """:class:`FCN` on ResNet-101; takes ``num_classes`` (21), ``aux_loss`` and ``weights_backbone``."""
    return _build(resnet101, **kwargs)
