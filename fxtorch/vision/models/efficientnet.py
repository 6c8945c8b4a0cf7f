"""EfficientNet and EfficientNet v2."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models._utils import _make_divisible
from fxtorch.vision.ops import StochasticDepth
from fxtorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation

EfficientNet_B0_Weights = weights("EfficientNet_B0_Weights")
EfficientNet_B1_Weights = weights("EfficientNet_B1_Weights")
EfficientNet_B2_Weights = weights("EfficientNet_B2_Weights")
EfficientNet_B3_Weights = weights("EfficientNet_B3_Weights")
EfficientNet_B4_Weights = weights("EfficientNet_B4_Weights")
EfficientNet_B5_Weights = weights("EfficientNet_B5_Weights")
EfficientNet_B6_Weights = weights("EfficientNet_B6_Weights")
EfficientNet_B7_Weights = weights("EfficientNet_B7_Weights")
EfficientNet_V2_S_Weights = weights("EfficientNet_V2_S_Weights")
EfficientNet_V2_M_Weights = weights("EfficientNet_V2_M_Weights")
EfficientNet_V2_L_Weights = weights("EfficientNet_V2_L_Weights")


@dataclass
class _MBConvConfig:
    """A stage: how many times wider its blocks are inside, taps, step, channels before and after, blocks."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Callable[..., nn.Module]

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of :class:`MBConv` blocks, scaled.

    Args:
        expand_ratio: how many times wider the blocks are inside.
        kernel: taps.
        stride: step of the first block.
        input_channels: channels before, unscaled.
        out_channels: channels after, unscaled.
        num_layers: blocks, unscaled.
        width_mult: how wide the network is.
        depth_mult: how deep it is.
        block: the class of the blocks.
    """

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__(
            expand_ratio,
            kernel,
            stride,
            self.adjust_channels(input_channels, width_mult),
            self.adjust_channels(out_channels, width_mult),
            math.ceil(num_layers * depth_mult),
            block or MBConv,
        )


class FusedMBConvConfig(_MBConvConfig):
    """A stage of :class:`FusedMBConv` blocks; arguments as in :class:`MBConvConfig`, without scales."""

    def __init__(self, *args: Any, block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__(*args, block=block or FusedMBConv)


class MBConv(nn.Module):
    """A 1x1 convolution that widens, one for each channel by itself, gates, and a linear 1x1 convolution.

    Args:
        cnf: the block's numbers.
        stochastic_depth_prob: how likely the block is dropped while training.
        norm_layer: makes the normalisations.
        se_layer: makes the gates.
    """

    def __init__(
        self,
        cnf: _MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = SqueezeExcitation,
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        layers: list[nn.Module] = [conv(cnf.input_channels, wide, kernel_size=1)] if wide != cnf.input_channels else []
        layers.append(conv(wide, wide, kernel_size=cnf.kernel, stride=cnf.stride, groups=wide))
        layers.append(se_layer(wide, max(1, cnf.input_channels // 4), activation=partial(nn.SiLU, inplace=True)))
        layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        """The block's result."""
        return self.stochastic_depth(self.block(input)) + input if self.use_res_connect else self.block(input)


class FusedMBConv(nn.Module):
    """:class:`MBConv` with its first two convolutions in one, and no gates.

    Args:
        cnf: the block's numbers.
        stochastic_depth_prob: how likely the block is dropped while training.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self, cnf: _MBConvConfig, stochastic_depth_prob: float, norm_layer: Callable[..., nn.Module]
    ) -> None:  # fmt: skip
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        first = partial(conv, cnf.input_channels, kernel_size=cnf.kernel, stride=cnf.stride)
        if wide != cnf.input_channels:
            layers = [first(wide), conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None)]
        else:
            layers = [first(cnf.out_channels)]
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        """The block's result."""
        return self.stochastic_depth(self.block(input)) + input if self.use_res_connect else self.block(input)


