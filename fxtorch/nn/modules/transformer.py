"""The Transformer and its parts.  Source of all: Vaswani et al. 2017; of ``norm_first``: Xiong et al. 2020."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from fxtorch.func.repeated import scan_modules
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.activation import GELU, ReLU
from fxtorch.nn.modules.attention import MultiheadAttention
from fxtorch.nn.modules.container import ModuleList
from fxtorch.nn.modules.dropout import Dropout
from fxtorch.nn.modules.linear import Linear
from fxtorch.nn.modules.module import Module
from fxtorch.nn.modules.normalization import LayerNorm
from fxtorch.tensor import Tensor

Activation = str | Callable[[Tensor], Tensor]


def _activation(name: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(name, str):
        return name
    if name not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {name}")
    return F.relu if name == "relu" else F.gelu


class _Layer(Module):
    """What encoder and decoder layers hold: ``_blocks`` blocks, each with a Dropout and a LayerNorm of its own."""

    _blocks: ClassVar[int]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **made)
        if self._blocks == 3:
            self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **made)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **made)
        self.norm_first = norm_first
        for i in range(1, self._blocks + 1):
            self.add_module(f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **made))
        for i in range(1, self._blocks + 1):
            self.add_module(f"dropout{i}", Dropout(dropout))
        self.activation = _activation(activation)

    def _sa_block(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool) -> Tensor:
        attended, _ = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        return self.dropout1(attended)

    def _network(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then a two-layer network at each position, each with Dropout, a residual and a LayerNorm.

    Shapes: input and output (S, N, d_model), batch first with ``batch_first``, or without N.

    Args:
        d_model: the size of inputs.
        nhead: the number of heads.
        dim_feedforward: the width of the network.
        dropout: the probability of all Dropouts.
        activation: ``"relu"``, ``"gelu"`` or a function.
        layer_norm_eps: eps of the LayerNorms.
        batch_first: whether inputs are (N, S, d_model).
        norm_first: whether normalisation comes before attention and network instead of after.
        bias: whether Linears and LayerNorms have biases.
        device: where the parameters live.
        dtype: their type.

    >>> import fxtorch as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> layer(torch.randn(10, 3, 8)).shape
    torch.Size([10, 3, 8])
    """

    _blocks = 2
    _also_written: ClassVar[tuple[str, ...]] = ("activation_relu_or_gelu",)

    @property
    def activation_relu_or_gelu(self) -> int:
        """1 where the activation is ReLU, 2 where it is GELU, else 0."""
        if self.activation is F.relu or isinstance(self.activation, ReLU):
            return 1
        return 2 if self.activation is F.gelu or isinstance(self.activation, GELU) else 0

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The layer applied to ``src``; masks as in :class:`MultiheadAttention`."""
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._ff_block(x))

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self._network(x))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's output, then a two-layer network, each as in the encoder layer.

    Shapes: ``tgt`` and output (T, N, d_model), ``memory`` (S, N, d_model), batch first with ``batch_first``.
    Arguments as for :class:`TransformerEncoderLayer`.
    """

    _blocks = 3

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The layer applied to ``tgt`` given ``memory``; masks as in :class:`MultiheadAttention`."""
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), memory, *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, memory, *other))
        return self.norm3(x + self._ff_block(x))

    def _mha_block(
        self, x: Tensor, memory: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool
    ) -> Tensor:
        attended, _ = self.multihead_attn(
            x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        return self.dropout2(attended)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self._network(x))


_LOOPED = 8  # layers from which on compiling once is worth the copies of a loop: a fifth of a step of 4 layers


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _through(layers: ModuleList, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``x`` through all layers; a compiled function holds many layers of our own, which assign nothing, once."""
    ours = all(type(layer) in (TransformerEncoderLayer, TransformerDecoderLayer) for layer in layers)
    if ours and len(layers) >= _LOOPED:
        return scan_modules(layers, x, *args, **kwargs)
    for layer in layers:
        x = layer(x, *args, **kwargs)
    return x


class TransformerEncoder(Module):
    """``num_layers`` copies of ``encoder_layer``, one after the other.

    Args:
        encoder_layer: the layer to copy.
        num_layers: how many.
        norm: applied at the end.
        enable_nested_tensor: accepted; padding is masked.
        mask_check: accepted.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """All layers applied to ``src``."""
        masks = {"src_mask": mask, "is_causal": bool(is_causal), "src_key_padding_mask": src_key_padding_mask}
        output = _through(self.layers, src, **masks)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    """``num_layers`` copies of ``decoder_layer``, one after the other.

    Args:
        decoder_layer: the layer to copy.
        num_layers: how many.
        norm: applied at the end.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """All layers applied to ``tgt`` given ``memory``."""
        output = _through(
            self.layers,
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=bool(tgt_is_causal),
            memory_is_causal=memory_is_causal,
        )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """Encoder and decoder.

    Shapes: ``src`` (S, N, d_model), ``tgt`` and output (T, N, d_model), batch first with ``batch_first``.

    Args:
        d_model: the size of inputs.
        nhead: the number of heads.
        num_encoder_layers: how many encoder layers.
        num_decoder_layers: how many decoder layers.
        dim_feedforward: the width of the networks.
        dropout: the probability of all Dropouts.
        activation: ``"relu"``, ``"gelu"`` or a function.
        custom_encoder: used instead of the encoder.
        custom_decoder: used instead of the decoder.
        layer_norm_eps: eps of the LayerNorms.
        batch_first: whether inputs are (N, S, d_model).
        norm_first: whether normalisation comes first.
        bias: whether Linears and LayerNorms have biases.
        device: where the parameters live.
        dtype: their type.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        made = {"device": device, "dtype": dtype}
        config = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        if custom_encoder is None:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **made)
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*config, **made), num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **made)
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*config, **made), num_decoder_layers, norm)
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's output for ``tgt``, given the encoder's for ``src``.

        Raises:
            RuntimeError: batch or feature sizes do not fit.
        """
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The (sz, sz) mask that hides what comes later: -inf above the diagonal, 0 elsewhere."""
        return torch.full((sz, sz), float("-inf"), dtype=dtype, device=device).triu(1)
