"""Singular and eigenvectors of the few largest values."""

from __future__ import annotations

from typing import Any

import jax
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast, default_float, is_complex, is_inexact, real_of
from fxtorch.ops.table import Array, Key, op


def _transposed(A: Array) -> Array:
    return jnp.conj(jnp.swapaxes(A, -2, -1))


def _orthonormal(A: Array) -> Array:
    return jnp.linalg.qr(A)[0]


def _range(A: Array, q: int, niter: int, key: Array) -> Array:
    """An orthonormal basis of nearly the range of A: Halko, Martinsson and Tropp (2009), algorithm 4.4."""
    shape = (*A.shape[:-2], A.shape[-1], q)
    start = jax.random.normal(key, shape, dtype=real_of(A.dtype))
    Q = _orthonormal(A @ cast(start, A.dtype))
    for _ in range(niter):
        Q = _orthonormal(A @ _orthonormal(_transposed(A) @ Q))
    return Q


def _svd(A: Array, q: int, niter: int, key: Array) -> tuple[Array, Array, Array]:
    """The singular value decomposition of A within that range: algorithm 5.1."""
    q = min(q, *A.shape[-2:])
    if A.shape[-2] < A.shape[-1]:
        V, S, U = _svd(_transposed(A), q, niter, key)
        return U, S, V
    Q = _range(A, q, niter, key)
    U, S, Vh = jnp.linalg.svd(_transposed(Q) @ A, full_matrices=False)
    return Q @ U, S, _transposed(Vh)


@op()
def svd_lowrank(A: Array, q: int = 6, niter: int = 2, M: Array | None = None, *, key: Key) -> tuple[Array, ...]:
    """U, S and V of nearly the best approximation ``U @ diag(S) @ V^H`` of rank ``q``, found by random projection.

    Args:
        A: (..., m, n).
        q: a slight overestimate of the rank.
        niter: how many subspace iterations.
        M: the mean to take from A first; broadcastable to it.
        key: where the projection is drawn from.
    """
    return _svd(A if M is None else A - M, q, niter, key)


@op()
def pca_lowrank(A: Array, q: int | None = None, center: bool = True, niter: int = 2, *, key: Key) -> tuple[Array, ...]:
    """U, S and V of the ``q`` main components of the rows of A; V's columns are the directions.

    Args:
        A: (..., m, n).
        q: how many; by default ``min(6, m, n)``.
        center: take the mean of the columns from A first.
        niter: how many subspace iterations.
        key: where the projection is drawn from.

    Raises:
        ValueError: ``q`` or ``niter`` is out of range.
    """
    smaller = min(A.shape[-2:])
    q = min(6, smaller) if q is None else q
    if not 0 <= q <= smaller:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={smaller}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    A = A if is_inexact(A.dtype) else cast(A, default_float())
    return _svd(A - jnp.mean(A, axis=-2, keepdims=True) if center else A, q, niter, key)


@op()
def lobpcg(
    A: Array,
    k: int | None = None,
    B: Array | None = None,
    X: Array | None = None,
    n: int | None = None,
    iK: Array | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: Any = None,
    ortho_fparams: Any = None,
    ortho_bparams: Any = None,
) -> tuple[Array, Array]:
    """The ``k`` largest (or smallest) E, and their X, with ``A @ X = B @ X @ diag(E)``.

    torch iterates towards them; here they are exact, from a dense decomposition.

    Args:
        A: (..., m, m), symmetric.
        k: how many; by default as many as ``X`` has columns, or 1.
        B: (..., m, m), symmetric positive definite; by default the identity.
        X: a first guess; only its number of columns counts.
        n: as many, where ``X`` is absent.
        iK: steers torch's iteration; without effect, like those below that say so.
        niter: without effect.
        tol: without effect.
        largest: by default True.
        method: without effect.
        tracker: without effect.
        ortho_iparams: without effect.
        ortho_fparams: without effect.
        ortho_bparams: without effect.

    Raises:
        ValueError: A has fewer than ``3 * k`` rows.
    """
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"lobpcg: A must be batches of square matrices, but has the shape {list(A.shape)}")
    k = k if k is not None else X.shape[-1] if X is not None else n or 1
    rows = A.shape[-1]
    if rows < 3 * k:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={rows}) is smaller than 3 x the number "
            f"of requested eigenpairs (={k})"
        )
    L = None if B is None else jnp.linalg.cholesky(B)
    if L is not None:
        half = lax.linalg.triangular_solve(L, A, left_side=True, lower=True)
        A = _transposed(lax.linalg.triangular_solve(L, _transposed(half), left_side=True, lower=True))
    E, V = jnp.linalg.eigh(A, symmetrize_input=True)
    if largest is None or largest:
        E, V = jnp.flip(E, -1), jnp.flip(V, -1)
    E, V = E[..., :k], V[..., :k]
    if L is not None:
        V = lax.linalg.triangular_solve(
            L, V, left_side=True, lower=True, transpose_a=True, conjugate_a=is_complex(A.dtype)
        )
    return E, V
