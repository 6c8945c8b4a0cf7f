"""Backbones with a feature pyramid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import get_model_builder
from fxtorch.vision.models._utils import IntermediateLayerGetter
from fxtorch.vision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d
from fxtorch.vision.ops.feature_pyramid_network import ExtraFPNBlock, LastLevelMaxPool


class BackboneWithFPN(nn.Module):
    """The stages of a network, enriched from the coarsest down.

    Args:
        backbone: a network whose children run one after the other.
        return_layers: from the stages' names to names in the result.
        in_channels_list: their channels.
        out_channels: channels of every result.
        extra_blocks: adds coarser levels; a pooled one unless given.
        norm_layer: makes a normalisation after each convolution of the pyramid.
    """

    def __init__(
        self,
        backbone: nn.Module,
        return_layers: dict[str, str],
        in_channels_list: Sequence[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(backbone, return_layers)
        self.fpn = FeaturePyramidNetwork(in_channels_list, out_channels, extra_blocks or LastLevelMaxPool(), norm_layer)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The levels, by name."""
        return self.fpn(self.body(x))


def resnet_fpn_backbone(
    *,
    backbone_name: str,
    weights: Any = None,
    norm_layer: Callable[..., nn.Module] = FrozenBatchNorm2d,
    trainable_layers: int = 3,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
) -> BackboneWithFPN:
    """A ResNet with a feature pyramid of 256 channels.

    Args:
        backbone_name: ``"resnet50"`` and so on.
        weights: the ResNet's weights.
        norm_layer: makes its normalisations.
        trainable_layers: how many stages, counted from the last, are trained.
        returned_layers: the stages to use, 1 to 4.
        extra_blocks: adds coarser levels.
    """
    backbone = get_model_builder(backbone_name)(weights=weights, norm_layer=norm_layer)
    return _resnet_fpn_extractor(backbone, trainable_layers, returned_layers, extra_blocks)


def _resnet_fpn_extractor(
    backbone: Any,
    trainable_layers: int,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
    norm_layer: Callable[..., nn.Module] | None = None,
) -> BackboneWithFPN:
    if not 0 <= trainable_layers <= 5:
        raise ValueError(f"Trainable layers should be in the range [0,5], got {trainable_layers}")
    trained = ["layer4", "layer3", "layer2", "layer1", "conv1"][:trainable_layers]
    if trainable_layers == 5:
        trained.append("bn1")
    for name, parameter in backbone.named_parameters():
        if not name.startswith(tuple(trained)):
            parameter.requires_grad_(False)
    stages = (1, 2, 3, 4) if returned_layers is None else returned_layers
    if min(stages) <= 0 or max(stages) >= 5:
        raise ValueError(f"Each returned layer should be in the range [1,4]. Got {stages}")
    first = backbone.inplanes // 8
    names = {f"layer{k}": str(i) for i, k in enumerate(stages)}
    widths = [first * 2 ** (k - 1) for k in stages]
    return BackboneWithFPN(backbone, names, widths, 256, extra_blocks, norm_layer)


def freeze_mobilenet(features: Any, trainable_layers: int) -> list[int]:
    """Freeze all but the last ``trainable_layers`` stages; where the stages begin, the last block among them."""
    changes = [i for i, block in enumerate(features) if getattr(block, "_is_cn", False)]
    stages = [0, *changes, len(features) - 1]
    if not 0 <= trainable_layers <= len(stages):
        raise ValueError(f"Trainable layers should be in the range [0,{len(stages)}], got {trainable_layers}")
    frozen = len(features) if trainable_layers == 0 else stages[len(stages) - trainable_layers]
    for block in features[:frozen]:
        for parameter in block.parameters():
            parameter.requires_grad_(False)
    return stages


def _mobilenet_extractor(
    backbone: Any, fpn: bool, trainable_layers: int, norm_layer: Callable[..., nn.Module] | None = None
) -> nn.Module:
    """MobileNet's last two sizes with a feature pyramid, or its features as one level."""
    features = backbone.features
    stages = freeze_mobilenet(features, trainable_layers)
    if fpn:
        used = [stages[-2], stages[-1]]
        names = {str(at): str(i) for i, at in enumerate(used)}
        return BackboneWithFPN(features, names, [features[i].out_channels for i in used], 256, None, norm_layer)
    model: Any = nn.Sequential(features, nn.Conv2d(features[-1].out_channels, 256, 1))
    model.out_channels = 256
    return model


def trainable_layers(trained: bool, wanted: int | None, most: int, default: int) -> int:
    """How many stages are trained: all of a network without weights."""
    if not trained:
        return most
    return default if wanted is None else wanted


def norm_for(trained: bool) -> Any:
    """Batch norm, frozen where the network comes with weights."""
    return FrozenBatchNorm2d if trained else nn.BatchNorm2d
