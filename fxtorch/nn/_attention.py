"""The attention functions of ``torch.nn.functional``.  Source: Vaswani et al., "Attention Is All You Need" (2017)."""

from __future__ import annotations

import math

from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

_table = namespace("nn.functional")
_linear, _pad = _table["linear"], _table["pad"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(scale query key^T + mask) value``, with dropout of the probabilities.

    Args:
        query: ``(N, ..., H, L, E)``.
        key: ``(N, ..., H, S, E)``.
        value: ``(N, ..., H, S, V)``.
        attn_mask: broadcast to ``(N, ..., L, S)``; booleans say where attention is allowed, numbers are added.
        dropout_p: probability of dropping, always applied when positive.
        is_causal: let position ``i`` see ``0 .. i`` only; excludes ``attn_mask``.
        scale: ``1 / sqrt(E)`` by default.
        enable_gqa: let several query heads share one key and value head.

    Raises:
        RuntimeError: shapes or types do not fit, or a mask with ``is_causal``.
    """
    drops = dropout_p > 0.0
    return _table["_attention"](query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, drops)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """concat(head_1, ..., head_h) W_o, head_i = softmax(q_i k_i^T / sqrt(d)) v_i, with q, k, v projected linearly.

    Args:
        query: what asks, ``(L, N, E)`` or ``(L, E)``.
        key: what is asked, ``(S, N, K)`` or ``(S, K)``.
        value: what is answered, ``(S, N, V)`` or ``(S, V)``.
        embed_dim_to_check: the expected ``E``.
        num_heads: how many heads share ``E``.
        in_proj_weight: ``(3 E, E)``, the three input projections in one.
        in_proj_bias: ``(3 E,)``.
        bias_k: ``(1, 1, E)``, one more key for every sequence.
        bias_v: ``(1, 1, E)``, its value.
        add_zero_attn: whether a key and value of zeros is added.
        dropout_p: the probability of dropping an attention weight.
        out_proj_weight: ``(E, E)``.
        out_proj_bias: ``(E,)``.
        training: whether to drop at all.
        key_padding_mask: ``(N, S)``, True (or a number to add) where a key is not to be seen.
        need_weights: whether the weights are returned too.
        attn_mask: ``(L, S)`` or ``(N heads, L, S)``, True (or a number to add) where a query may not see a key.
        use_separate_proj_weight: take the next three instead of ``in_proj_weight``.
        q_proj_weight: ``(E, E)``.
        k_proj_weight: ``(E, K)``.
        v_proj_weight: ``(E, V)``.
        static_k: ``(N heads, S, E / heads)``, projected keys to be used instead.
        static_v: ``(N heads, S, E / heads)``, projected values to be used instead.
        average_attn_weights: whether weights are averaged over heads: ``(N, L, S)``, else ``(N, heads, L, S)``.
        is_causal: a hint that ``attn_mask`` is the causal one.

    Returns:
        The output, shaped as ``query``, and the weights or None.

    Raises:
        AssertionError: the sizes do not fit.
        RuntimeError: ``is_causal`` without ``attn_mask``, or a mask of another shape.
    """
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise AssertionError(
            "query, key and value should be unbatched 2D or batched 3D tensors but received "
            f"{query.ndim}-D, {key.ndim}-D and {value.ndim}-D tensors"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    embed_dim = query.shape[-1]
    if embed_dim != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}")
    if embed_dim % num_heads:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    alike = -1 if use_separate_proj_weight else None
    if key.shape[:alike] != value.shape[:alike]:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _project(query, key, value, weights, in_proj_bias)
    else:
        assert in_proj_weight is not None, "use_separate_proj_weight is False but in_proj_weight is None"
        q, k, v = _project(query, key, value, in_proj_weight, in_proj_bias)
    batched = query.ndim == 3
    if not batched:
        q, k, v = (t.unsqueeze(1) for t in (q, k, v))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key and value.")
        k, v = (torch.cat([t, b.repeat(1, t.shape[1], 1)]) for t, b in ((k, bias_k), (v, bias_v)))
    q, k, v = (t.unflatten(-1, (num_heads, embed_dim // num_heads)).permute(1, 2, 0, 3) for t in (q, k, v))
    k = k if static_k is None else static_k.unflatten(0, (-1, num_heads))
    v = v if static_v is None else static_v.unflatten(0, (-1, num_heads))
    if add_zero_attn:
        k, v = (_pad(t, (0, 0, 0, 1)) for t in (k, v))
    only_causal = is_causal and key_padding_mask is None and not need_weights
    mask = None if only_causal else _joint_mask(attn_mask, key_padding_mask, q, key.shape[0], k.shape[2])
    dropout_p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = (q * math.sqrt(1.0 / q.shape[-1])) @ k.transpose(-2, -1)
        weights = _table["softmax"](scores if mask is None else scores + mask, -1)
        weights = _table["dropout"](weights, dropout_p) if dropout_p > 0 else weights
        output = weights @ v
    else:
        output = scaled_dot_product_attention(q, k, v, mask, dropout_p, only_causal)
    output = _linear(output.permute(2, 0, 1, 3).flatten(2), out_proj_weight, out_proj_bias)
    if weights is not None and average_attn_weights:
        weights = weights.mean(1)
    if not batched:
        return output.squeeze(1), None if weights is None else weights.squeeze(0)
    return output, weights


def _project(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weight: Tensor | tuple[Tensor | None, ...],
    bias: Tensor | None,
) -> tuple[Tensor, ...]:
    """Queries, keys and values, by one product where they are of one Tensor."""
    if isinstance(weight, Tensor):
        if query is key and key is value:
            return _linear(query, weight, bias).chunk(3, -1)
        weight = weight.chunk(3)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(_linear(t, w, b) for t, w, b in zip((query, key, value), weight, biases, strict=True))


def _joint_mask(attn_mask: Tensor | None, padding: Tensor | None, q: Tensor, given: int, keys: int) -> Tensor | None:
    """Both masks of the ``given`` keys as one, added to the scores ``(N, heads, L, keys)``; further keys show."""
    batch, heads, length, _ = q.shape
    parts = []
    if attn_mask is not None:
        if attn_mask.ndim not in (2, 3):
            raise RuntimeError(f"attn_mask's dimension {attn_mask.ndim} is not supported")
        wanted = (batch * heads, length, given)[3 - attn_mask.ndim :]
        if attn_mask.shape != wanted:
            raise RuntimeError(
                f"The shape of the {attn_mask.ndim}D attn_mask is {attn_mask.shape}, but should be {wanted}."
            )
        attn_mask = _additive("attn_mask", attn_mask, q)
        parts.append(attn_mask.unflatten(0, (batch, heads)) if attn_mask.ndim == 3 else attn_mask)
    if padding is not None:
        if padding.shape != (batch, given):
            raise AssertionError(f"expecting key_padding_mask shape of {(batch, given)}, but got {padding.shape}")
        parts.append(_additive("key_padding_mask", padding, q)[:, None, None, :])
    if keys > given:
        parts = [_pad(mask, (0, keys - given)) for mask in parts]
    return parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None


def _additive(name: str, mask: Tensor, like: Tensor) -> Tensor:
    """A mask of booleans as minus infinity where it is True; one of numbers as it is."""
    if mask.dtype.is_floating_point:
        return mask
    if mask.dtype != torch.bool:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return torch.zeros(mask.shape, dtype=like.dtype, device=like.device).masked_fill(mask, float("-inf"))
