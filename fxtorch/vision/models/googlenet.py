"""GoogLeNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights

GoogLeNet_Weights = weights("GoogLeNet_Weights")


class GoogLeNetOutputs(NamedTuple):
    """What GoogLeNet gives while training: its logits, and those of the auxiliary classifiers."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


class BasicConv2d(nn.Module):
    """A convolution, batch norm and ReLU; the arguments are those of ``nn.Conv2d``."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's result."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four branches side by side.

    Args:
        in_channels: channels of the input.
        ch1x1: channels of the first branch.
        ch3x3red: channels before the 3x3 convolution.
        ch3x3: channels of the second branch.
        ch5x5red: channels before the wider convolution (which is 3x3 in the published weights).
        ch5x5: channels of the third branch.
        pool_proj: channels of the branch that pools.
    """

    def __init__(
        self, in_channels: int, ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int, ch5x5: int, pool_proj: int
    ) -> None:
        super().__init__()
        self.branch1 = BasicConv2d(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv2d(in_channels, ch3x3red, kernel_size=1), BasicConv2d(ch3x3red, ch3x3, kernel_size=3, padding=1)
        )
        self.branch3 = nn.Sequential(
            BasicConv2d(in_channels, ch5x5red, kernel_size=1), BasicConv2d(ch5x5red, ch5x5, kernel_size=3, padding=1)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True),
            BasicConv2d(in_channels, pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """All branches, side by side."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier half way up, which helps training.

    Args:
        in_channels: channels of the input.
        num_classes: classes.
        dropout: how likely a feature is dropped.
    """

    def __init__(self, in_channels: int, num_classes: int, dropout: float = 0.7) -> None:
        super().__init__()
        self.conv = BasicConv2d(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Its logits."""
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


def transform_input(x: Tensor) -> Tensor:
    """Pictures normalised by ImageNet's moments, as the original network wants them: between -1 and 1."""
    std = torch.tensor([0.229, 0.224, 0.225], dtype=x.dtype).reshape(1, 3, 1, 1)
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=x.dtype).reshape(1, 3, 1, 1)
    return x * (std / 0.5) + (mean - 0.5) / 0.5


def draw_weights(model: nn.Module, std: float = 0.01) -> None:
    """Draw convolutions and linear layers anew from a truncated normal (``std`` unless a layer has its own)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            spread: Any = getattr(module, "stddev", std)
            init.trunc_normal_(module.weight, mean=0.0, std=spread, a=-2, b=2)


class GoogLeNet(nn.Module):
    """Nine inception blocks.

    Args:
        num_classes: classes.
        aux_logits: whether there are auxiliary classifiers.
        transform_input: whether pictures are normalised by ImageNet's moments and must be brought to [-1, 1].
        init_weights: whether to draw all weights anew.
        blocks: the classes of the convolutions, blocks and auxiliary classifiers.
        dropout: how likely a feature is dropped before the last layer.
        dropout_aux: the same in the auxiliary classifiers.

    Source: Szegedy et al., "Going Deeper with Convolutions" (2015).
    """

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool | None = None,
        blocks: Sequence[Any] | None = None,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
    ) -> None:
        super().__init__()
        conv, inception, aux = blocks or (BasicConv2d, Inception, InceptionAux)
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1: Any = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2: Any = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights is not False:
            draw_weights(self)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutputs:
        """The logits of ``(N, 3, H, W)`` pictures; while training with those of the auxiliary classifiers."""
        helps = self.training and self.aux_logits
        if self.transform_input:
            x = transform_input(x)
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.inception4a(self.maxpool3(self.inception3b(self.inception3a(x))))
        aux1 = self.aux1(x) if helps else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if helps else None
        x = self.inception5b(self.inception5a(self.maxpool4(self.inception4e(x))))
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return GoogLeNetOutputs(logits, aux2, aux1) if helps else logits


def without_auxiliary(state: dict[str, Any], model: nn.Module) -> dict[str, Any]:
    """``state`` without the auxiliary classifiers that ``model`` has not."""
    own = model.state_dict()
    return {name: value for name, value in state.items() if name in own or not name.lower().startswith("aux")}


def like_published(meta: dict[str, Any]) -> dict[str, Any]:
    """The options that the published checkpoints want."""
    return {"transform_input": True, "init_weights": False}


@builder(
    GoogLeNet_Weights,
    prepare=without_auxiliary,
    with_weights=lambda meta: {**like_published(meta), "aux_logits": False},
)
def googlenet(**kwargs: Any) -> GoogLeNet:
    """:class:`GoogLeNet`."""
    return GoogLeNet(**kwargs)
