"""S3D: an Inception network whose convolutions over space and over time are apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.ops.misc import Conv3dNormActivation

S3D_Weights = weights("S3D_Weights")
Norm = Callable[..., nn.Module]

# Each block's channels: of its first branch; of the second and third, before and after their separable convolution; of
# the fourth, after its pooling.
_BEFORE = ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64))
_MIDDLE = (
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
)
_AFTER = ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128))


class TemporalSeparableConv(nn.Sequential):
    """A convolution over space, and one over time."""

    def __init__(
        self, in_planes: int, out_planes: int, kernel_size: int, stride: int, padding: int, norm_layer: Norm
    ) -> None:
        k, s, p = kernel_size, stride, padding
        common: dict[str, Any] = {"bias": False, "norm_layer": norm_layer}
        super().__init__(
            Conv3dNormActivation(in_planes, out_planes, (1, k, k), (1, s, s), (0, p, p), **common),
            Conv3dNormActivation(out_planes, out_planes, (k, 1, 1), (s, 1, 1), (p, 0, 0), **common),
        )


class SepInceptionBlock3D(nn.Module):
    """Four branches side by side; their channels are joined."""

    def __init__(
        self,
        in_planes: int,
        b0_out: int,
        b1_mid: int,
        b1_out: int,
        b2_mid: int,
        b2_out: int,
        b3_out: int,
        norm_layer: Norm,
    ) -> None:
        super().__init__()

        def point(out: int) -> nn.Module:
            return Conv3dNormActivation(in_planes, out, kernel_size=1, norm_layer=norm_layer)

        def apart(middle: int, out: int) -> nn.Sequential:
            return nn.Sequential(point(middle), TemporalSeparableConv(middle, out, 3, 1, 1, norm_layer))

        self.branch0 = point(b0_out)
        self.branch1 = apart(b1_mid, b1_out)
        self.branch2 = apart(b2_mid, b2_out)
        self.branch3 = nn.Sequential(nn.MaxPool3d((3, 3, 3), stride=1, padding=1), point(b3_out))

    def forward(self, x: Tensor) -> Tensor:
        """The joined channels."""
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], 1)


class S3D(nn.Module):
    """A network of films (Xie et al. 2018).

    Args:
        num_classes: classes.
        dropout: the probability to leave out a feature before the last layer.
        norm_layer: the normalisation; batch norm with ``eps`` and ``momentum`` 0.001 unless given.
    """

    def __init__(self, num_classes: int = 400, dropout: float = 0.2, norm_layer: Norm | None = None) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.BatchNorm3d, eps=0.001, momentum=0.001)
        channels = 192

        def blocks(table: tuple[tuple[int, ...], ...]) -> list[nn.Module]:
            nonlocal channels
            made: list[nn.Module] = []
            for row in table:
                made.append(SepInceptionBlock3D(channels, *row, norm_layer=norm))
                channels = row[0] + row[2] + row[4] + row[5]
            return made

        self.features = nn.Sequential(
            TemporalSeparableConv(3, 64, 7, 2, 3, norm),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            Conv3dNormActivation(64, 64, kernel_size=1, norm_layer=norm),
            TemporalSeparableConv(64, 192, 3, 1, 1, norm),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *blocks(_BEFORE),
            nn.MaxPool3d((3, 3, 3), (2, 2, 2), (1, 1, 1)),
            *blocks(_MIDDLE),
            nn.MaxPool3d((2, 2, 2), (2, 2, 2), (0, 0, 0)),
            *blocks(_AFTER),
        )
        self.avgpool = nn.AvgPool3d((2, 7, 7), stride=1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Conv3d(channels, num_classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, T, H, W)`` films of 14 frames or more, 224 pixels or more each way."""
        return self.classifier(self.avgpool(self.features(x))).mean(dim=(2, 3, 4))


@builder(S3D_Weights)
def s3d(**kwargs: Any) -> S3D:
    """The network of the paper."""
    return S3D(**kwargs)
