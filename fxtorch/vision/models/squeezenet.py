"""SqueezeNet."""

from __future__ import annotations

from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights

SqueezeNet1_0_Weights = weights("SqueezeNet1_0_Weights")
SqueezeNet1_1_Weights = weights("SqueezeNet1_1_Weights")


class Fire(nn.Module):
    """A 1x1 convolution that squeezes, and two side by side, of 1x1 and 3x3, that expand.

    Args:
        inplanes: channels of the input.
        squeeze_planes: channels between.
        expand1x1_planes: channels of the first half of the result.
        expand3x3_planes: channels of the second half.
    """

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Both halves, side by side."""
        x = self.squeeze_activation(self.squeeze(x))
        halves = [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))]
        return torch.cat(halves, 1)


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)


class SqueezeNet(nn.Module):
    """AlexNet's accuracy with a fiftieth of its parameters.

    Args:
        version: ``"1_0"`` or ``"1_1"``.
        num_classes: classes.
        dropout: how likely a feature is dropped before the last convolution.

    Source: Iandola et al., "SqueezeNet" (2016).
    """

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        fires = [
            Fire(64 if version == "1_1" else 96, 16, 64, 64),
            Fire(128, 16, 64, 64),
            Fire(128, 32, 128, 128),
            Fire(256, 32, 128, 128),
            Fire(256, 48, 192, 192),
            Fire(384, 48, 192, 192),
            Fire(384, 64, 256, 256),
            Fire(512, 64, 256, 256),
        ]
        if version == "1_0":
            stem = nn.Conv2d(3, 96, kernel_size=7, stride=2)
            body = [*fires[:3], _pool(), *fires[3:7], _pool(), fires[7]]
        elif version == "1_1":
            stem = nn.Conv2d(3, 64, kernel_size=3, stride=2)
            body = [*fires[:2], _pool(), *fires[2:4], _pool(), *fires[4:]]
        else:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.features = nn.Sequential(stem, nn.ReLU(inplace=True), _pool(), *body)
        last = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    init.normal_(module.weight, mean=0.0, std=0.01)
                else:
                    init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.features(x)).flatten(1)


@builder(SqueezeNet1_0_Weights)
def squeezenet1_0(**kwargs: Any) -> SqueezeNet:
    """:class:`SqueezeNet` 1.0."""
    return SqueezeNet("1_0", **kwargs)


@builder(SqueezeNet1_1_Weights)
def squeezenet1_1(**kwargs: Any) -> SqueezeNet:
    """:class:`SqueezeNet` 1.1: as accurate, for less than half the computation."""
    return SqueezeNet("1_1", **kwargs)
