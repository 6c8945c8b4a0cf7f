"""MaxViT: convolutions, attention in windows and attention over a grid, in each layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.swin_transformer import _relative_position_index
from fxtorch.vision.ops import StochasticDepth
from fxtorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation

MaxVit_T_Weights = weights("MaxVit_T_Weights")

Maker = Callable[..., nn.Module]


class MBConv(nn.Module):
    """An inverted bottleneck with squeeze and excitation, after a normalisation and around a shortcut.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        expansion_ratio: how many times wider it is inside, for ``out_channels``.
        squeeze_ratio: how many channels tell the others' weights, for ``out_channels``.
        stride: 2 for half the pixels a side.
        activation_layer: makes the activations.
        norm_layer: makes the normalisations.
        p_stochastic_dropout: how likely the branch is dropped while training.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion_ratio: float,
        squeeze_ratio: float,
        stride: int,
        activation_layer: Maker,
        norm_layer: Maker,
        p_stochastic_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.proj: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            shortcut: list[nn.Module] = [nn.Conv2d(in_channels, out_channels, 1)]
            if stride == 2:
                shortcut.insert(0, nn.AvgPool2d(3, stride, 1))
            self.proj = nn.Sequential(*shortcut)
        inner = int(out_channels * expansion_ratio)
        make = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation_layer, inplace=None)
        self.stochastic_depth = StochasticDepth(p_stochastic_dropout, "row") if p_stochastic_dropout else nn.Identity()
        squeezed = int(out_channels * squeeze_ratio)
        parts: dict[str, nn.Module] = {
            "pre_norm": norm_layer(in_channels),
            "conv_a": make(in_channels, inner, kernel_size=1),
            "conv_b": make(inner, inner, kernel_size=3, stride=stride, groups=inner),
            "squeeze_excitation": SqueezeExcitation(inner, squeezed, activation=nn.SiLU),
            "conv_c": nn.Conv2d(inner, out_channels, 1),
        }
        self.layers = nn.Sequential(OrderedDict(parts))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        return self.proj(x) + self.stochastic_depth(self.layers(x))


class RelativePositionalMultiHeadAttention(nn.Module):
    """Attention among the pixels of a square, with a learned number for each distance.

    Args:
        feat_dim: channels.
        head_dim: channels of a head.
        max_seq_len: pixels of the square.
    """

    relative_position_index: Tensor

    def __init__(self, feat_dim: int, head_dim: int, max_seq_len: int) -> None:
        super().__init__()
        if feat_dim % head_dim:
            raise ValueError(f"feat_dim: {feat_dim} must be divisible by head_dim: {head_dim}")
        self.n_heads = feat_dim // head_dim
        self.head_dim = head_dim
        self.size = round(max_seq_len**0.5)
        self.max_seq_len = max_seq_len
        self.to_qkv = nn.Linear(feat_dim, 3 * feat_dim)
        self.scale_factor = feat_dim**-0.5  # of all channels, not of a head's
        self.merge = nn.Linear(feat_dim, feat_dim)
        distances = (2 * self.size - 1) ** 2
        self.relative_position_bias_table = nn.Parameter(torch.zeros(distances, self.n_heads))
        index = _relative_position_index((self.size, self.size)).view(max_seq_len, max_seq_len)
        self.register_buffer("relative_position_index", index)
        init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def get_relative_positional_bias(self) -> Tensor:
        """What is added to the attention's logits, ``(1, heads, pixels, pixels)``."""
        return self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1).unsqueeze(0)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, squares, pixels, C)`` to the same."""
        n, squares, pixels, channels = x.shape
        qkv = self.to_qkv(x).view(n, squares, pixels, 3, self.n_heads, self.head_dim).permute(3, 0, 1, 4, 2, 5)
        q, k, v = qkv[0], qkv[1] * self.scale_factor, qkv[2]
        logits = q.matmul(k.transpose(-2, -1)) + self.get_relative_positional_bias()
        mixed = F.softmax(logits, dim=-1).matmul(v)
        return self.merge(mixed.transpose(2, 3).reshape(n, squares, pixels, channels))


class PartitionAttentionLayer(nn.Module):
    """Attention and an MLP on squares of pixels: neighbours (``"window"``), or such as are far apart (``"grid"``).

    Args:
        in_channels: channels.
        head_dim: channels of a head.
        partition_size: pixels along a square.
        partition_type: which pixels stand in a square.
        grid_size: height and width of the input.
        mlp_ratio: how many times wider the MLP is inside.
        activation_layer: makes the MLP's activation.
        norm_layer: makes the normalisations.
        attention_dropout: how likely a feature of the attention is dropped.
        mlp_dropout: how likely one of the MLP is.
        p_stochastic_dropout: how likely a branch is dropped while training.
    """

    def __init__(
        self,
        in_channels: int,
        head_dim: int,
        partition_size: int,
        partition_type: str,
        grid_size: tuple[int, int],
        mlp_ratio: int,
        activation_layer: Maker,
        norm_layer: Maker,
        attention_dropout: float,
        mlp_dropout: float,
        p_stochastic_dropout: float,
    ) -> None:
        super().__init__()
        if partition_type not in ("grid", "window"):
            raise ValueError("partition_type must be either 'grid' or 'window'")
        self.partition_size = partition_size
        self.partition_type = partition_type
        self.grid_size = grid_size
        attention = RelativePositionalMultiHeadAttention(in_channels, head_dim, partition_size**2)
        self.attn_layer = nn.Sequential(norm_layer(in_channels), attention, nn.Dropout(attention_dropout))
        self.mlp_layer = nn.Sequential(
            nn.LayerNorm(in_channels),
            nn.Linear(in_channels, in_channels * mlp_ratio),
            activation_layer(),
            nn.Linear(in_channels * mlp_ratio, in_channels),
            nn.Dropout(mlp_dropout),
        )
        self.stochastic_dropout = StochasticDepth(p_stochastic_dropout, "row")

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same."""
        n, channels, height, width = x.shape
        p = self.partition_size
        rows, columns = height // p, width // p
        # A square's pixels: the inner index along each side in a window, the outer one over a grid.
        windows = self.partition_type == "window"
        split = (rows, p, columns, p) if windows else (p, rows, p, columns)
        order = (0, 2, 4, 3, 5, 1) if windows else (0, 3, 5, 2, 4, 1)
        x = x.reshape(n, channels, *split).permute(order).reshape(n, rows * columns, p * p, channels)
        x = x + self.stochastic_dropout(self.attn_layer(x))
        x = x + self.stochastic_dropout(self.mlp_layer(x))
        back = (0, 5, 1, 3, 2, 4) if windows else (0, 5, 3, 1, 4, 2)
        return x.reshape(n, rows, columns, p, p, channels).permute(back).reshape(n, channels, height, width)


