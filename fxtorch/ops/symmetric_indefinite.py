"""``A = L D L^T`` of symmetric or Hermitian matrices that need not be positive definite.

D has blocks of size 1 and 2, chosen as Bunch and Kaufman (1977) do, and the result is laid out as LAPACK's ``sytrf``
lays it out: a block of size 2 that took row p has ``-p`` twice in ``pivots``, one of size 1 has ``p``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast, is_complex, type_name
from fxtorch.ops.linalg import check_matrix
from fxtorch.ops.table import Array, op

ALPHA = (1 + math.sqrt(17)) / 8  # bounds the growth of the elements


class LDLFactor(NamedTuple):
    """The result of :func:`ldl_factor`."""

    LD: Array
    pivots: Array


class LDLFactorEx(NamedTuple):
    """The result of :func:`ldl_factor_ex`."""

    LD: Array
    pivots: Array
    info: Array


def _size(x: Array) -> Array:
    """What LAPACK compares complex numbers by."""
    return jnp.abs(jnp.real(x)) + jnp.abs(jnp.imag(x)) if is_complex(x.dtype) else jnp.abs(x)


def _swap(W: Array, i: Any, j: Any) -> Array:
    """``W`` with rows ``i`` and ``j`` exchanged."""
    a, b = W[i], W[j]
    return W.at[i].set(b).at[j].set(a)


def _choose(W: Array, k: Any) -> tuple[Array, Array, Array]:
    """Which row to bring to ``k``, whether the block there has size 2, and whether the column is all zeros."""
    n = W.shape[-1]
    at = jnp.arange(n, dtype=np.int32)
    column = jnp.where(at > k, _size(W[:, k]), -1)
    far = jnp.argmax(column).astype(np.int32)
    diagonal, below = _size(W[k, k]), jnp.maximum(column[far], 0)
    row = jnp.max(jnp.where((at >= k) & (at != far), _size(W[far]), 0))
    stay = (diagonal >= ALPHA * below) | (diagonal >= ALPHA * below * (below / jnp.where(row == 0, 1, row)))
    single = ~stay & (_size(W[far, far]) >= ALPHA * row)
    nothing = jnp.maximum(diagonal, below) == 0
    stay = stay | nothing | jnp.isnan(diagonal)
    return jnp.where(stay, k, far), ~stay & ~single, nothing


def _real_diagonal(A: Array) -> Array:
    return jnp.where(jnp.eye(A.shape[-1], dtype=bool), cast(jnp.real(A), A.dtype), A)


def _factor(A: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    n = A.shape[-1]
    conj = jnp.conj if hermitian else lambda x: x
    at = jnp.arange(n, dtype=np.int32)
    lower = jnp.tril(A)
    W = lower + conj(jnp.tril(lower, -1)).T
    if hermitian:
        W = _real_diagonal(W)
    state = (np.int32(0), W, jnp.zeros_like(A), jnp.zeros((n,), dtype=np.int32), jnp.zeros((), dtype=np.int32))

    def step(state: Any) -> Any:
        k, W, LD, pivots, info = state
        taken, double, nothing = _choose(W, k)
        to = k + double.astype(np.int32)
        W = _swap(_swap(W, to, taken).T, to, taken).T
        next_k = jnp.minimum(k + 1, n - 1)
        rest = at >= k + 1 + double
        c0, c1 = W[:, k], W[:, next_k]
        # size 1: L = c0 / d;  size 2: L = [c0, c1] D^-1
        d = jnp.where(nothing, 1, W[k, k])
        a, b, c = W[k, k], W[next_k, k], W[next_k, next_k]
        det = jnp.where(double, a * c - b * conj(b), 1)
        l0 = jnp.where(double, (c0 * c - c1 * b) / det, jnp.where(nothing, 0, c0 / d))
        l1 = jnp.where(double, (c1 * a - c0 * conj(b)) / det, 0)
        l0, l1 = jnp.where(rest, l0, 0), jnp.where(rest, l1, 0)
        W = W - jnp.outer(l0, conj(jnp.where(rest, c0, 0))) - jnp.outer(l1, conj(jnp.where(rest, c1, 0)))
        first = jnp.where(rest, l0, jnp.where(at == k, a, jnp.where(double & (at == next_k), b, 0)))
        LD = LD.at[:, k].set(first)
        LD = LD.at[:, next_k].set(jnp.where(double, jnp.where(rest, l1, jnp.where(at == next_k, c, 0)), LD[:, next_k]))
        mark = jnp.where(double, -(taken + 1), taken + 1)
        pivots = jnp.where((at == k) | (double & (at == next_k)), mark, pivots)
        info = jnp.where((info == 0) & nothing, k + 1, info)
        return k + 1 + double.astype(np.int32), W, LD, pivots, info

    _, _, LD, pivots, info = lax.while_loop(lambda state: state[0] < n, step, state)
    return (_real_diagonal(LD) if hermitian else LD), pivots, info


def _solve(LD: Array, pivots: Array, B: Array, hermitian: bool) -> Array:
    n = LD.shape[-1]
    conj = jnp.conj if hermitian else lambda x: x
    at = jnp.arange(n, dtype=np.int32)
    if hermitian:
        LD = _real_diagonal(LD)

    def forward(state: Any) -> Any:
        k, X = state
        double = pivots[k] < 0
        next_k = jnp.minimum(k + 1, n - 1)
        X = _swap(X, jnp.where(double, next_k, k), jnp.abs(pivots[k]) - 1)
        rest = at >= k + 1 + double
        x0, x1 = X[k], X[next_k]
        X = X - jnp.where(rest, LD[:, k], 0)[:, None] * x0
        X = X - jnp.where(rest & double, LD[:, next_k], 0)[:, None] * x1
        a, b, c = LD[k, k], LD[next_k, k], LD[next_k, next_k]
        det = jnp.where(double, a * c - b * conj(b), 1)
        X = X.at[next_k].set(jnp.where(double, (a * x1 - b * x0) / det, X[next_k]))
        X = X.at[k].set(jnp.where(double, (c * x0 - conj(b) * x1) / det, x0 / a))
        return k + 1 + double.astype(np.int32), X

    def backward(state: Any) -> Any:
        k, X = state
        double = pivots[k] < 0
        before = jnp.maximum(k - 1, 0)
        known = jnp.where((at > k)[:, None], X, 0)
        X = X.at[k].add(-(conj(LD[:, k]) @ known))
        X = X.at[before].add(jnp.where(double, -(conj(LD[:, before]) @ known), 0))
        return k - 1 - double.astype(np.int32), _swap(X, k, jnp.abs(pivots[k]) - 1)

    _, X = lax.while_loop(lambda state: state[0] < n, forward, (np.int32(0), B))
    return lax.while_loop(lambda state: state[0] >= 0, backward, (np.int32(n - 1), X))[1]


def _batched(fn: Callable[..., Any], *arrays: Array, tails: tuple[int, ...]) -> Any:
    """``fn`` over all dimensions in front of the last ``tails`` of each array."""
    batch = np.broadcast_shapes(*(x.shape[: x.ndim - t] for x, t in zip(arrays, tails, strict=True)))
    arrays = tuple(jnp.broadcast_to(x, batch + x.shape[x.ndim - t :]) for x, t in zip(arrays, tails, strict=True))
    for _ in batch:
        fn = jax.vmap(fn)
    return fn(*arrays)


@op(where=("linalg",), out=True, differentiable=False)
def ldl_factor_ex(A: Array, *, hermitian: bool = False, check_errors: bool = False) -> LDLFactorEx:
    """:func:`ldl_factor`, and for each matrix the number of the first diagonal block that is 0, or 0."""
    check_matrix("ldl_factor_ex", A, square=True)
    if A.size == 0:
        return LDLFactorEx(A, jnp.zeros(A.shape[:-1], dtype=np.int32), jnp.zeros(A.shape[:-2], dtype=np.int32))
    return LDLFactorEx(*_batched(functools.partial(_factor, hermitian=hermitian), A, tails=(2,)))


@op(where=("linalg",), out=True, differentiable=False)
def ldl_factor(A: Array, *, hermitian: bool = False) -> LDLFactor:
    """``A = L D L^T`` (``L D L^H`` with ``hermitian``), compact; A's lower triangle alone is read.

    Args:
        A: (..., n, n), symmetric or Hermitian.
        hermitian: whether a complex A is Hermitian, not symmetric.

    Raises:
        RuntimeError: A is not square, or not floating.
    """
    return LDLFactor(*ldl_factor_ex(A, hermitian=hermitian)[:2])


@op(where=("linalg",), out=True, differentiable=False)
def ldl_solve(LD: Array, pivots: Array, B: Array, *, hermitian: bool = False) -> Array:
    """The X with ``A @ X = B`` from what :func:`ldl_factor` gave for A.

    Raises:
        RuntimeError: the sizes or the types do not fit.
    """
    check_matrix("ldl_solve", LD, square=True)
    if B.ndim < 2:
        raise RuntimeError(
            f"torch.linalg.ldl_solve: Expected B to have at least 2 dimensions, but it has {B.ndim} dimensions instead"
        )
    if pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            "torch.linalg.ldl_solve: Expected LD.shape[:-1] and pivots.shape to be the same, "
            f"but got pivots with shape {list(pivots.shape)} instead"
        )
    if B.dtype != LD.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {type_name(B.dtype)} and A of type "
            f"{type_name(LD.dtype)} instead."
        )
    if B.shape[-2] != LD.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for torch.linalg.ldl_solve: each A matrix is {LD.shape[-1]} by "
            f"{LD.shape[-1]} but each b matrix is {B.shape[-2]} by {B.shape[-1]}"
        )
    if B.size == 0:
        return jnp.zeros(np.broadcast_shapes(LD.shape[:-2], B.shape[:-2]) + B.shape[-2:], dtype=B.dtype)
    pivots = cast(pivots, np.int32)
    return _batched(functools.partial(_solve, hermitian=hermitian), LD, pivots, B, tails=(2, 1, 2))
