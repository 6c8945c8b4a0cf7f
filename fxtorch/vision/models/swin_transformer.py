"""The Swin transformer, v1 and v2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.ops import StochasticDepth
from fxtorch.vision.ops.misc import MLP, Permute

Swin_T_Weights, Swin_V2_T_Weights = weights("Swin_T_Weights"), weights("Swin_V2_T_Weights")
Swin_S_Weights, Swin_V2_S_Weights = weights("Swin_S_Weights"), weights("Swin_V2_S_Weights")
Swin_B_Weights, Swin_V2_B_Weights = weights("Swin_B_Weights"), weights("Swin_V2_B_Weights")


def _quarters(x: Tensor) -> Tensor:
    """``(..., H, W, C)`` as ``(..., H / 2, W / 2, 4 C)``, an odd side padded with zeros."""
    height, width = x.shape[-3:-1]
    x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
    parts = [x[..., row::2, column::2, :] for column in (0, 1) for row in (0, 1)]
    return torch.cat(parts, -1)


class PatchMerging(nn.Module):
    """Half the pixels a side and twice the channels.

    Args:
        dim: channels of the input.
        norm_layer: makes the normalisation, which comes first.
    """

    def __init__(self, dim: int, norm_layer: Callable[..., nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., H, W, C)`` to ``(..., H / 2, W / 2, 2 C)``."""
        return self.reduction(self.norm(_quarters(x)))


