"""MNASNet."""

from __future__ import annotations

from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights

MNASNet0_5_Weights = weights("MNASNet0_5_Weights")
MNASNet0_75_Weights = weights("MNASNet0_75_Weights")
MNASNet1_0_Weights = weights("MNASNet1_0_Weights")
MNASNet1_3_Weights = weights("MNASNet1_3_Weights")

_MOMENTUM = 1 - 0.9997  # TensorFlow counts the other way round


class _InvertedResidual(nn.Module):
    """A 1x1 convolution that widens, one for each channel by itself, and a 1x1 convolution that narrows."""

    def __init__(self, in_ch: int, out_ch: int, kernel_size: int, stride: int, expansion_factor: int) -> None:
        super().__init__()
        wide = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(in_ch, wide, 1, bias=False),
            nn.BatchNorm2d(wide, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, wide, kernel_size, stride, kernel_size // 2, groups=wide, bias=False),
            nn.BatchNorm2d(wide, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, out_ch, 1, bias=False),
            nn.BatchNorm2d(out_ch, momentum=_MOMENTUM),
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.layers(input) + input if self.apply_residual else self.layers(input)


def _stack(in_ch: int, out_ch: int, kernel_size: int, stride: int, factor: int, repeats: int) -> nn.Sequential:
    first = _InvertedResidual(in_ch, out_ch, kernel_size, stride, factor)
    return nn.Sequential(first, *(_InvertedResidual(out_ch, out_ch, kernel_size, 1, factor) for _ in range(1, repeats)))


def _to_multiple(value: float, divisor: int = 8) -> int:
    """The nearest multiple, but not less than nine tenths of ``value``."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near if near >= 0.9 * value else near + divisor


class MNASNet(nn.Module):
    """A network found by search for speed on telephones.

    Args:
        alpha: how wide it is.
        num_classes: classes.
        dropout: how likely a feature is dropped before the last layer.

    Source: Tan et al., "MnasNet" (2019).
    """

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        d = [_to_multiple(depth * alpha) for depth in (32, 16, 24, 40, 80, 96, 192, 320)]
        self.layers = nn.Sequential(
            nn.Conv2d(3, d[0], 3, padding=1, stride=2, bias=False),
            nn.BatchNorm2d(d[0], momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(d[0], d[0], 3, padding=1, stride=1, groups=d[0], bias=False),
            nn.BatchNorm2d(d[0], momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(d[0], d[1], 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(d[1], momentum=_MOMENTUM),
            _stack(d[1], d[2], 3, 2, 3, 3),
            _stack(d[2], d[3], 5, 2, 3, 3),
            _stack(d[3], d[4], 5, 2, 6, 3),
            _stack(d[4], d[5], 3, 1, 6, 2),
            _stack(d[5], d[6], 5, 2, 6, 4),
            _stack(d[6], d[7], 3, 1, 6, 1),
            nn.Conv2d(d[7], 1280, 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(1280, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(1280, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="sigmoid")
                init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.layers(x).mean([2, 3]))


@builder(MNASNet0_5_Weights)
def mnasnet0_5(**kwargs: Any) -> MNASNet:
    """:class:`MNASNet` of half the width."""
    return MNASNet(0.5, **kwargs)


@builder(MNASNet0_75_Weights)
def mnasnet0_75(**kwargs: Any) -> MNASNet:
    """:class:`MNASNet` of three quarters of the width."""
    return MNASNet(0.75, **kwargs)


@builder(MNASNet1_0_Weights)
def mnasnet1_0(**kwargs: Any) -> MNASNet:
    """:class:`MNASNet`."""
    return MNASNet(1.0, **kwargs)


@builder(MNASNet1_3_Weights)
def mnasnet1_3(**kwargs: Any) -> MNASNet:
    """:class:`MNASNet` of 1.3 times the width."""
    return MNASNet(1.3, **kwargs)
