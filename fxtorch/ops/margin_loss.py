"""Losses with margins: rankings, hinges, embeddings, triplets."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.ops.distance import pairwise_distance
from fxtorch.ops.dtypes import cast, result_type
from fxtorch.ops.loss_reduction import at_least_zero, chosen_reduction, reduced
from fxtorch.ops.table import Array, Number, op

_BOTH = ("torch", "nn.functional")
_COSINE_EPS = 1e-12


@op(where=_BOTH, real=True)
def hinge_embedding_loss(
    input: Array,
    target: Array,
    margin: Number = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``input`` where ``target`` is 1, ``max(0, margin - input)`` where it is -1."""
    reduction = chosen_reduction(size_average, reduce, reduction)
    apart = jnp.where(target != 1, at_least_zero(jnp.asarray(margin, input.dtype) - input), 0)
    return reduced(apart + jnp.where(target != -1, input, 0), reduction)


@op(where=_BOTH, dtype="float", real=True)
def margin_ranking_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: Number = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``max(0, margin - target (input1 - input2))``: ``target`` 1 wants the first ranked higher, -1 the second.

    Raises:
        RuntimeError: the numbers of dimensions differ.
    """
    if not input1.ndim == input2.ndim == target.ndim:
        shapes = ", ".join(
            f"{n}: torch.Size({list(x.shape)})" for n, x in (("input1", input1), ("input2", input2), ("target", target))
        )
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: {shapes} "
        )
    reduction = chosen_reduction(size_average, reduce, reduction)
    return reduced(at_least_zero(-target * (input1 - input2) + margin), reduction)


@op(where=("nn.functional",))
def soft_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``log(1 + exp(-target input))`` with targets 1 and -1."""
    reduction = chosen_reduction(size_average, reduce, reduction)
    return reduced(cast(jax.nn.softplus(-cast(target, result_type(input, target)) * input), input.dtype), reduction)


def _check_margin(input: Array, target: Array, weight: Array | None) -> None:
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, got {input.shape}")
    rows = input.shape[0] if input.ndim == 2 else 1
    if target.ndim > 1 or target.size != rows:
        raise RuntimeError(f"inconsistent target size, expected {rows} but got {list(target.shape)}")
    if target.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.name}")
    classes = input.shape[-1] if input.ndim else 1
    if weight is not None and (weight.ndim != 1 or weight.size != classes):
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")


@op(where=("nn.functional",), real=True)
def multi_margin_loss(
    input: Array,
    target: Array,
    p: int = 1,
    margin: Number = 1.0,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``(1 / C) sum_{j != y} weight[y] max(0, margin - input[y] + input[j])^p`` for ``(N, C)`` or ``(C,)``.

    Raises:
        ValueError: ``p`` is neither 1 nor 2, or ``weight`` does not have one entry a class.
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    _check_margin(input, target, weight)
    x, y = (input, target) if input.ndim == 2 else (input.reshape(1, -1), target.reshape(1))
    y = y[:, None]
    gap = margin - jnp.take_along_axis(x, y, 1) + x
    hinge = jnp.where(gap > 0, gap, 0) ** p
    hinge = hinge if weight is None else hinge * weight[y]
    other = jnp.arange(x.shape[1], dtype=y.dtype) != y
    values = jnp.sum(jnp.where(other, hinge, 0), 1) / x.shape[1]
    return reduced(values if input.ndim == 2 else values[0], reduction)


@op(where=("nn.functional",), real=True)
def multilabel_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``(1 / C) sum_{y in target, j not in target} max(0, 1 - input[y] + input[j])`` for ``(N, C)`` or ``(C,)``.

    ``target`` holds classes, those from the first -1 on being ignored.

    Raises:
        RuntimeError: the shapes differ.
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    if target.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.name}")
    x, y = (input, target) if input.ndim == 2 else (input.reshape(1, -1), target.reshape(1, -1))
    listed = jnp.cumsum(y < 0, 1, dtype=np.int32) == 0
    safe = jnp.where(listed, y, 0)
    rows = jnp.arange(x.shape[0], dtype=np.int32)[:, None]
    wanted = jnp.zeros(x.shape, np.int32).at[rows, safe].max(listed.astype(np.int32)) > 0
    gap = 1 - jnp.take_along_axis(x, safe, 1)[:, :, None] + x[:, None, :]
    counted = listed[:, :, None] & ~wanted[:, None, :] & (gap > 0)
    values = jnp.sum(jnp.where(counted, gap, 0), (1, 2)) / x.shape[1]
    return reduced(values if input.ndim == 2 else values[0], reduction)


@op(where=_BOTH, dtype="float", real=True)
def cosine_embedding_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: Number = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``1 - cos`` where ``target`` is 1, ``max(0, cos - margin)`` where it is -1, for ``(N, D)`` or ``(D,)``.

    Raises:
        RuntimeError: the numbers of dimensions do not fit.
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if target.ndim + 1 != input1.ndim or target.ndim + 1 != input2.ndim:
        kind = "0D" if target.ndim == 0 else "1D"
        wanted = "1D" if target.ndim == 0 else "2D"
        raise RuntimeError(
            f"{kind} target tensor expects {wanted} input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    squares = (jnp.sum(input1 * input1, -1) + _COSINE_EPS) * (jnp.sum(input2 * input2, -1) + _COSINE_EPS)
    cosine = jnp.sum(input1 * input2, -1) / jnp.sqrt(squares)
    near = jnp.where(target == 1, 1 - cosine, 0)
    return reduced(near + jnp.where(target == -1, at_least_zero(cosine - margin), 0), reduction)


@op(where=_BOTH, dtype="float")
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: Number = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with ``d`` the ``p``-norm distance.

    With ``swap`` the negative may be as near to the positive as to the anchor, whichever is smaller.

    Source: Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional neural
    networks" (2016).
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = jnp.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(at_least_zero(margin + near - far), reduction)