class PatchMergingV2(nn.Module):
    """:class:`PatchMerging` with the normalisation last."""

    def __init__(self, dim: int, norm_layer: Callable[..., nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., H, W, C)`` to ``(..., H / 2, W / 2, 2 C)``."""
        return self.norm(self.reduction(_quarters(x)))


def _relative_position_index(window: Sequence[int]) -> Tensor:
    """For each pair of pixels of a window, flattened, the number of their distance."""
    at = np.stack(np.meshgrid(*(np.arange(w) for w in window), indexing="ij")).reshape(2, -1)
    apart = at[:, :, None] - at[:, None, :] + np.array(window)[:, None, None] - 1
    return torch.from_numpy((apart[0] * (2 * window[1] - 1) + apart[1]).reshape(-1).astype(np.int64))


def _region_mask(size: Sequence[int], window: Sequence[int], shift: Sequence[int]) -> np.ndarray:
    """For each window, which pairs of pixels were apart before the shift: 0, or -100 for such a pair."""
    region = np.zeros(tuple(size), np.int64)
    for axis in (0, 1):
        at = np.arange(size[axis])
        number = (at >= size[axis] - window[axis]).astype(np.int64) + (at >= size[axis] - shift[axis])
        region += 3 ** (1 - axis) * np.expand_dims(number, 1 - axis)
    rows, columns = size[0] // window[0], size[1] // window[1]
    cut = region.reshape(rows, window[0], columns, window[1]).transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    return np.where(cut[:, None, :] == cut[:, :, None], 0.0, -100.0)


class ShiftedWindowAttention(nn.Module):
    """Attention inside windows, which may be shifted against the grid.

    Args:
        dim: channels.
        window_size: pixels of a window.
        shift_size: how far the windows are shifted; zeros for not.
        num_heads: heads.
        qkv_bias: whether the first layer adds one.
        proj_bias: whether the last layer adds one.
        attention_dropout: how likely a weight of the attention is dropped.
        dropout: how likely a feature is dropped.
    """

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size = list(window_size)
        self.shift_size = list(shift_size)
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self._define_bias()
        self.register_buffer("relative_position_index", _relative_position_index(self.window_size))

    def _define_bias(self) -> None:
        distances = (2 * self.window_size[0] - 1) * (2 * self.window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(distances, self.num_heads))
        init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def _read_bias(self, table: Tensor) -> Tensor:
        pixels = self.window_size[0] * self.window_size[1]
        bias = table[self.relative_position_index]
        return bias.view(pixels, pixels, -1).permute(2, 0, 1).unsqueeze(0)

    def get_relative_position_bias(self) -> Tensor:
        """What is added to the attention's logits, ``(1, heads, pixels, pixels)``."""
        return self._read_bias(self.relative_position_bias_table)

    def _first_layer(self, x: Tensor) -> Tensor:
        return self.qkv(x)

    def _logits(self, q: Tensor, k: Tensor) -> Tensor:
        return (q * q.shape[-1] ** -0.5).matmul(k.transpose(-2, -1))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, H, W, C)`` to the same."""
        n, height, width, channels = x.shape
        (wh, ww), heads = self.window_size, self.num_heads
        x = F.pad(x, (0, 0, 0, (ww - width % ww) % ww, 0, (wh - height % wh) % wh))
        size = x.shape[1:3]
        # A window as large as the picture is not shifted.
        shift = [0 if w >= s else by for w, s, by in zip(self.window_size, size, self.shift_size, strict=True)]
        if sum(shift):
            x = torch.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
        rows, columns = size[0] // wh, size[1] // ww
        x = x.view(n, rows, wh, columns, ww, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(n * rows * columns, wh * ww, channels)
        qkv = self._first_layer(x).reshape(x.shape[0], x.shape[1], 3, heads, channels // heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        logits = self._logits(q, k) + self.get_relative_position_bias()
        if sum(shift):
            mask = torch.from_numpy(_region_mask(size, self.window_size, shift)).to(logits.dtype)
            shape = logits.shape
            logits = logits.view(n, rows * columns, *shape[1:]) + mask.unsqueeze(1).unsqueeze(0)
            logits = logits.view(shape)
        attention = F.dropout(F.softmax(logits, dim=-1), p=self.attention_dropout, training=self.training)
        x = attention.matmul(v).transpose(1, 2).reshape(x.shape)
        x = F.dropout(self.proj(x), p=self.dropout, training=self.training)
        x = x.view(n, rows, columns, wh, ww, channels).permute(0, 1, 3, 2, 4, 5).reshape(n, *size, channels)
        if sum(shift):
            x = torch.roll(x, shifts=(shift[0], shift[1]), dims=(1, 2))
        return x[:, :height, :width, :]


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """:class:`ShiftedWindowAttention` by cosine, with a small network for the positions; the arguments are the same."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones(self.num_heads, 1, 1)))
        self.cpb_mlp = nn.Sequential(
            nn.Linear(2, 512, bias=True), nn.ReLU(inplace=True), nn.Linear(512, self.num_heads, bias=False)
        )
        if self.qkv.bias is not None:
            init.zeros_(self.qkv.bias)

    def _define_bias(self) -> None:
        axes = [np.arange(-(w - 1), w, dtype=np.float32) / (w - 1) * 8 for w in self.window_size]
        table = np.stack(np.meshgrid(*axes, indexing="ij"), -1)[None]
        table = np.sign(table) * np.log2(np.abs(table) + 1.0) / 3.0
        self.register_buffer("relative_coords_table", torch.from_numpy(table.astype(np.float32)))

    def get_relative_position_bias(self) -> Tensor:
        """What is added to the attention's logits, ``(1, heads, pixels, pixels)``."""
        table = self.cpb_mlp(self.relative_coords_table).view(-1, self.num_heads)
        return 16 * torch.sigmoid(self._read_bias(table))

    def _first_layer(self, x: Tensor) -> Tensor:
        if self.qkv.bias is None:
            return self.qkv(x)
        third = self.qkv.bias.numel() // 3  # keys have no bias
        bias = torch.cat([self.qkv.bias[:third], torch.zeros_like(self.qkv.bias[:third]), self.qkv.bias[2 * third :]])
        return F.linear(x, self.qkv.weight, bias)

    def _logits(self, q: Tensor, k: Tensor) -> Tensor:
        cosine = F.normalize(q, dim=-1).matmul(F.normalize(k, dim=-1).transpose(-2, -1))
        return cosine * torch.clamp(self.logit_scale, max=math.log(100.0)).exp()