class EfficientNet(nn.Module):
    """Stages of inverted residual blocks, scaled together in width, depth and resolution.

    Args:
        inverted_residual_setting: the stages.
        dropout: how likely a feature is dropped before the last layer.
        stochastic_depth_prob: how likely the last block is dropped while training; earlier ones less.
        num_classes: classes.
        norm_layer: makes the normalisations.
        last_channel: channels of the last convolution; four times those before unless given.

    Source: Tan and Le, "EfficientNet" (2019), "EfficientNetV2" (2021).
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[_MBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Callable[..., nn.Module] | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        norm_layer = norm_layer or nn.BatchNorm2d
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        features: list[nn.Module] = [conv(3, inverted_residual_setting[0].input_channels, kernel_size=3, stride=2)]
        total = sum(cnf.num_layers for cnf in inverted_residual_setting)
        done = 0
        for cnf in inverted_residual_setting:
            stage = []
            for i in range(cnf.num_layers):
                own = copy.copy(cnf)
                if i:
                    own.input_channels, own.stride = own.out_channels, 1
                stage.append(own.block(own, stochastic_depth_prob * done / total, norm_layer))
                done += 1
            features.append(nn.Sequential(*stage))
        before = inverted_residual_setting[-1].out_channels
        last = 4 * before if last_channel is None else last_channel
        features.append(conv(before, last, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(last, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                bound = 1.0 / math.sqrt(module.out_features)
                init.uniform_(module.weight, -bound, bound)
            else:
                continue
            if module.bias is not None:
                init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _scaled(width: float, depth: float) -> list[_MBConvConfig]:
    conf = partial(MBConvConfig, width_mult=width, depth_mult=depth)
    return [
        conf(1, 3, 1, 32, 16, 1),
        conf(6, 3, 2, 16, 24, 2),
        conf(6, 5, 2, 24, 40, 2),
        conf(6, 3, 2, 40, 80, 3),
        conf(6, 5, 1, 80, 112, 3),
        conf(6, 5, 2, 112, 192, 4),
        conf(6, 3, 1, 192, 320, 1),
    ]


_FINE = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
_V2 = partial(nn.BatchNorm2d, eps=1e-03)


def _build(stages: list[_MBConvConfig], kwargs: dict[str, Any], **defaults: Any) -> EfficientNet:
    return EfficientNet(stages, **defaults | kwargs)


@builder(EfficientNet_B0_Weights)
def efficientnet_b0(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B0, for pictures of 224 by 224."""
    return _build(_scaled(1.0, 1.0), kwargs, dropout=0.2)


@builder(EfficientNet_B1_Weights)
def efficientnet_b1(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B1, for pictures of 240 by 240."""
    return _build(_scaled(1.0, 1.1), kwargs, dropout=0.2)


@builder(EfficientNet_B2_Weights)
def efficientnet_b2(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B2, for pictures of 288 by 288."""
    return _build(_scaled(1.1, 1.2), kwargs, dropout=0.3)


@builder(EfficientNet_B3_Weights)
def efficientnet_b3(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B3, for pictures of 300 by 300."""
    return _build(_scaled(1.2, 1.4), kwargs, dropout=0.3)


@builder(EfficientNet_B4_Weights)
def efficientnet_b4(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B4, for pictures of 380 by 380."""
    return _build(_scaled(1.4, 1.8), kwargs, dropout=0.4)


@builder(EfficientNet_B5_Weights)
def efficientnet_b5(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B5, for pictures of 456 by 456."""
    return _build(_scaled(1.6, 2.2), kwargs, dropout=0.4, norm_layer=_FINE)


@builder(EfficientNet_B6_Weights)
def efficientnet_b6(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B6, for pictures of 528 by 528."""
    return _build(_scaled(1.8, 2.6), kwargs, dropout=0.5, norm_layer=_FINE)


@builder(EfficientNet_B7_Weights)
def efficientnet_b7(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` B7, for pictures of 600 by 600."""
    return _build(_scaled(2.0, 3.1), kwargs, dropout=0.5, norm_layer=_FINE)


@builder(EfficientNet_V2_S_Weights)
def efficientnet_v2_s(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` v2, small, for pictures of 384 by 384."""
    stages = [
        FusedMBConvConfig(1, 3, 1, 24, 24, 2),
        FusedMBConvConfig(4, 3, 2, 24, 48, 4),
        FusedMBConvConfig(4, 3, 2, 48, 64, 4),
        MBConvConfig(4, 3, 2, 64, 128, 6),
        MBConvConfig(6, 3, 1, 128, 160, 9),
        MBConvConfig(6, 3, 2, 160, 256, 15),
    ]
    return _build(stages, kwargs, dropout=0.2, norm_layer=_V2, last_channel=1280)


@builder(EfficientNet_V2_M_Weights)
def efficientnet_v2_m(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` v2, medium, for pictures of 480 by 480."""
    stages = [
        FusedMBConvConfig(1, 3, 1, 24, 24, 3),
        FusedMBConvConfig(4, 3, 2, 24, 48, 5),
        FusedMBConvConfig(4, 3, 2, 48, 80, 5),
        MBConvConfig(4, 3, 2, 80, 160, 7),
        MBConvConfig(6, 3, 1, 160, 176, 14),
        MBConvConfig(6, 3, 2, 176, 304, 18),
        MBConvConfig(6, 3, 1, 304, 512, 5),
    ]
    return _build(stages, kwargs, dropout=0.3, norm_layer=_V2, last_channel=1280)


@builder(EfficientNet_V2_L_Weights)
def efficientnet_v2_l(**kwargs: Any) -> EfficientNet:
    """:class:`EfficientNet` v2, large, for pictures of 480 by 480."""
    stages = [
        FusedMBConvConfig(1, 3, 1, 32, 32, 4),
        FusedMBConvConfig(4, 3, 2, 32, 64, 7),
        FusedMBConvConfig(4, 3, 2, 64, 96, 7),
        MBConvConfig(4, 3, 2, 96, 192, 10),
        MBConvConfig(6, 3, 1, 192, 224, 19),
        MBConvConfig(6, 3, 2, 224, 384, 25),
        MBConvConfig(6, 3, 1, 384, 640, 7),
    ]
    return _build(stages, kwargs, dropout=0.4, norm_layer=_V2, last_channel=1280)
