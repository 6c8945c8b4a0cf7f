"""torch.nn.attention.flex_attention: attention whose scores a function changes, and whose pairs a function admits.

The functions get index Tensors of shapes that broadcast to (batch, heads, queries, keys), so that one call serves all
elements; XLA fuses them with the softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Any]  # a Tensor of bool; comparisons are typed bool
_score_mod_signature, _mask_mod_signature = ScoreMod, MaskMod
_DEFAULT_SPARSE_BLOCK_SIZE = 128


class AuxRequest(NamedTuple):
    """What :func:`flex_attention` shall return beside the result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was asked for: the logarithm of the sum of exponentials, and the greatest score, of each query."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Admits every pair."""
    return torch.ones((), dtype=torch.bool, device=batch.device)


def and_masks(*mask_mods: MaskMod) -> MaskMod:
    """Admits what all of them admit."""

    def both(b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        found = noop_mask(b, h, q, kv)
        for mod in mask_mods:
            found = found & mod(b, h, q, kv)
        return found

    return both


def or_masks(*mask_mods: MaskMod) -> MaskMod:
    """Admits what one of them admits."""

    def either(b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        found = ~noop_mask(b, h, q, kv)
        for mod in mask_mods:
            found = found | mod(b, h, q, kv)
        return found

    return either


class BlockMask:
    """Which pairs of queries and keys attention sees.

    Attributes:
        mask_mod: the function that says so of indices.
        shape: (batch, heads, queries, keys).
        BLOCK_SIZE: the block that torch's kernels skip where nothing in it is admitted; no kernel here does.
    """

    def __init__(self, mask_mod: MaskMod, shape: tuple[int, int, int, int], block_size: Any, device: Any) -> None:
        self.mask_mod, self.shape, self.device = mask_mod, shape, device
        self.BLOCK_SIZE = block_size if isinstance(block_size, tuple) else (block_size, block_size)

    @property
    def seq_lengths(self) -> tuple[int, int]:
        """The number of queries and of keys."""
        return self.shape[2], self.shape[3]

    def to_dense(self) -> Tensor:
        """For each block, 1 where it has an admitted pair."""
        dense = create_mask(self.mask_mod, *self.shape, device=self.device)
        rows, columns = (-(-n // size) for n, size in zip(self.seq_lengths, self.BLOCK_SIZE, strict=True))
        pad = (0, columns * self.BLOCK_SIZE[1] - self.shape[3], 0, rows * self.BLOCK_SIZE[0] - self.shape[2])
        blocks = torch.constant_pad_nd(dense.to(torch.int32), pad)
        blocks = blocks.reshape(*self.shape[:2], rows, self.BLOCK_SIZE[0], columns, self.BLOCK_SIZE[1])
        return blocks.amax((3, 5))

    def sparsity(self) -> float:
        """How many per cent of the blocks have no admitted pair."""
        return 100 * (1 - self.to_dense().float().mean().item())

    def to(self, device: Any) -> BlockMask:
        """The same on another device."""
        return BlockMask(self.mask_mod, self.shape, self.BLOCK_SIZE, device)

    def __repr__(self) -> str:
        return f"BlockMask(shape={self.shape})"


def _indices(batch: int, heads: int, queries: int, keys: int, device: Any) -> list[Tensor]:
    sizes = (batch, heads, queries, keys)
    return [
        torch.arange(n, device=device).reshape([-1 if i == k else 1 for i in range(4)]) for k, n in enumerate(sizes)
    ]


def create_mask(
    mod_fn: MaskMod, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None, **options: Any
) -> Tensor:
    """The dense mask of a function, (batch, heads, queries, keys), True where it admits.

    >>> import fxtorch as torch
    >>> create_mask(lambda b, h, q, kv: q >= kv, None, None, 2, 2).int().tolist()
    [[[[1, 0], [1, 1]]]]
    """
    shape = (B or 1, H or 1, Q_LEN, KV_LEN)
    return mod_fn(*_indices(*shape, device)).expand(shape)


def create_block_mask(
    mask_mod: MaskMod,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = _DEFAULT_SPARSE_BLOCK_SIZE,
    _compile: bool = False,
    **options: Any,
) -> BlockMask:
    """The pairs that ``mask_mod(batch, head, query, key)`` admits, for :func:`flex_attention`."""
    return BlockMask(mask_mod, (B or 1, H or 1, Q_LEN, KV_LEN), BLOCK_SIZE, device)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: ScoreMod | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: dict[str, Any] | None = None,
    return_aux: AuxRequest | None = None,
    **options: Any,
) -> Any:
    """Attention, ``softmax(score_mod(query @ key^T * scale)) @ value``, over the pairs that ``block_mask`` admits.

    Args:
        query: (batch, heads, queries, width).
        key: (batch, key heads, keys, width).
        value: (batch, key heads, keys, value width).
        score_mod: ``score_mod(score, batch, head, query, key)`` gives the score that counts.
        block_mask: which pairs count; all without it.
        scale: ``1 / sqrt(width)`` if None.
        enable_gqa: whether several heads of queries may share one of keys.
        return_lse: whether to return the logarithm of the sum of exponentials too.
        kernel_options: accepted.
        return_aux: what else to return, as an :class:`AuxOutput`.
        options: accepted.

    Returns:
        (batch, heads, queries, value width); zeros for a query that sees no key. With ``return_lse`` a pair.

    >>> import fxtorch as torch
    >>> x = torch.ones(1, 1, 3, 4)
    >>> flex_attention(x, x, x, block_mask=create_block_mask(lambda b, h, q, kv: q >= kv, 1, 1, 3, 3)).shape
    torch.Size([1, 1, 3, 4])

    Raises:
        ValueError: the numbers of heads differ without ``enable_gqa``, or do not divide.
    """
    batch, heads, queries, width = query.shape
    if key.shape[1] != heads:
        if not enable_gqa:
            raise ValueError(
                f"Expect query and key/value to have the same number of heads but got Hq={heads} and "
                f"Hkv={key.shape[1]}. Try setting enable_gqa=True for GQA."
            )
        if heads % key.shape[1]:
            raise ValueError(
                f"Expect number of query heads {heads} to be a multiple of kv heads {key.shape[1]} for GQA"
            )
        key, value = (t.repeat_interleave(heads // t.shape[1], dim=1) for t in (key, value))
    scores = (query @ key.transpose(-2, -1)) * (1 / math.sqrt(width) if scale is None else scale)
    places = _indices(batch, heads, queries, key.shape[2], query.device)
    if score_mod is not None:
        scores = score_mod(scores, *places).to(query.dtype)
    if block_mask is not None:
        scores = torch.where(block_mask.mask_mod(*places), scores, -math.inf)
    dead = (scores == -math.inf).all(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(dead, 0.0), -1).masked_fill(dead, 0.0)
    out = weights.to(value.dtype) @ value
    if return_aux is not None:
        lse = torch.logsumexp(scores, -1) if return_aux.lse else None
        return out, AuxOutput(lse, scores.amax(-1) if return_aux.max_scores else None)
    return (out, torch.logsumexp(scores, -1)) if return_lse else out
