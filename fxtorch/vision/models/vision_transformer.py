"""The vision transformer."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.tensor.assertions import _assert
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.ops.misc import MLP, Conv2dNormActivation

ViT_B_16_Weights = weights("ViT_B_16_Weights")
ViT_B_32_Weights = weights("ViT_B_32_Weights")
ViT_L_16_Weights = weights("ViT_L_16_Weights")
ViT_L_32_Weights = weights("ViT_L_32_Weights")
ViT_H_14_Weights = weights("ViT_H_14_Weights")


_NORM = partial(nn.LayerNorm, eps=1e-6)


class ConvStemConfig(NamedTuple):
    """A convolution before the patches."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d
    activation_layer: Callable[..., nn.Module] = nn.ReLU


class MLPBlock(MLP):
    """Two linear layers with GELU between them.

    Args:
        in_dim: features.
        mlp_dim: features between.
        dropout: how likely a feature is dropped after each.
    """

    _version = 2

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                init.xavier_uniform_(module.weight)
                init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:
            for old, new in (("linear_1", "0"), ("linear_2", "3")):
                for name in ("weight", "bias"):
                    if f"{prefix}{old}.{name}" in state_dict:
                        state_dict[f"{prefix}{new}.{name}"] = state_dict.pop(f"{prefix}{old}.{name}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class EncoderBlock(nn.Module):
    """Attention, then :class:`MLPBlock`, each after a normalisation and around a shortcut.

    Args:
        num_heads: heads.
        hidden_dim: features.
        mlp_dim: features inside the MLP.
        dropout: how likely a feature is dropped.
        attention_dropout: how likely a weight of the attention is dropped.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Callable[..., nn.Module] = _NORM,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, dropout=attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, L, D)`` to the same."""
        _assert(input.dim() == 3, f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Position embeddings, blocks and a last normalisation.

    Args:
        seq_length: patches, and the class token.
        num_layers: blocks.
        num_heads: heads.
        hidden_dim: features.
        mlp_dim: features inside the MLPs.
        dropout: how likely a feature is dropped.
        attention_dropout: how likely a weight of the attention is dropped.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Callable[..., nn.Module] = _NORM,
    ) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, seq_length, hidden_dim))
        init.normal_(self.pos_embedding, std=0.02)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential(
            OrderedDict(
                (
                    f"encoder_layer_{i}",
                    EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer),
                )
                for i in range(num_layers)
            )
        )
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, L, D)`` to the same."""
        _assert(input.dim() == 3, f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """A transformer of patches.

    Args:
        image_size: height and width of the pictures.
        patch_size: height and width of a patch.
        num_layers: blocks.
        num_heads: heads.
        hidden_dim: features.
        mlp_dim: features inside the MLPs.
        dropout: how likely a feature is dropped.
        attention_dropout: how likely a weight of the attention is dropped.
        num_classes: classes.
        representation_size: features between two last layers; None for one layer.
        norm_layer: makes the normalisations.
        conv_stem_configs: convolutions before the patches.

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021).
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Callable[..., nn.Module] = _NORM,
        conv_stem_configs: list[ConvStemConfig] | None = None,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise ValueError("Input shape indivisible by patch size!")
        self.image_size = image_size
        self.patch_size = patch_size
        self.hidden_dim = hidden_dim
        self.mlp_dim = mlp_dim
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.num_classes = num_classes
        self.representation_size = representation_size
        self.norm_layer = norm_layer
        self.conv_proj: Any = self._patches(conv_stem_configs)
        self.class_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(
            self.seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
        )
        heads: dict[str, nn.Module] = OrderedDict()
        width = hidden_dim
        if representation_size is not None:
            hidden = nn.Linear(hidden_dim, representation_size)
            init.trunc_normal_(hidden.weight, std=math.sqrt(1 / hidden_dim))
            init.zeros_(hidden.bias)
            heads |= {"pre_logits": hidden, "act": nn.Tanh()}
            width = representation_size
        head = nn.Linear(width, num_classes)
        init.zeros_(head.weight)
        init.zeros_(head.bias)
        heads["head"] = head
        self.heads = nn.Sequential(OrderedDict(heads))

    def _patches(self, stems: list[ConvStemConfig] | None) -> nn.Module:
        if stems is None:
            conv = nn.Conv2d(3, self.hidden_dim, kernel_size=self.patch_size, stride=self.patch_size)
            init.trunc_normal_(conv.weight, std=math.sqrt(1 / (3 * self.patch_size**2)))
        else:
            made = OrderedDict()
            channels = 3
            for i, stem in enumerate(stems):
                made[f"conv_bn_relu_{i}"] = Conv2dNormActivation(
                    channels,
                    stem.out_channels,
                    stem.kernel_size,
                    stem.stride,
                    norm_layer=stem.norm_layer,
                    activation_layer=stem.activation_layer,
                )
                channels = stem.out_channels
            conv = nn.Conv2d(channels, self.hidden_dim, kernel_size=1)
            init.normal_(conv.weight, mean=0.0, std=math.sqrt(2.0 / self.hidden_dim))
            made["conv_last"] = conv
        init.zeros_(conv.bias)
        return conv if stems is None else nn.Sequential(made)

    def _process_input(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        for name, size in (("height", height), ("width", width)):
            _assert(size == self.image_size, f"Wrong image {name}! Expected {self.image_size} but got {size}!")
        rows, columns = height // self.patch_size, width // self.patch_size
        return self.conv_proj(x).reshape(n, self.hidden_dim, rows * columns).permute(0, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        x = self._process_input(x)
        n = x.shape[0]
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1)
        return self.heads(self.encoder(x)[:, 0])


def _build(patch: int, layers: int, heads: int, hidden: int, mlp: int, kwargs: dict[str, Any]) -> VisionTransformer:
    size = kwargs.pop("image_size", 224)
    return VisionTransformer(size, patch, layers, heads, hidden, mlp, **kwargs)


def _sized(meta: dict[str, Any]) -> dict[str, Any]:
    """Position embeddings are of one size."""
    return {"image_size": meta["crop_size"]}


@builder(ViT_B_16_Weights, with_weights=_sized)
def vit_b_16(**kwargs: Any) -> VisionTransformer:
    """:class:`VisionTransformer`, base, patches of 16."""
    return _build(16, 12, 12, 768, 3072, kwargs)


@builder(ViT_B_32_Weights, with_weights=_sized)
def vit_b_32(**kwargs: Any) -> VisionTransformer:
    """:class:`VisionTransformer`, base, patches of 32."""
    return _build(32, 12, 12, 768, 3072, kwargs)


@builder(ViT_L_16_Weights, with_weights=_sized)
def vit_l_16(**kwargs: Any) -> VisionTransformer:
    """:class:`VisionTransformer`, large, patches of 16."""
    return _build(16, 24, 16, 1024, 4096, kwargs)


@builder(ViT_L_32_Weights, with_weights=_sized)
def vit_l_32(**kwargs: Any) -> VisionTransformer:
    """:class:`VisionTransformer`, large, patches of 32."""
    return _build(32, 24, 16, 1024, 4096, kwargs)


@builder(ViT_H_14_Weights, with_weights=_sized)
def vit_h_14(**kwargs: Any) -> VisionTransformer:
    """:class:`VisionTransformer`, huge, patches of 14."""
    return _build(14, 32, 16, 1280, 5120, kwargs)
