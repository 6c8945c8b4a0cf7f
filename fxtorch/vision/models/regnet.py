"""RegNet."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models._utils import _make_divisible
from fxtorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation


@dataclass(frozen=True)
class BlockParams:
    """What the stages are made from, four numbers or so instead of one a stage.

    Attributes:
        widths: channels of each stage.
        depths: blocks of each stage.
        group_widths: channels of a group.
        bottleneck_multiplier: channels inside a block, for each of its result.
        strides: step of each stage.
        se_ratio: squeezed channels for each of the input; None for no gates.
    """

    depths: list[int]
    widths: list[int]
    group_widths: list[int]
    bottleneck_multiplier: float
    strides: list[int]
    se_ratio: float | None = None

    @classmethod
    def from_init_params(
        cls,
        depth: int,
        w_0: int,
        w_a: float,
        w_m: float,
        group_width: int,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> BlockParams:
        """Stages whose widths follow ``w_0 + w_a i``, rounded to powers of ``w_m`` times ``w_0`` and to eights.

        Source: Radosavovic et al., "Designing Network Design Spaces" (2020), section 3.3.
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        linear = np.arange(depth, dtype=np.float32) * np.float32(w_a) + np.float32(w_0)
        power = np.round(np.log(linear / np.float32(w_0)) / np.float32(math.log(w_m)))
        each = (np.round(w_0 * np.power(np.float64(w_m), power) / 8) * 8).astype(int).tolist()
        widths = sorted(set(each))
        depths = [each.count(w) for w in widths]
        inside = [int(w * bottleneck_multiplier) for w in widths]
        groups = [min(group_width, w) for w in inside]
        inside = [_make_divisible(w, g) for w, g in zip(inside, groups, strict=True)]
        widths = [int(w / bottleneck_multiplier) for w in inside]
        return cls(depths, widths, groups, bottleneck_multiplier, [2] * len(widths), se_ratio)


class BottleneckTransform(nn.Sequential):
    """A 1x1 convolution, one of 3x3 in groups, gates, and a linear 1x1 convolution."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None,
    ) -> None:
        width = round(width_out * bottleneck_multiplier)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation_layer)
        layers: dict[str, nn.Module] = OrderedDict(
            a=conv(width_in, width, kernel_size=1, stride=1),
            b=conv(width, width, kernel_size=3, stride=stride, groups=width // group_width),
        )
        if se_ratio:
            layers["se"] = SqueezeExcitation(width, round(se_ratio * width_in), activation=activation_layer)
        layers["c"] = conv(width, width_out, kernel_size=1, stride=1, activation_layer=None)
        super().__init__(OrderedDict(layers))


class ResBottleneckBlock(nn.Module):
    """:class:`BottleneckTransform` around a shortcut."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        group_width: int = 1,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> None:
        super().__init__()
        self.proj: Any = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(
                width_in, width_out, kernel_size=1, stride=stride, norm_layer=norm_layer, activation_layer=None
            )
        self.f = BottleneckTransform(
            width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio
        )
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """The block's result."""
        return self.activation((x if self.proj is None else self.proj(x)) + self.f(x))


class RegNet(nn.Module):
    """Residual stages whose widths and depths follow a rule.

    Args:
        block_params: the rule's numbers.
        num_classes: classes.
        stem_width: channels of the first convolution.
        stem_type: its class.
        block_type: the class of the blocks.
        norm_layer: makes the normalisations.
        activation: makes the activations.

    Source: Radosavovic et al., "Designing Network Design Spaces" (2020).
    """

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Callable[..., nn.Module] | None = None,
        block_type: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        activation: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm_layer, activation = norm_layer or nn.BatchNorm2d, activation or nn.ReLU
        stem_type, block_type = stem_type or Conv2dNormActivation, block_type or ResBottleneckBlock
        self.stem = stem_type(
            3, stem_width, kernel_size=3, stride=2, norm_layer=norm_layer, activation_layer=activation
        )  # fmt: skip
        p, width = block_params, stem_width
        stages: dict[str, nn.Module] = OrderedDict()
        for i, (out, depth, group, stride) in enumerate(
            zip(p.widths, p.depths, p.group_widths, p.strides, strict=True)
        ):
            stage = OrderedDict()
            for j in range(depth):
                stage[f"block{i + 1}-{j}"] = block_type(
                    width if j == 0 else out,
                    out,
                    stride if j == 0 else 1,
                    norm_layer,
                    activation,
                    group,
                    p.bottleneck_multiplier,
                    p.se_ratio,
                )
            stages[f"block{i + 1}"] = nn.Sequential(stage)
            width = out
        self.trunk_output = nn.Sequential(OrderedDict(stages))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                init.normal_(module.weight, mean=0.0, std=math.sqrt(2.0 / fan_out))
            elif isinstance(module, nn.Linear):
                init.normal_(module.weight, mean=0.0, std=0.01)
                init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(1))


