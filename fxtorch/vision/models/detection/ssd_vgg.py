"""VGG as SSD's backbone."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch


def draw_xavier(module: nn.Module) -> None:
    """Draw convolutions anew, without biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                init.constant_(layer.bias, 0.0)


def _smaller(inputs: int, outputs: int, size: int = 3, **options: Any) -> nn.Sequential:
    """Half as many channels, then fewer pixels."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs // 2, kernel_size=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs // 2, outputs, kernel_size=size, **options),
        nn.ReLU(inplace=True),
    )


class SSDFeatureExtractorVGG(nn.Module):
    """VGG up to its fourth pooling, the first level, then ever coarser ones.

    Args:
        backbone: VGG's convolutions.
        highres: whether to add a level, for pictures of 512 pixels.

    Source: Liu et al., "SSD: Single Shot MultiBox Detector" (2016).
    """

    def __init__(self, backbone: Any, highres: bool) -> None:
        super().__init__()
        _, _, third, fourth, _ = (i for i, layer in enumerate(backbone) if isinstance(layer, nn.MaxPool2d))
        backbone[third].ceil_mode = True  # 38 pixels of 300, as in the paper
        self.scale_weight = nn.Parameter(torch.ones(512) * 20)
        self.features = nn.Sequential(*backbone[:fourth])
        last = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=False),
            nn.Conv2d(512, 1024, kernel_size=3, padding=6, dilation=6),
            nn.ReLU(inplace=True),
            nn.Conv2d(1024, 1024, kernel_size=1),
            nn.ReLU(inplace=True),
        )
        coarser = [
            _smaller(1024, 512, padding=1, stride=2),
            _smaller(512, 256, padding=1, stride=2),
            _smaller(256, 256),
            _smaller(256, 256),
            *([_smaller(256, 256, size=4)] if highres else []),
        ]
        for block in (*coarser, last):
            draw_xavier(block)
        self.extra = nn.ModuleList([nn.Sequential(*backbone[fourth:-1], last), *coarser])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The levels, by number; the first is brought to a learnt length at each pixel."""
        x = self.features(x)
        levels = [self.scale_weight.view(1, -1, 1, 1) * F.normalize(x)]
        for block in self.extra:
            x = block(x)
            levels.append(x)
        return OrderedDict((str(i), level) for i, level in enumerate(levels))


def _vgg_extractor(backbone: Any, highres: bool, trainable_layers: int) -> SSDFeatureExtractorVGG:
    features = backbone.features
    stages = [0, *(i for i, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d))][:-1]
    if not 0 <= trainable_layers <= len(stages):
        raise AssertionError(
            f"trainable_layers should be in the range [0, {len(stages)}]. Instead got {trainable_layers}"
        )
    frozen = len(features) if trainable_layers == 0 else stages[len(stages) - trainable_layers]
    for layer in features[:frozen]:
        for parameter in layer.parameters():
            parameter.requires_grad_(False)
    return SSDFeatureExtractorVGG(features, highres)