class SwinTransformerBlock(nn.Module):
    """Attention and an MLP, each after a normalisation and around a shortcut.

    Args:
        dim: channels.
        num_heads: heads.
        window_size: pixels of a window.
        shift_size: how far the windows are shifted.
        mlp_ratio: how many times wider the MLP is inside.
        dropout: how likely a feature is dropped.
        attention_dropout: how likely a weight of the attention is dropped.
        stochastic_depth_prob: how likely a branch is dropped while training.
        norm_layer: makes the normalisations.
        attn_layer: the class of the attention.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Callable[..., nn.Module] = nn.LayerNorm,
        attn_layer: Callable[..., nn.Module] = ShiftedWindowAttention,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                init.xavier_uniform_(module.weight)
                init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, H, W, C)`` to the same."""
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """:class:`SwinTransformerBlock` with the normalisations last; the arguments are the same."""

    def __init__(self, *args: Any, attn_layer: Callable[..., nn.Module] = ShiftedWindowAttentionV2, **kwargs: Any):
        super().__init__(*args, attn_layer=attn_layer, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, H, W, C)`` to the same."""
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Stages of attention in windows, merging patches between them.

    Args:
        patch_size: pixels of a patch.
        embed_dim: channels of the first stage.
        depths: blocks of each stage.
        num_heads: heads of each stage.
        window_size: patches of a window.
        mlp_ratio: how many times wider the MLPs are inside.
        dropout: how likely a feature is dropped.
        attention_dropout: how likely a weight of the attention is dropped.
        stochastic_depth_prob: how likely the last branch is dropped while training; earlier ones less.
        num_classes: classes.
        norm_layer: makes the normalisations.
        block: the class of the blocks.
        downsample_layer: the class of what stands between stages.

    Source: Liu et al., "Swin Transformer" (2021), "Swin Transformer V2" (2022).
    """

    def __init__(
        self,
        patch_size: Sequence[int],
        embed_dim: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000,
        norm_layer: Callable[..., nn.Module] | None = None,
        block: Any = None,
        downsample_layer: Callable[..., nn.Module] = PatchMerging,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        block = block or SwinTransformerBlock
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-5)
        patches = nn.Conv2d(3, embed_dim, kernel_size=tuple(patch_size), stride=tuple(patch_size))
        layers: list[nn.Module] = [nn.Sequential(patches, Permute([0, 2, 3, 1]), norm_layer(embed_dim))]
        total, done = sum(depths), 0
        for i, depth in enumerate(depths):
            dim = embed_dim * 2**i
            stage = []
            for number in range(depth):
                shift = [0 if number % 2 == 0 else w // 2 for w in window_size]
                dropped = stochastic_depth_prob * done / (total - 1)
                stage.append(
                    block(
                        dim,
                        num_heads[i],
                        window_size,
                        shift,
                        mlp_ratio,
                        dropout,
                        attention_dropout,
                        dropped,
                        norm_layer,
                    )
                )
                done += 1
            layers.append(nn.Sequential(*stage))
            if i < len(depths) - 1:
                layers.append(downsample_layer(dim, norm_layer))
        self.features = nn.Sequential(*layers)
        width = embed_dim * 2 ** (len(depths) - 1)
        self.norm = norm_layer(width)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


_SIZES = {
    "t": (96, [2, 2, 6, 2], [3, 6, 12, 24]),
    "s": (96, [2, 2, 18, 2], [3, 6, 12, 24]),
    "b": (128, [2, 2, 18, 2], [4, 8, 16, 32]),
}


def _build(size: str, dropped: float, v2: bool, kwargs: dict[str, Any]) -> SwinTransformer:
    window = [8, 8] if v2 else [7, 7]
    options: dict[str, Any] = {"stochastic_depth_prob": dropped}
    if v2:
        options |= {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}
    return SwinTransformer([4, 4], *_SIZES[size], window, **options | kwargs)


@builder(Swin_T_Weights)
def swin_t(**kwargs: Any) -> SwinTransformer:
    """:class:`SwinTransformer`, tiny."""
    return _build("t", 0.2, False, kwargs)


@builder(Swin_S_Weights)
def swin_s(**kwargs: Any) -> SwinTransformer:
    """:class:`SwinTransformer`, small."""
    return _build("s", 0.3, False, kwargs)


@builder(Swin_B_Weights)
def swin_b(**kwargs: Any) -> SwinTransformer:
    """:class:`SwinTransformer`, base."""
    return _build("b", 0.5, False, kwargs)


@builder(Swin_V2_T_Weights)
def swin_v2_t(**kwargs: Any) -> SwinTransformer:
    """:class:`SwinTransformer` v2, tiny."""
    return _build("t", 0.2, True, kwargs)


@builder(Swin_V2_S_Weights)
def swin_v2_s(**kwargs: Any) -> SwinTransformer:
    """:class:`SwinTransformer` v2, small."""
    return _build("s", 0.3, True, kwargs)


@builder(Swin_V2_B_Weights)
def swin_v2_b(**kwargs: Any) -> SwinTransformer:
    """:class:`SwinTransformer` v2, base."""
    return _build("b", 0.5, True, kwargs)
