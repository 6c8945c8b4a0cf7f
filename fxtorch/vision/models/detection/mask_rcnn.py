"""Mask R-CNN."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import overwrite_eps
from fxtorch.vision.models.detection.backbone_utils import _resnet_fpn_extractor, norm_for, trainable_layers
from fxtorch.vision.models.detection.faster_rcnn import FasterRCNN, FastRCNNConvFCHead, _trained, default_anchors
from fxtorch.vision.models.detection.rpn import RPNHead
from fxtorch.vision.models.resnet import ResNet50_Weights, resnet50
from fxtorch.vision.ops import MultiScaleRoIAlign
from fxtorch.vision.ops.misc import Conv2dNormActivation

MaskRCNN_ResNet50_FPN_Weights = weights("MaskRCNN_ResNet50_FPN_Weights")
MaskRCNN_ResNet50_FPN_V2_Weights = weights("MaskRCNN_ResNet50_FPN_V2_Weights")


class MaskRCNNHeads(nn.Sequential):
    """3x3 convolutions of a region's features.

    Args:
        in_channels: channels of the features.
        layers: channels after each.
        dilation: distance of taps.
        norm_layer: makes the normalisations.
    """

    _version = 2

    def __init__(
        self,
        in_channels: int,
        layers: Sequence[int],
        dilation: int,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        blocks = []
        for width in layers:
            blocks.append(
                Conv2dNormActivation(in_channels, width, padding=dilation, dilation=dilation, norm_layer=norm_layer)
            )
            in_channels = width
        super().__init__(*blocks)
        _draw(self)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:
            for i in range(len(self)):
                for name in ("weight", "bias"):
                    old = f"{prefix}mask_fcn{i + 1}.{name}"
                    if old in state_dict:
                        state_dict[f"{prefix}{i}.0.{name}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class MaskRCNNPredictor(nn.Sequential):
    """Twice as many pixels a side, and a mask for each class.

    Args:
        in_channels: channels of the features.
        dim_reduced: channels between.
        num_classes: classes, the background among them.
    """

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__(
            OrderedDict(
                conv5_mask=nn.ConvTranspose2d(in_channels, dim_reduced, 2, 2, 0),
                relu=nn.ReLU(inplace=True),
                mask_fcn_logits=nn.Conv2d(dim_reduced, num_classes, 1, 1, 0),
            )
        )
        _draw(self)


def _draw(module: nn.Module) -> None:
    for name, parameter in module.named_parameters():
        if "weight" in name and parameter.ndim == 4:
            init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")
        elif "bias" in name:
            init.zeros_(parameter)


class MaskRCNN(FasterRCNN):
    """Faster R-CNN with a mask for each result.

    Args:
        backbone: gives features, and has ``out_channels``.
        num_classes: classes, the background among them; or give both predictors.
        mask_roi_pool: cuts regions for the masks.
        mask_head: from a region's features to features.
        mask_predictor: to a mask for each class.
        **kwargs: for :class:`FasterRCNN`.

    Source: He et al., "Mask R-CNN" (2017).
    """

    def __init__(
        self,
        backbone: Any,
        num_classes: int | None = None,
        *,
        mask_roi_pool: nn.Module | None = None,
        mask_head: nn.Module | None = None,
        mask_predictor: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        if num_classes is not None and mask_predictor is not None:
            raise ValueError("num_classes should be None when mask_predictor is specified")
        super().__init__(backbone, num_classes, **kwargs)
        heads: Any = self.roi_heads
        heads.mask_roi_pool = mask_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        heads.mask_head = mask_head or MaskRCNNHeads(backbone.out_channels, (256,) * 4, 1)
        heads.mask_predictor = mask_predictor or MaskRCNNPredictor(256, 256, num_classes or 0)


@builder(MaskRCNN_ResNet50_FPN_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def maskrcnn_resnet50_fpn(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> MaskRCNN:
    """:class:`MaskRCNN` on ResNet-50; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    backbone = resnet50(weights=weights_backbone, norm_layer=norm_for(trained))
    model = MaskRCNN(_resnet_fpn_extractor(backbone, layers), num_classes, **kwargs)
    if _trained:
        overwrite_eps(model, 0.0)
    return model


@builder(MaskRCNN_ResNet50_FPN_V2_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def maskrcnn_resnet50_fpn_v2(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> MaskRCNN:
    """:class:`MaskRCNN` on ResNet-50 with deeper heads and batch norm; takes what the first one takes."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    backbone = _resnet_fpn_extractor(resnet50(weights=weights_backbone), layers, norm_layer=nn.BatchNorm2d)
    width = backbone.out_channels
    return MaskRCNN(
        backbone,
        num_classes,
        rpn_head=RPNHead(width, default_anchors().num_anchors_per_location()[0], conv_depth=2),
        box_head=FastRCNNConvFCHead((width, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d),
        mask_head=MaskRCNNHeads(width, [256] * 4, 1, norm_layer=nn.BatchNorm2d),
        **kwargs,
    )