class MaxVitLayer(nn.Module):
    """:class:`MBConv`, then attention in windows and over the grid.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        squeeze_ratio: of :class:`MBConv`.
        expansion_ratio: of :class:`MBConv`.
        stride: 2 for half the pixels a side.
        norm_layer: makes the normalisations of the convolutions.
        activation_layer: makes the activations.
        head_dim: channels of a head.
        mlp_ratio: how many times wider the MLPs are inside.
        mlp_dropout: how likely a feature of an MLP is dropped.
        attention_dropout: how likely one of the attention is.
        p_stochastic_dropout: how likely a branch is dropped while training.
        partition_size: pixels along a square of attention.
        grid_size: height and width of the result.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        squeeze_ratio: float,
        expansion_ratio: float,
        stride: int,
        norm_layer: Maker,
        activation_layer: Maker,
        head_dim: int,
        mlp_ratio: int,
        mlp_dropout: float,
        attention_dropout: float,
        p_stochastic_dropout: float,
        partition_size: int,
        grid_size: tuple[int, int],
    ) -> None:
        super().__init__()
        convolutions = MBConv(
            in_channels,
            out_channels,
            expansion_ratio,
            squeeze_ratio,
            stride,
            activation_layer,
            norm_layer,
            p_stochastic_dropout,
        )
        parts: dict[str, nn.Module] = {"MBconv": convolutions}
        for kind in ("window", "grid"):
            parts[f"{kind}_attention"] = PartitionAttentionLayer(
                out_channels,
                head_dim,
                partition_size,
                kind,
                grid_size,
                mlp_ratio,
                activation_layer,
                nn.LayerNorm,
                attention_dropout,
                mlp_dropout,
                p_stochastic_dropout,
            )
        self.layers = nn.Sequential(OrderedDict(parts))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        return self.layers(x)


class MaxVitBlock(nn.Module):
    """Layers of one width; the first halves the pixels a side.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        input_grid_size: height and width of the input.
        p_stochastic: for each layer how likely a branch is dropped.
        options: further arguments of :class:`MaxVitLayer`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        input_grid_size: tuple[int, int],
        p_stochastic: Sequence[float],
        **options: Any,
    ) -> None:
        super().__init__()
        self.grid_size = _halved(input_grid_size)
        self.layers = nn.ModuleList(
            MaxVitLayer(
                out_channels if i else in_channels,
                out_channels,
                stride=1 if i else 2,
                p_stochastic_dropout=p,
                grid_size=self.grid_size,
                **options,
            )
            for i, p in enumerate(p_stochastic)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, out_channels, H / 2, W / 2)``."""
        for layer in self.layers:
            x = layer(x)
        return x


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    """The size after a convolution of 3 taps with stride 2."""
    return (size[0] - 1) // 2 + 1, (size[1] - 1) // 2 + 1


class MaxVit(nn.Module):
    """Convolutions and two kinds of attention in each layer, for pictures of one size.

    Args:
        input_size: height and width of the pictures.
        stem_channels: channels of the first convolutions.
        partition_size: pixels along a square of attention; it divides the sizes of all blocks.
        block_channels: channels of each block.
        block_layers: layers of each.
        head_dim: channels of a head.
        stochastic_depth_prob: how likely the last branch is dropped while training; earlier ones less.
        norm_layer: makes the normalisations of the convolutions.
        activation_layer: makes the activations.
        squeeze_ratio: of the channels that tell the others' weights.
        expansion_ratio: how many times wider the convolutions are inside.
        mlp_ratio: how many times wider the MLPs are inside.
        mlp_dropout: how likely a feature of an MLP is dropped.
        attention_dropout: how likely one of the attention is.
        num_classes: classes.

    Raises:
        ValueError: the size of a block is no multiple of ``partition_size``.

    Source: Tu et al., "MaxViT: Multi-Axis Vision Transformer" (2022).
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        stem_channels: int,
        partition_size: int,
        block_channels: list[int],
        block_layers: list[int],
        head_dim: int,
        stochastic_depth_prob: float,
        norm_layer: Maker | None = None,
        activation_layer: Maker = nn.GELU,
        squeeze_ratio: float = 0.25,
        expansion_ratio: float = 4,
        mlp_ratio: int = 4,
        mlp_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        size = _halved(input_size)
        _check_sizes(size, len(block_channels), partition_size)
        self.partition_size = partition_size
        first = Conv2dNormActivation(
            3,
            stem_channels,
            stride=2,
            norm_layer=norm_layer,
            activation_layer=activation_layer,
            inplace=None,
            bias=False,
        )
        second = Conv2dNormActivation(stem_channels, stem_channels, norm_layer=None, activation_layer=None, bias=True)
        self.stem = nn.Sequential(first, second)
        dropped = np.linspace(0, stochastic_depth_prob, sum(block_layers)).tolist()
        self.blocks = nn.ModuleList()
        for (before, channels), layers in zip(pairwise([stem_channels, *block_channels]), block_layers, strict=True):
            block = MaxVitBlock(
                before,
                channels,
                size,
                dropped[:layers],
                squeeze_ratio=squeeze_ratio,
                expansion_ratio=expansion_ratio,
                norm_layer=norm_layer,
                activation_layer=activation_layer,
                head_dim=head_dim,
                mlp_ratio=mlp_ratio,
                mlp_dropout=mlp_dropout,
                attention_dropout=attention_dropout,
                partition_size=partition_size,
            )
            self.blocks.append(block)
            size, dropped = block.grid_size, dropped[layers:]
        width = block_channels[-1]
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.LayerNorm(width),
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Linear(width, num_classes, bias=False),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(x)


def _check_sizes(size: tuple[int, int], blocks: int, partition_size: int) -> None:
    sizes = []
    for _ in range(blocks):
        size = _halved(size)
        sizes.append(size)
    for i, (height, width) in enumerate(sizes):
        if height % partition_size or width % partition_size:
            raise ValueError(
                f"Input size {(height, width)} of block {i} is not divisible by partition size {partition_size}. "
                "Consider changing the partition size or the input size.\n"
                f"Current configuration yields the following block input sizes: {sizes}."
            )


@builder(MaxVit_T_Weights)
def maxvit_t(**kwargs: Any) -> MaxVit:
    """:class:`MaxVit`, tiny, for pictures of 224 by 224 unless ``input_size`` says otherwise."""
    options: dict[str, Any] = {"input_size": (224, 224)}
    return MaxVit(
        stem_channels=64,
        block_channels=[64, 128, 256, 512],
        block_layers=[2, 2, 5, 2],
        head_dim=32,
        stochastic_depth_prob=0.2,
        partition_size=7,
        **options | kwargs,
    )
