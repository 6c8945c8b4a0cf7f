"""ResNet, ResNeXt and wide ResNet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights

ResNet18_Weights = weights("ResNet18_Weights")
ResNet34_Weights = weights("ResNet34_Weights")
ResNet50_Weights = weights("ResNet50_Weights")
ResNet101_Weights = weights("ResNet101_Weights")
ResNet152_Weights = weights("ResNet152_Weights")
ResNeXt50_32X4D_Weights = weights("ResNeXt50_32X4D_Weights")
ResNeXt101_32X8D_Weights = weights("ResNeXt101_32X8D_Weights")
ResNeXt101_64X4D_Weights = weights("ResNeXt101_64X4D_Weights")
Wide_ResNet50_2_Weights = weights("Wide_ResNet50_2_Weights")
Wide_ResNet101_2_Weights = weights("Wide_ResNet101_2_Weights")


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size at stride 1."""
    return nn.Conv2d(in_planes, out_planes, 3, stride, dilation, dilation, groups, bias=False)


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution."""
    return nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    Args:
        inplanes: channels of the input.
        planes: channels of the result.
        stride: step of the first convolution.
        downsample: brings the shortcut to the result's shape.
        groups: must be 1.
        base_width: must be 64.
        dilation: must be 1.
        norm_layer: makes the normalisations.
    """

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """The block's result."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, around a shortcut; the stride is the 3x3 convolution's.

    Args:
        inplanes: channels of the input.
        planes: a quarter of the channels of the result.
        stride: step of the 3x3 convolution.
        downsample: brings the shortcut to the result's shape.
        groups: groups of the 3x3 convolution.
        base_width: its channels, for each group and 64 ``planes``.
        dilation: distance of its taps.
        norm_layer: makes the normalisations.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """The block's result."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Four stages of residual blocks, and a linear layer of the mean.

    Args:
        block: the class of the blocks.
        layers: how many blocks a stage has.
        num_classes: classes.
        zero_init_residual: whether each block starts as its shortcut.
        groups: groups of the 3x3 convolutions.
        width_per_group: their channels, for each group and 64 planes.
        replace_stride_with_dilation: whether the second, third and fourth stage keep the size and spread their taps.
        norm_layer: makes the normalisations.

    Source: He et al., "Deep Residual Learning" (2016).

    >>> import fxtorch as torch
    >>> net = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5)
    >>> [name for name, _ in net.named_children()]
    ['conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4', 'avgpool', 'fc']
    """

    def __init__(
        self,
        block: Any,
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes = 64
        self.dilation = 1
        dilate = (False, False, False) if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilate) != 3:
            raise ValueError(
                "replace_stride_with_dilation should be None or a 3-element tuple, got "
                f"{replace_stride_with_dilation}"
            )  # fmt: skip
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init_residual and isinstance(module, Bottleneck | BasicBlock):
                last: Any = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                init.constant_(last.weight, 0)

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1, dilate: bool = False) -> nn.Sequential:
        first_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        width = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != width:
            downsample = nn.Sequential(conv1x1(self.inplanes, width, stride), self._norm_layer(width))
        made = [
            block(
                self.inplanes if i == 0 else width,
                planes,
                stride if i == 0 else 1,
                downsample if i == 0 else None,
                groups=self.groups,
                base_width=self.base_width,
                dilation=first_dilation if i == 0 else self.dilation,
                norm_layer=self._norm_layer,
            )
            for i in range(blocks)
        ]
        self.inplanes = width
        return nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


@builder(ResNet18_Weights)
def resnet18(**kwargs: Any) -> ResNet:
    """:class:`ResNet` with 18 layers."""
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


@builder(ResNet34_Weights)
def resnet34(**kwargs: Any) -> ResNet:
    """:class:`ResNet` with 34 layers."""
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


@builder(ResNet50_Weights)
def resnet50(**kwargs: Any) -> ResNet:
    """:class:`ResNet` with 50 layers."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)


@builder(ResNet101_Weights)
def resnet101(**kwargs: Any) -> ResNet:
    """:class:`ResNet` with 101 layers."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **kwargs)


@builder(ResNet152_Weights)
def resnet152(**kwargs: Any) -> ResNet:
    """:class:`ResNet` with 152 layers."""
    return ResNet(Bottleneck, [3, 8, 36, 3], **kwargs)


@builder(ResNeXt50_32X4D_Weights)
def resnext50_32x4d(**kwargs: Any) -> ResNet:
    """ResNeXt with 50 layers and 32 groups of 4 (Xie et al., 2017)."""
    return ResNet(Bottleneck, [3, 4, 6, 3], groups=32, width_per_group=4, **kwargs)


@builder(ResNeXt101_32X8D_Weights)
def resnext101_32x8d(**kwargs: Any) -> ResNet:
    """ResNeXt with 101 layers and 32 groups of 8 (Xie et al., 2017)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=8, **kwargs)


@builder(ResNeXt101_64X4D_Weights)
def resnext101_64x4d(**kwargs: Any) -> ResNet:
    """ResNeXt with 101 layers and 64 groups of 4 (Xie et al., 2017)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], groups=64, width_per_group=4, **kwargs)


@builder(Wide_ResNet50_2_Weights)
def wide_resnet50_2(**kwargs: Any) -> ResNet:
    """ResNet-50 with 3x3 convolutions twice as wide (Zagoruyko and Komodakis, 2016)."""
    return ResNet(Bottleneck, [3, 4, 6, 3], width_per_group=128, **kwargs)


@builder(Wide_ResNet101_2_Weights)
def wide_resnet101_2(**kwargs: Any) -> ResNet:
    """ResNet-101 with 3x3 convolutions twice as wide (Zagoruyko and Komodakis, 2016)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], width_per_group=128, **kwargs)
