"""DenseNet."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.utils.checkpoint import checkpoint
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights

DenseNet121_Weights = weights("DenseNet121_Weights")
DenseNet161_Weights = weights("DenseNet161_Weights")
DenseNet169_Weights = weights("DenseNet169_Weights")
DenseNet201_Weights = weights("DenseNet201_Weights")


class _DenseLayer(nn.Module):
    """Normalisation, 1x1 convolution, normalisation, 3x3 convolution, of all earlier features."""

    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        width = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, width, kernel_size=1, stride=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, growth_rate, kernel_size=3, stride=1, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def _squeeze(self, *features: Tensor) -> Tensor:
        return self.conv1(self.relu1(self.norm1(torch.cat(features, 1))))

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        features = [input] if isinstance(input, Tensor) else list(input)
        if self.memory_efficient and any(f.requires_grad for f in features):
            squeezed = checkpoint(self._squeeze, *features, use_reentrant=False)
        else:
            squeezed = self._squeeze(*features)
        new = self.conv2(self.relu2(self.norm2(squeezed)))
        return F.dropout(new, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    """Layers, each of which sees the results of all before it."""

    def __init__(self, num_layers: int, num_input_features: int, growth_rate: int, *options: Any) -> None:
        super().__init__()
        for i in range(num_layers):
            width = num_input_features + i * growth_rate
            self.add_module(f"denselayer{i + 1}", _DenseLayer(width, growth_rate, *options))

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    """Half as many channels and pixels a side."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, stride=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Blocks in which every layer sees all earlier ones.

    Args:
        growth_rate: channels that a layer adds.
        block_config: layers of each block.
        num_init_features: channels of the first convolution.
        bn_size: how many times ``growth_rate`` the 1x1 convolutions give.
        drop_rate: how likely a feature is dropped after each layer.
        num_classes: classes.
        memory_efficient: compute the 1x1 convolutions again in the backward pass.

    Source: Huang et al., "Densely Connected Convolutional Networks" (2017).
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False),
                norm0=nn.BatchNorm2d(num_init_features),
                relu0=nn.ReLU(inplace=True),
                pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
        )
        width = num_init_features
        for i, depth in enumerate(block_config, 1):
            block = _DenseBlock(depth, width, growth_rate, bn_size, drop_rate, memory_efficient)
            self.features.add_module(f"denseblock{i}", block)
            width += depth * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


def _renamed(state: dict[str, Any], model: nn.Module) -> dict[str, Any]:
    """The published checkpoints say ``norm.1`` for ``norm1``."""
    old = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)")
    return {old.sub(r"\1\2", name): value for name, value in state.items()}


@builder(DenseNet121_Weights, prepare=_renamed)
def densenet121(**kwargs: Any) -> DenseNet:
    """:class:`DenseNet` with 121 layers."""
    return DenseNet(32, (6, 12, 24, 16), 64, **kwargs)


@builder(DenseNet161_Weights, prepare=_renamed)
def densenet161(**kwargs: Any) -> DenseNet:
    """:class:`DenseNet` with 161 layers."""
    return DenseNet(48, (6, 12, 36, 24), 96, **kwargs)


@builder(DenseNet169_Weights, prepare=_renamed)
def densenet169(**kwargs: Any) -> DenseNet:
    """:class:`DenseNet` with 169 layers."""
    return DenseNet(32, (6, 12, 32, 32), 64, **kwargs)


@builder(DenseNet201_Weights, prepare=_renamed)
def densenet201(**kwargs: Any) -> DenseNet:
    """:class:`DenseNet` with 201 layers."""
    return DenseNet(32, (6, 12, 48, 32), 64, **kwargs)
