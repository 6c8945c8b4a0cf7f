"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.linear import NonDynamicallyQuantizableLinear
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor


class MultiheadAttention(Module):
    """concat(head_1, ..., head_h) W_o, head_i = softmax(q_i k_i^T / sqrt(d)) v_i, with q, k, v projected linearly.

    Shapes: query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim), batch first with ``batch_first``, or without
    N; output as query.  ``in_proj_weight`` (3 embed_dim, embed_dim) starts Glorot-uniform, biases at 0.
    Source: Vaswani et al. 2017.

    Args:
        embed_dim: the size of queries and outputs.
        num_heads: how many heads share it.
        dropout: the probability of Dropout of attention weights.
        bias: whether the projections have biases.
        add_bias_kv: whether a learned key and value is added to each sequence.
        add_zero_attn: whether a key and value of zeros is added.
        kdim: the size of keys; ``embed_dim`` by default.
        vdim: the size of values; ``embed_dim`` by default.
        batch_first: whether inputs are (N, L, E) instead of (L, N, E).
        device: where the parameters live.
        dtype: their type.

    Raises:
        ValueError: a size is not positive.
        AssertionError: ``num_heads`` does not divide ``embed_dim``.

    >>> import fxtorch as torch
    >>> attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.randn(3, 5, 8)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 5, 5]))
    """

    bias_k: Any
    bias_v: Any

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        separate = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(torch.empty((3 * embed_dim, embed_dim), device=device, dtype=dtype))
            for name in separate:
                self.register_parameter(name, None)
        else:
            for name, size in separate.items():
                setattr(self, name, Parameter(torch.empty((embed_dim, size), device=device, dtype=dtype)))
            self.register_parameter("in_proj_weight", None)
        made = Parameter(torch.empty(3 * embed_dim, device=device, dtype=dtype)) if bias else None
        self.register_parameter("in_proj_bias", made)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            made = Parameter(torch.empty((1, 1, embed_dim), device=device, dtype=dtype)) if add_bias_kv else None
            setattr(self, name, made)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The attention's output and, with ``need_weights``, its weights.

        Args:
            query: what asks.
            key: what is asked.
            value: what is answered.
            key_padding_mask: (N, S), True (or a number to add) where a key is not to be seen.
            need_weights: whether the weights are returned; without them fused kernels may be used.
            attn_mask: (L, S) or (N heads, L, S), True (or a number to add) where a query may not see a key.
            average_attn_weights: whether weights are averaged over heads: (N, L, S), else (N, heads, L, S).
            is_causal: a hint that ``attn_mask`` is the causal one.

        Raises:
            RuntimeError: ``is_causal`` without ``attn_mask``, or a mask of another shape.
            AssertionError: the sizes do not fit.
        """
        swapped = self.batch_first and query.ndim == 3
        if swapped:
            turned = {id(t): t.transpose(0, 1) for t in (query, key, value)}
            query, key, value = (turned[id(t)] for t in (query, key, value))
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return output.transpose(0, 1) if swapped else output, weights
