"""ShuffleNet v2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights

ShuffleNet_V2_X0_5_Weights = weights("ShuffleNet_V2_X0_5_Weights")
ShuffleNet_V2_X1_0_Weights = weights("ShuffleNet_V2_X1_0_Weights")
ShuffleNet_V2_X1_5_Weights = weights("ShuffleNet_V2_X1_5_Weights")
ShuffleNet_V2_X2_0_Weights = weights("ShuffleNet_V2_X2_0_Weights")


def _by_channel(channels: int, stride: int) -> list[nn.Module]:
    """A 3x3 convolution of each channel by itself, normalised."""
    conv = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [conv, nn.BatchNorm2d(channels)]


def _pointwise(inp: int, oup: int) -> list[nn.Module]:
    """A 1x1 convolution, normalised, and ReLU."""
    return [nn.Conv2d(inp, oup, kernel_size=1, bias=False), nn.BatchNorm2d(oup), nn.ReLU(inplace=True)]


class InvertedResidual(nn.Module):
    """Half of the channels pass unchanged, the others through convolutions; then both are shuffled.

    Args:
        inp: channels of the input.
        oup: channels of the result.
        stride: step; with 2 both halves are convolved.
    """

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError("illegal stride value")
        self.stride = stride
        half = oup // 2
        if stride == 1 and inp != half * 2:
            raise ValueError("with stride 1 there must be as many channels before as after, and an even number")
        self.branch1 = nn.Sequential(*(_by_channel(inp, stride) + _pointwise(inp, half) if stride > 1 else []))
        wide = inp if stride > 1 else half
        self.branch2 = nn.Sequential(*_pointwise(wide, half), *_by_channel(half, stride), *_pointwise(half, half))

    def forward(self, x: Tensor) -> Tensor:
        """The block's result."""
        if self.stride == 1:
            kept, changed = x.chunk(2, dim=1)
            out = torch.cat((kept, self.branch2(changed)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return F.channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """Blocks that shuffle channels.

    Args:
        stages_repeats: blocks of the three stages.
        stages_out_channels: channels of the first convolution, of the three stages and of the last convolution.
        num_classes: classes.
        inverted_residual: the class of the blocks.

    Source: Ma et al., "ShuffleNet V2" (2018).
    """

    def __init__(
        self,
        stages_repeats: Sequence[int],
        stages_out_channels: Sequence[int],
        num_classes: int = 1000,
        inverted_residual: Any = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        first, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )  # fmt: skip
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        widths = [first, *stages]
        made = [
            nn.Sequential(
                inverted_residual(widths[i], widths[i + 1], 2),
                *(inverted_residual(widths[i + 1], widths[i + 1], 1) for _ in range(depth - 1)),
            )
            for i, depth in enumerate(stages_repeats)
        ]
        self.stage2, self.stage3, self.stage4 = made
        self.conv5 = nn.Sequential(*_pointwise(widths[-1], last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))


@builder(ShuffleNet_V2_X0_5_Weights)
def shufflenet_v2_x0_5(**kwargs: Any) -> ShuffleNetV2:
    """:class:`ShuffleNetV2` of half the width."""
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **kwargs)


@builder(ShuffleNet_V2_X1_0_Weights)
def shufflenet_v2_x1_0(**kwargs: Any) -> ShuffleNetV2:
    """:class:`ShuffleNetV2`."""
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **kwargs)


@builder(ShuffleNet_V2_X1_5_Weights)
def shufflenet_v2_x1_5(**kwargs: Any) -> ShuffleNetV2:
    """:class:`ShuffleNetV2` of 1.5 times the width."""
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **kwargs)


@builder(ShuffleNet_V2_X2_0_Weights)
def shufflenet_v2_x2_0(**kwargs: Any) -> ShuffleNetV2:
    """:class:`ShuffleNetV2` of twice the width."""
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **kwargs)
