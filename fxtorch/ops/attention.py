"""Scaled dot-product attention.  Source: Vaswani et al., "Attention Is All You Need" (2017)."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array as JaxArray

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dropout import kept
from fxtorch.ops.dtypes import cast
from fxtorch.ops.softmax import stable_softmax
from fxtorch.ops.table import Array, Key, op


def _check(query: JaxArray, key: JaxArray, value: JaxArray, mask: JaxArray | None, is_causal: bool) -> None:
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {query.dtype} "
            f"key.dtype: {key.dtype} and value.dtype: {value.dtype} instead."
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim}, "
            f"key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    batch, keys = query.shape[:-2], key.shape[-2]
    check_broadcast(batch, key.shape[:-2])
    if query.shape[-1] != key.shape[-1] or keys != value.shape[-2]:
        want, got = (query.shape[-1], key.shape[-1]) if query.shape[-1] != key.shape[-1] else (keys, value.shape[-2])
        many = math.prod(batch)
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{many}, {want}] but got: [{many}, {got}]."
        )
    if mask is not None and is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if mask is not None and mask.dtype != bool and mask.dtype != query.dtype:
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{mask.dtype} and  query.dtype: {query.dtype} instead."
        )


@op(name="_attention", where=("nn.functional",), saves="residuals")
def attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    training: bool,
    *,
    random: Key,
) -> Array:
    """``dropout(softmax(scale query key^T + mask)) value``; dropout only while ``training``.

    Rows that may see nothing give zeros, as in torch.
    """
    if enable_gqa:
        heads = query.shape[-3]
        if heads % key.shape[-3] or heads % value.shape[-3]:
            raise RuntimeError(
                "Number of heads in key and value must divide the number of heads in query with enable_gqa"
            )
        key = jnp.repeat(key, heads // key.shape[-3], axis=-3)
        value = jnp.repeat(value, heads // value.shape[-3], axis=-3)
    _check(query, key, value, attn_mask, is_causal)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    wide = "float32" if query.dtype.itemsize < 4 else query.dtype
    scores = jnp.matmul(query, jnp.swapaxes(key, -1, -2), preferred_element_type=wide) * factor
    allowed = None
    if is_causal:
        allowed = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    elif attn_mask is not None and attn_mask.dtype == bool:
        allowed = attn_mask
    elif attn_mask is not None:
        scores = scores + attn_mask
    if allowed is not None:
        scores = jnp.where(allowed, scores, -jnp.inf)
    weights = cast(_softmax_or_zero(scores), query.dtype)
    if training and dropout_p > 0:
        weights = jnp.where(kept(random, dropout_p, weights.shape), weights / (1 - dropout_p), 0)
    return jnp.matmul(weights, value)


def _softmax_or_zero(scores: JaxArray) -> JaxArray:
    """Softmax over the last dimension; zeros where all is minus infinity."""
    empty = jnp.all(jnp.isneginf(scores), axis=-1, keepdims=True)
    return jnp.where(empty, 0, stable_softmax(jnp.where(empty, 0, scores), scores.ndim - 1))
