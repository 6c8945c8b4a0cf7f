"""ConvNeXt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.ops import StochasticDepth
from fxtorch.vision.ops.misc import Conv2dNormActivation, Permute

ConvNeXt_Tiny_Weights = weights("ConvNeXt_Tiny_Weights")
ConvNeXt_Small_Weights = weights("ConvNeXt_Small_Weights")
ConvNeXt_Base_Weights = weights("ConvNeXt_Base_Weights")
ConvNeXt_Large_Weights = weights("ConvNeXt_Large_Weights")


class LayerNorm2d(nn.LayerNorm):
    """``nn.LayerNorm`` over the channels of ``(N, C, H, W)``."""

    def forward(self, x: Tensor) -> Tensor:
        """The normalised features."""
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """A 7x7 convolution of each channel by itself and two linear layers across channels, around a shortcut.

    Args:
        dim: channels.
        layer_scale: what the branch's channels are scaled by at first.
        stochastic_depth_prob: how likely the branch is dropped while training.
        norm_layer: makes the normalisation.
    """

    def __init__(
        self,
        dim: int,
        layer_scale: float,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim, bias=True),
            Permute([0, 2, 3, 1]),
            norm_layer(dim),
            nn.Linear(dim, 4 * dim, bias=True),
            nn.GELU(),
            nn.Linear(4 * dim, dim, bias=True),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        """The block's result."""
        return self.stochastic_depth(self.layer_scale * self.block(input)) + input


class CNBlockConfig(NamedTuple):
    """A stage: its channels, those of the next (None after the last), and how many blocks it has."""

    input_channels: int
    out_channels: int | None
    num_layers: int


class ConvNeXt(nn.Module):
    """A convolutional network in the manner of transformers.

    Args:
        block_setting: the stages.
        stochastic_depth_prob: how likely the last branch is dropped while training; earlier ones less.
        layer_scale: what the branches' channels are scaled by at first.
        num_classes: classes.
        block: the class of the blocks.
        norm_layer: makes the normalisations.

    Source: Liu et al., "A ConvNet for the 2020s" (2022).
    """

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Any = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        block = block or CNBlock
        norm_layer = norm_layer or partial(LayerNorm2d, eps=1e-6)
        first, last = block_setting[0].input_channels, block_setting[-1]
        features: list[nn.Module] = [
            Conv2dNormActivation(
                3, first, 4, stride=4, padding=0, norm_layer=norm_layer, activation_layer=None, bias=True
            )
        ]
        total, done = sum(cnf.num_layers for cnf in block_setting), 0
        for cnf in block_setting:
            stage = []
            for _ in range(cnf.num_layers):
                stage.append(block(cnf.input_channels, layer_scale, stochastic_depth_prob * done / (total - 1.0)))
                done += 1
            features.append(nn.Sequential(*stage))
            if cnf.out_channels is not None:
                halve = nn.Conv2d(cnf.input_channels, cnf.out_channels, kernel_size=2, stride=2)
                features.append(nn.Sequential(norm_layer(cnf.input_channels), halve))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        width = last.input_channels if last.out_channels is None else last.out_channels
        self.classifier = nn.Sequential(norm_layer(width), nn.Flatten(1), nn.Linear(width, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.avgpool(self.features(x)))


def _build(width: int, depth: int, dropped: float, kwargs: dict[str, Any]) -> ConvNeXt:
    stages = [
        CNBlockConfig(width, 2 * width, 3),
        CNBlockConfig(2 * width, 4 * width, 3),
        CNBlockConfig(4 * width, 8 * width, depth),
        CNBlockConfig(8 * width, None, 3),
    ]
    kwargs.setdefault("stochastic_depth_prob", dropped)
    return ConvNeXt(stages, **kwargs)


@builder(ConvNeXt_Tiny_Weights)
def convnext_tiny(**kwargs: Any) -> ConvNeXt:
    """:class:`ConvNeXt`, tiny."""
    return _build(96, 9, 0.1, kwargs)


@builder(ConvNeXt_Small_Weights)
def convnext_small(**kwargs: Any) -> ConvNeXt:
    """:class:`ConvNeXt`, small."""
    return _build(96, 27, 0.4, kwargs)


@builder(ConvNeXt_Base_Weights)
def convnext_base(**kwargs: Any) -> ConvNeXt:
    """:class:`ConvNeXt`, base."""
    return _build(128, 27, 0.5, kwargs)


@builder(ConvNeXt_Large_Weights)
def convnext_large(**kwargs: Any) -> ConvNeXt:
    """:class:`ConvNeXt`, large."""
    return _build(192, 27, 0.5, kwargs)
