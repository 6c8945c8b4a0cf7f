"""MobileNet v3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models._utils import _make_divisible
from fxtorch.vision.models.mobilenetv2 import draw
from fxtorch.vision.ops.misc import Conv2dNormActivation
from fxtorch.vision.ops.misc import SqueezeExcitation as _SqueezeExcitation

MobileNet_V3_Large_Weights = weights("MobileNet_V3_Large_Weights")
MobileNet_V3_Small_Weights = weights("MobileNet_V3_Small_Weights")

SqueezeExcitation = partial(_SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """One block.

    Args:
        input_channels: channels of the input.
        kernel: taps of the convolution of each channel by itself.
        expanded_channels: channels inside.
        out_channels: channels of the result.
        use_se: whether gates scale the channels.
        activation: ``"RE"`` or ``"HS"``, ReLU or hard swish.
        stride: step.
        dilation: distance of taps.
        width_mult: how wide the network is.
    """

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """So many channels in a network that is ``width_mult`` times as wide."""
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """A 1x1 convolution that widens, one for each channel by itself, gates, and a linear 1x1 convolution.

    Args:
        cnf: the block's numbers.
        norm_layer: makes the normalisations.
        se_layer: makes the gates.
    """

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = SqueezeExcitation,
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        wide = cnf.expanded_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer)
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(conv(cnf.input_channels, wide, kernel_size=1, activation_layer=activation))
        layers.append(
            conv(
                wide,
                wide,
                kernel_size=cnf.kernel,
                stride=1 if cnf.dilation > 1 else cnf.stride,
                dilation=cnf.dilation,
                groups=wide,
                activation_layer=activation,
            )
        )
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        """The block's result."""
        return self.block(input) + input if self.use_res_connect else self.block(input)


class MobileNetV3(nn.Module):
    """Inverted residual blocks with gates and hard swish.

    Args:
        inverted_residual_setting: the blocks.
        last_channel: features between the two linear layers.
        num_classes: classes.
        block: the class of the blocks.
        norm_layer: makes the normalisations.
        dropout: how likely a feature is dropped before the last layer.

    Source: Howard et al., "Searching for MobileNetV3" (2019).
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Any = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        block = block or InvertedResidual
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.Hardswish)
        first, last = inverted_residual_setting[0].input_channels, inverted_residual_setting[-1].out_channels
        self.features = nn.Sequential(
            conv(3, first, kernel_size=3, stride=2),
            *(block(cnf, norm_layer) for cnf in inverted_residual_setting),
            conv(last, 6 * last, kernel_size=1),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * last, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        draw(self)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _settings(
    arch: str, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False
) -> tuple[list[InvertedResidualConfig], int]:
    cut, spread = (2 if reduced_tail else 1), (2 if dilated else 1)
    conf = partial(InvertedResidualConfig, width_mult=width_mult)
    if arch == "large":
        blocks = [
            conf(16, 3, 16, 16, False, "RE", 1, 1),
            conf(16, 3, 64, 24, False, "RE", 2, 1),
            conf(24, 3, 72, 24, False, "RE", 1, 1),
            conf(24, 5, 72, 40, True, "RE", 2, 1),
            conf(40, 5, 120, 40, True, "RE", 1, 1),
            conf(40, 5, 120, 40, True, "RE", 1, 1),
            conf(40, 3, 240, 80, False, "HS", 2, 1),
            conf(80, 3, 200, 80, False, "HS", 1, 1),
            conf(80, 3, 184, 80, False, "HS", 1, 1),
            conf(80, 3, 184, 80, False, "HS", 1, 1),
            conf(80, 3, 480, 112, True, "HS", 1, 1),
            conf(112, 3, 672, 112, True, "HS", 1, 1),
            conf(112, 5, 672, 160 // cut, True, "HS", 2, spread),
            conf(160 // cut, 5, 960 // cut, 160 // cut, True, "HS", 1, spread),
            conf(160 // cut, 5, 960 // cut, 160 // cut, True, "HS", 1, spread),
        ]
        return blocks, InvertedResidualConfig.adjust_channels(1280 // cut, width_mult)
    blocks = [
        conf(16, 3, 16, 16, True, "RE", 2, 1),
        conf(16, 3, 72, 24, False, "RE", 2, 1),
        conf(24, 3, 88, 24, False, "RE", 1, 1),
        conf(24, 5, 96, 40, True, "HS", 2, 1),
        conf(40, 5, 240, 40, True, "HS", 1, 1),
        conf(40, 5, 240, 40, True, "HS", 1, 1),
        conf(40, 5, 120, 48, True, "HS", 1, 1),
        conf(48, 5, 144, 48, True, "HS", 1, 1),
        conf(48, 5, 288, 96 // cut, True, "HS", 2, spread),
        conf(96 // cut, 5, 576 // cut, 96 // cut, True, "HS", 1, spread),
        conf(96 // cut, 5, 576 // cut, 96 // cut, True, "HS", 1, spread),
    ]
    return blocks, InvertedResidualConfig.adjust_channels(1024 // cut, width_mult)


def _build(arch: str, kwargs: dict[str, Any]) -> MobileNetV3:
    shape = {
        name.lstrip("_"): kwargs.pop(name) for name in ("width_mult", "reduced_tail", "_dilated") if name in kwargs
    }
    blocks, last = _settings(arch, **shape)
    return MobileNetV3(blocks, last, **kwargs)


@builder(MobileNet_V3_Large_Weights)
def mobilenet_v3_large(**kwargs: Any) -> MobileNetV3:
    """:class:`MobileNetV3`, large; also takes ``width_mult`` and ``reduced_tail``."""
    return _build("large", kwargs)


@builder(MobileNet_V3_Small_Weights)
def mobilenet_v3_small(**kwargs: Any) -> MobileNetV3:
    """:class:`MobileNetV3`, small; also takes ``width_mult`` and ``reduced_tail``."""
    return _build("small", kwargs)
