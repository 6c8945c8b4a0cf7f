"""Residual networks of convolutions over space and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights

R3D_18_Weights = weights("R3D_18_Weights")
MC3_18_Weights = weights("MC3_18_Weights")
R2Plus1D_18_Weights = weights("R2Plus1D_18_Weights")


class Conv3DSimple(nn.Conv3d):
    """A convolution over time and space together."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int = 0, stride: int = 1, padding: int = 1) -> None:
        super().__init__(in_planes, out_planes, 3, stride, padding, bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """The steps in time, height and width."""
        return stride, stride, stride


class Conv2Plus1D(nn.Sequential):
    """A convolution over space, and one over time."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int, stride: int = 1, padding: int = 1) -> None:
        super().__init__(
            nn.Conv3d(in_planes, midplanes, (1, 3, 3), (1, stride, stride), (0, padding, padding), bias=False),
            nn.BatchNorm3d(midplanes),
            nn.ReLU(inplace=True),
            nn.Conv3d(midplanes, out_planes, (3, 1, 1), (stride, 1, 1), (padding, 0, 0), bias=False),
        )

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """The steps in time, height and width."""
        return stride, stride, stride


class Conv3DNoTemporal(nn.Conv3d):
    """A convolution over space alone."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int = 0, stride: int = 1, padding: int = 1) -> None:
        super().__init__(in_planes, out_planes, (1, 3, 3), (1, stride, stride), (0, padding, padding), bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """The steps in time, height and width."""
        return 1, stride, stride


class BasicBlock(nn.Module):
    """Two convolutions around which the input goes."""

    expansion = 1

    def __init__(
        self, inplanes: int, planes: int, conv_builder: Any, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        middle = (inplanes * planes * 27) // (inplanes * 9 + 3 * planes)  # as many weights as a full kernel has
        self.conv1 = nn.Sequential(
            conv_builder(inplanes, planes, middle, stride), nn.BatchNorm3d(planes), nn.ReLU(inplace=True)
        )
        self.conv2 = nn.Sequential(conv_builder(planes, planes, middle), nn.BatchNorm3d(planes))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        around = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + around)


class BasicStem(nn.Sequential):
    """The first convolution, over three frames."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(64), nn.ReLU(inplace=True)
        )


class R2Plus1dStem(nn.Sequential):
    """The first convolutions, over space and then over three frames."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv3d(3, 45, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(45),
            nn.ReLU(inplace=True),
            nn.Conv3d(45, 64, (3, 1, 1), 1, (1, 0, 0), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(inplace=True),
        )


class VideoResNet(nn.Module):
    """A residual network of films (Tran et al. 2018).

    Args:
        block: what each layer is made of.
        conv_makers: the kind of convolution of each of the four layers.
        layers: how many blocks each has.
        stem: what comes first.
        num_classes: classes.
        zero_init_residual: begin with blocks that pass on their input.
    """

    def __init__(
        self,
        block: type[BasicBlock],
        conv_makers: Sequence[Any],
        layers: Sequence[int],
        stem: Callable[..., nn.Module],
        num_classes: int = 400,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        self.inplanes = 64
        self.stem = stem()
        self.layer1 = self._make_layer(block, conv_makers[0], 64, layers[0], 1)
        self.layer2 = self._make_layer(block, conv_makers[1], 128, layers[1], 2)
        self.layer3 = self._make_layer(block, conv_makers[2], 256, layers[2], 2)
        self.layer4 = self._make_layer(block, conv_makers[3], 512, layers[3], 2)
        self.avgpool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv3d):
                init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                init.normal_(m.weight, 0, 0.01)
                init.zeros_(m.bias)
            elif isinstance(m, BasicBlock) and zero_init_residual:
                init.zeros_(m.conv2[1].weight)

    def _make_layer(self, block: type[BasicBlock], conv: Any, planes: int, blocks: int, stride: int) -> nn.Sequential:
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv3d(self.inplanes, planes * block.expansion, 1, conv.get_downsample_stride(stride), bias=False),
                nn.BatchNorm3d(planes * block.expansion),
            )
        first = block(self.inplanes, planes, conv, stride, downsample)
        self.inplanes = planes * block.expansion
        return nn.Sequential(first, *(block(self.inplanes, planes, conv) for _ in range(1, blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, T, H, W)`` films."""
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return self.fc(self.avgpool(x).flatten(1))


@builder(R3D_18_Weights)
def r3d_18(**kwargs: Any) -> VideoResNet:
    """18 layers of full convolutions."""
    return VideoResNet(BasicBlock, [Conv3DSimple] * 4, [2, 2, 2, 2], BasicStem, **kwargs)


@builder(MC3_18_Weights)
def mc3_18(**kwargs: Any) -> VideoResNet:
    """18 layers, of which only the first look at several frames."""
    return VideoResNet(BasicBlock, [Conv3DSimple, *[Conv3DNoTemporal] * 3], [2, 2, 2, 2], BasicStem, **kwargs)


@builder(R2Plus1D_18_Weights)
def r2plus1d_18(**kwargs: Any) -> VideoResNet:
    """18 layers of convolutions over space, then time."""
    return VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [2, 2, 2, 2], R2Plus1dStem, **kwargs)
