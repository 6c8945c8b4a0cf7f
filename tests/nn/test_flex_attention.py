"""Attention whose scores a function changes, against the same with a dense mask."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.nn.attention.flex_attention import (
    AuxRequest,
    and_masks,
    create_block_mask,
    create_mask,
    flex_attention,
    or_masks,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=shape))


def test_scores_and_masks_are_those_of_the_functions() -> None:
    q, k, v, slope = normal(2, 4, 6, 8), normal(2, 2, 6, 8, seed=1), normal(2, 2, 6, 8, seed=2), normal(4, seed=3)
    document = torch.tensor([0, 0, 0, 1, 1, 1])
    seen = and_masks(lambda b, h, q, kv: q >= kv, lambda b, h, q, kv: document[q] == document[kv])
    mask = create_block_mask(seen, None, None, 6, 6, BLOCK_SIZE=3)
    out = flex_attention(
        q, k, v, score_mod=lambda s, b, h, i, j: s + slope[h] * (i - j), block_mask=mask, enable_gqa=True
    )
    scores = np.einsum("bhid,bhjd->bhij", q.numpy(), k.numpy().repeat(2, 1)) / math.sqrt(8)
    i, j = np.ogrid[:6, :6]
    scores = scores + slope.numpy()[:, None, None] * (i - j)
    weights = np.where((i >= j) & (i // 3 == j // 3), np.exp(scores), 0)
    wanted = (weights / weights.sum(-1, keepdims=True)) @ v.numpy().repeat(2, 1)
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-7, atol=1e-7)
    assert mask.to_dense().tolist() == [[[[1, 0], [0, 1]]]] and mask.sparsity() == 50.0


def test_a_query_that_sees_no_key_gives_zeros_and_finite_gradients() -> None:
    q, k, v = (normal(1, 1, 3, 4, seed=s).requires_grad_() for s in range(3))
    mask = create_block_mask(lambda b, h, q, kv: kv < q, 1, 1, 3, 3)
    out, aux = flex_attention(q, k, v, block_mask=mask, return_aux=AuxRequest(lse=True, max_scores=True))
    out.sum().backward()
    assert out[0, 0, 0].tolist() == [0.0] * 4 and aux.lse[0, 0, 0].item() == -math.inf
    assert all(t.grad is not None and torch.isfinite(t.grad).all() for t in (q, k, v))


def test_masks_combine_and_heads_must_agree() -> None:
    either = or_masks(lambda b, h, q, kv: q == kv, lambda b, h, q, kv: kv == 0)
    assert create_mask(either, None, None, 3, 3)[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 1]]
    with pytest.raises(ValueError, match="enable_gqa"):
        flex_attention(normal(1, 4, 2, 2), normal(1, 2, 2, 2), normal(1, 2, 2, 2))
