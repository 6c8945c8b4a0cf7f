"""VGG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights

VGG11_Weights, VGG11_BN_Weights = weights("VGG11_Weights"), weights("VGG11_BN_Weights")
VGG13_Weights, VGG13_BN_Weights = weights("VGG13_Weights"), weights("VGG13_BN_Weights")
VGG16_Weights, VGG16_BN_Weights = weights("VGG16_Weights"), weights("VGG16_BN_Weights")
VGG19_Weights, VGG19_BN_Weights = weights("VGG19_Weights"), weights("VGG19_BN_Weights")

_WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Convolutions of 3x3 between poolings, and three linear layers.

    Args:
        features: the convolutions; they end with 512 channels.
        num_classes: classes.
        init_weights: whether to draw all weights anew.
        dropout: how likely a feature is dropped before the last two linear layers.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks" (2015).
    """

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self._draw()

    def _draw(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                init.normal_(module.weight, 0, 0.01)
            elif not isinstance(module, nn.BatchNorm2d):
                continue
            if module.bias is not None:
                init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def make_layers(cfg: Sequence[str | int], batch_norm: bool = False) -> nn.Sequential:
    """3x3 convolutions with so many channels each, ``"M"`` for a pooling between.

    >>> len(make_layers([8, 8, "M", 16, "M"]))
    8
    """
    layers: list[nn.Module] = []
    channels = 3
    for width in cfg:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, width, kernel_size=3, padding=1))
        layers += [nn.BatchNorm2d(width)] if batch_norm else []
        layers.append(nn.ReLU(inplace=True))
        channels = width
    return nn.Sequential(*layers)


def _layout(*depths: int) -> list[str | int]:
    return [item for width, depth in zip(_WIDTHS, depths, strict=True) for item in (*[width] * depth, "M")]


# The paper's configurations, by its letters.
cfgs = {
    "A": _layout(1, 1, 2, 2, 2),
    "B": _layout(2, 2, 2, 2, 2),
    "D": _layout(2, 2, 3, 3, 3),
    "E": _layout(2, 2, 4, 4, 4),
}


@builder(VGG11_Weights)
def vgg11(**kwargs: Any) -> VGG:
    """:class:`VGG` with 11 layers."""
    return VGG(make_layers(cfgs["A"]), **kwargs)


@builder(VGG11_BN_Weights)
def vgg11_bn(**kwargs: Any) -> VGG:
    """:class:`VGG` with 11 layers and batch norm."""
    return VGG(make_layers(cfgs["A"], batch_norm=True), **kwargs)


@builder(VGG13_Weights)
def vgg13(**kwargs: Any) -> VGG:
    """:class:`VGG` with 13 layers."""
    return VGG(make_layers(cfgs["B"]), **kwargs)


@builder(VGG13_BN_Weights)
def vgg13_bn(**kwargs: Any) -> VGG:
    """:class:`VGG` with 13 layers and batch norm."""
    return VGG(make_layers(cfgs["B"], batch_norm=True), **kwargs)


@builder(VGG16_Weights)
def vgg16(**kwargs: Any) -> VGG:
    """:class:`VGG` with 16 layers."""
    return VGG(make_layers(cfgs["D"]), **kwargs)


@builder(VGG16_BN_Weights)
def vgg16_bn(**kwargs: Any) -> VGG:
    """:class:`VGG` with 16 layers and batch norm."""
    return VGG(make_layers(cfgs["D"], batch_norm=True), **kwargs)


@builder(VGG19_Weights)
def vgg19(**kwargs: Any) -> VGG:
    """:class:`VGG` with 19 layers."""
    return VGG(make_layers(cfgs["E"]), **kwargs)


@builder(VGG19_BN_Weights)
def vgg19_bn(**kwargs: Any) -> VGG:
    """:class:`VGG` with 19 layers and batch norm."""
    return VGG(make_layers(cfgs["E"], batch_norm=True), **kwargs)