# depth, w_0, w_a, w_m, group width; those named y have gates of a quarter of the channels.
_SETTINGS = {
    "regnet_y_400mf": (16, 48, 27.89, 2.09, 8),
    "regnet_y_800mf": (14, 56, 38.84, 2.4, 16),
    "regnet_y_1_6gf": (27, 48, 20.71, 2.65, 24),
    "regnet_y_3_2gf": (21, 80, 42.63, 2.66, 24),
    "regnet_y_8gf": (17, 192, 76.82, 2.19, 56),
    "regnet_y_16gf": (18, 200, 106.23, 2.48, 112),
    "regnet_y_32gf": (20, 232, 115.89, 2.53, 232),
    "regnet_y_128gf": (27, 456, 160.83, 2.52, 264),
    "regnet_x_400mf": (22, 24, 24.48, 2.54, 16),
    "regnet_x_800mf": (16, 56, 35.73, 2.28, 16),
    "regnet_x_1_6gf": (18, 80, 34.01, 2.25, 24),
    "regnet_x_3_2gf": (25, 88, 26.31, 2.25, 48),
    "regnet_x_8gf": (23, 80, 49.56, 2.88, 120),
    "regnet_x_16gf": (22, 216, 55.59, 2.1, 128),
    "regnet_x_32gf": (23, 320, 69.86, 2.0, 168),
}


def _builder(name: str) -> tuple[Any, Callable[..., Any]]:
    published = weights(f"RegNet_{name[7:].upper()}_Weights")

    def build(**kwargs: Any) -> RegNet:
        depth, w_0, w_a, w_m, group = _SETTINGS[name]
        params = BlockParams.from_init_params(depth, w_0, w_a, w_m, group, se_ratio=0.25 if "_y_" in name else None)
        kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1))
        return RegNet(params, **kwargs)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = f":class:`RegNet` {name[7:].replace('_', '.', 1).upper()}."
    return published, builder(published)(build)


RegNet_Y_400MF_Weights, regnet_y_400mf = _builder("regnet_y_400mf")
RegNet_Y_800MF_Weights, regnet_y_800mf = _builder("regnet_y_800mf")
RegNet_Y_1_6GF_Weights, regnet_y_1_6gf = _builder("regnet_y_1_6gf")
RegNet_Y_3_2GF_Weights, regnet_y_3_2gf = _builder("regnet_y_3_2gf")
RegNet_Y_8GF_Weights, regnet_y_8gf = _builder("regnet_y_8gf")
RegNet_Y_16GF_Weights, regnet_y_16gf = _builder("regnet_y_16gf")
RegNet_Y_32GF_Weights, regnet_y_32gf = _builder("regnet_y_32gf")
RegNet_Y_128GF_Weights, regnet_y_128gf = _builder("regnet_y_128gf")
RegNet_X_400MF_Weights, regnet_x_400mf = _builder("regnet_x_400mf")
RegNet_X_800MF_Weights, regnet_x_800mf = _builder("regnet_x_800mf")
RegNet_X_1_6GF_Weights, regnet_x_1_6gf = _builder("regnet_x_1_6gf")
RegNet_X_3_2GF_Weights, regnet_x_3_2gf = _builder("regnet_x_3_2gf")
RegNet_X_8GF_Weights, regnet_x_8gf = _builder("regnet_x_8gf")
RegNet_X_16GF_Weights, regnet_x_16gf = _builder("regnet_x_16gf")
RegNet_X_32GF_Weights, regnet_x_32gf = _builder("regnet_x_32gf")
