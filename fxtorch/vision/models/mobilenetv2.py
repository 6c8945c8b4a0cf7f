"""MobileNet v2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models._utils import _make_divisible
from fxtorch.vision.ops.misc import Conv2dNormActivation

MobileNet_V2_Weights = weights("MobileNet_V2_Weights")

# For each stage: how many times wider inside, channels, blocks, step of the first.
_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


class InvertedResidual(nn.Module):
    """A 1x1 convolution that widens, one for each channel by itself, and a linear 1x1 convolution that narrows.

    Args:
        inp: channels of the input.
        oup: channels of the result.
        stride: step; with 1 and as many channels there is a shortcut.
        expand_ratio: how many times wider it is inside.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self,
        inp: int,
        oup: int,
        stride: int,
        expand_ratio: int,
        norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.out_channels = oup
        wide = round(inp * expand_ratio)
        block = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        layers: list[nn.Module] = [block(inp, wide, kernel_size=1)] if expand_ratio != 1 else []
        layers.append(block(wide, wide, stride=stride, groups=wide))
        layers += [nn.Conv2d(wide, oup, 1, 1, 0, bias=False), norm_layer(oup)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The block's result."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Inverted residual blocks.

    Args:
        num_classes: classes.
        width_mult: how wide it is.
        inverted_residual_setting: for each stage: how many times wider inside, channels, blocks, step of the first.
        round_nearest: channels are multiples of it.
        block: the class of the blocks.
        norm_layer: makes the normalisations.
        dropout: how likely a feature is dropped before the last layer.

    Source: Sandler et al., "MobileNetV2" (2018).
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Any = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        block = block or InvertedResidual
        norm_layer = norm_layer or nn.BatchNorm2d
        stages = _STAGES if inverted_residual_setting is None else inverted_residual_setting
        if not stages or any(len(stage) != 4 for stage in stages):
            raise ValueError(
                f"inverted_residual_setting should be non-empty or a 4-element list, got {inverted_residual_setting}"
            )
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        channels = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features: list[nn.Module] = [conv(3, channels, stride=2)]
        for factor, width, blocks, stride in stages:
            out = _make_divisible(width * width_mult, round_nearest)
            for i in range(blocks):
                features.append(
                    block(channels, out, stride if i == 0 else 1, expand_ratio=factor, norm_layer=norm_layer)
                )
                channels = out
        features.append(conv(channels, self.last_channel, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        draw(self)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), (1, 1)).flatten(1))


def draw(model: nn.Module) -> None:
    """Draw convolutions and linear layers anew, without biases."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear):
            init.normal_(module.weight, 0, 0.01)
        else:
            continue
        if module.bias is not None:
            init.zeros_(module.bias)


@builder(MobileNet_V2_Weights)
def mobilenet_v2(**kwargs: Any) -> MobileNetV2:
    """:class:`MobileNetV2`."""
    return MobileNetV2(**kwargs)
