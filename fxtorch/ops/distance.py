"""Distances and similarities between vectors."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.checks import check_broadcast, wrap_dim
from fxtorch.ops.dtypes import at_least_single, cast, promote
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.reduction import vector_norm_of
from fxtorch.ops.table import Array, Strict, op

_DIRECT_ROWS = 25


@op(where=("torch", "nn.functional"), dtype="promote")
def cosine_similarity(x1: Strict, x2: Strict, dim: int = 1, eps: float = 1e-08) -> Array:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``, the others broadcast."""
    check_broadcast(x1.shape, x2.shape)
    dtype = x1.dtype
    x1, x2 = jnp.broadcast_arrays(at_least_single(x1), at_least_single(x2))
    axis = (wrap_dim(dim, x1.ndim),) if x1.ndim else ()
    n1, n2 = (jnp.maximum(vector_norm_of(x, 2.0, axis, True), eps) for x in (x1, x2))
    return cast(jnp.sum((x1 / n1) * (x2 / n2), axis), dtype)


@op(where=("torch", "nn.functional"), dtype="float")
def pairwise_distance(x1: Strict, x2: Strict, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False) -> Array:
    """``|x1 - x2 + eps|_p`` along the last dimension."""
    check_broadcast(x1.shape, x2.shape)
    return vector_norm_of(x1 - x2 + eps, float(p), (max(x1.ndim, x2.ndim) - 1,), keepdim)


@op(where=("torch", "nn.functional"), real=RuntimeError)
def pdist(input: Strict, p: float = 2.0) -> Array:
    """The distances of all pairs ``i < j`` of the rows of ``(N, M)``, in row-major order.

    Raises:
        RuntimeError: the input is not 2-dim, or ``p`` is negative.
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    i, j = np.triu_indices(input.shape[0], 1)
    return vector_norm_of(input[i] - input[j], float(p), (1,), False)


@custom_gradient
def _euclidean(x1: JaxArray, x2: JaxArray) -> JaxArray:
    """All distances by one matrix product: ``|a|^2 + |b|^2 - 2 a b``."""
    squares = jnp.sum(x1 * x1, -1)[..., :, None] + jnp.sum(x2 * x2, -1)[..., None, :]
    total = squares - 2 * jnp.matmul(x1, jnp.swapaxes(x2, -1, -2))
    positive = total > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, total, 1)), 0)


def _euclidean_fwd(x1: JaxArray, x2: JaxArray) -> tuple[JaxArray, tuple[JaxArray, JaxArray, JaxArray]]:
    out = _euclidean(x1, x2)
    return out, (x1, x2, out)


def _euclidean_bwd(saved: tuple[JaxArray, JaxArray, JaxArray], g: JaxArray) -> tuple[JaxArray, JaxArray]:
    x1, x2, out = saved
    ratio = jnp.where(out > 0, g / jnp.where(out > 0, out, 1), 0)
    back = jnp.swapaxes(ratio, -1, -2)
    d1 = x1 * jnp.sum(ratio, -1)[..., None] - jnp.matmul(ratio, x2)
    return d1, x2 * jnp.sum(back, -1)[..., None] - jnp.matmul(back, x1)


_euclidean.defvjp(_euclidean_fwd, _euclidean_bwd)


@op(where=("torch",), saves="residuals", real=RuntimeError)
def cdist(x1: Strict, x2: Strict, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Array:
    """The distance of every row of ``(..., P, M)`` to every row of ``(..., R, M)``: ``(..., P, R)``.

    Args:
        x1: the first rows.
        x2: the second rows; leading dimensions broadcast.
        p: the norm.
        compute_mode: whether the Euclidean distance of more than 25 rows may use a matrix product, which is faster
            and loses digits where two rows are near each other.

    Raises:
        RuntimeError: columns differ, fewer than 2 dimensions, or ``p`` is negative.
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    x1, x2 = promote(x1, x2)
    many = max(x1.shape[-2], x2.shape[-2]) > _DIRECT_ROWS
    if p == 2 and many and compute_mode != "donot_use_mm_for_euclid_dist":
        lead = jnp.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        return _euclidean(*(jnp.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (x1, x2)))
    difference = x1[..., :, None, :] - x2[..., None, :, :]
    return vector_norm_of(difference, math.inf if p == math.inf else float(p), (difference.ndim - 1,), False)
