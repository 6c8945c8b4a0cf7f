"""Factorisations of matrices."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast, complex_of, is_complex
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.linalg import check_matrix, solve_triangular, zero_pivot
from fxtorch.ops.table import Array, op


class CholeskyEx(NamedTuple):
    """The result of :func:`cholesky_ex`."""

    L: Array
    info: Array


class QR(NamedTuple):
    """The result of :func:`qr`."""

    Q: Array
    R: Array


class LinalgSVD(NamedTuple):
    """The result of ``linalg.svd``."""

    U: Array
    S: Array
    Vh: Array


class SVD(NamedTuple):
    """The result of ``torch.svd``."""

    U: Array
    S: Array
    V: Array


class Eig(NamedTuple):
    """The result of :func:`eigh` and :func:`eig`."""

    eigenvalues: Array
    eigenvectors: Array


class LU(NamedTuple):
    """The result of :func:`lu`."""

    P: Array
    L: Array
    U: Array


class LUFactor(NamedTuple):
    """The result of :func:`lu_factor`."""

    LU: Array
    pivots: Array


class LUFactorEx(NamedTuple):
    """The result of :func:`lu_factor_ex`."""

    LU: Array
    pivots: Array
    info: Array


def _transposed(A: Array) -> Array:
    """The conjugate transpose."""
    return jnp.conj(jnp.swapaxes(A, -2, -1))


@op(where=("torch", "linalg"), method=True, out=True)
def cholesky(A: Array, upper: bool = False) -> Array:
    """The lower triangular L with ``A = L @ L^H`` (the upper one, ``L^H``); NaN where A is not positive definite."""
    check_matrix("cholesky", A, square=True)
    L = jnp.linalg.cholesky(A)
    return _transposed(L) if upper else L


@op(where=("linalg",), out=True)
def cholesky_ex(A: Array, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """:func:`cholesky`, and for each matrix the order of the first leading minor that is not positive, or 0."""
    return CholeskyEx(cholesky(A, upper), _bad_minor(lax.stop_gradient(A)))


def _bad_minor(A: Array) -> Array:
    """The number, from 1, of the first pivot of elimination without exchanges that is not positive; 0 for none."""
    n = A.shape[-1]
    if n == 0:
        return jnp.zeros(A.shape[:-2], dtype=np.int32)
    below = jnp.arange(n, dtype=np.int32)

    def eliminate(k: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        W, info = state
        pivot = jnp.real(W[..., k, k])
        good = pivot > 0
        column = jnp.where(below > k, W[..., k], 0) / jnp.where(good, pivot, 1)[..., None]
        W = W - column[..., :, None] * jnp.conj(W[..., k])[..., None, :]
        return W, jnp.where((info == 0) & ~good, cast(k, np.int32) + 1, info)

    return lax.fori_loop(0, n, eliminate, (A, jnp.zeros(A.shape[:-2], dtype=np.int32)))[1]


@op(method=True, out=True)
def cholesky_solve(input: Array, L: Array, upper: bool = False) -> Array:
    """The X with ``(L @ L^H) @ X = input`` (``(L^H @ L) @ X`` with ``upper``)."""
    # torch's gradient of L is that of L @ L^H as a whole, though one triangle alone is read.
    factor = L + lax.stop_gradient((jnp.triu if upper else jnp.tril)(L) - L)
    A = _transposed(factor) @ factor if upper else factor @ _transposed(factor)
    read = lax.stop_gradient(factor)
    first, second = (_transposed(read), read) if upper else (read, _transposed(read))

    def solved(_: object, b: Array) -> Array:
        return solve_triangular(second, solve_triangular(first, b, upper=False), upper=True)

    batch = np.broadcast_shapes(A.shape[:-2], input.shape[:-2])
    A, input = (jnp.broadcast_to(x, batch + x.shape[-2:]) for x in (A, input))
    return lax.custom_linear_solve(lambda x: A @ x, input, solved, solved, symmetric=False)


@op(method=True, out=True)
def cholesky_inverse(L: Array, upper: bool = False) -> Array:
    """The inverse of ``L @ L^H`` (of ``L^H @ L`` with ``upper``)."""
    eye = jnp.broadcast_to(jnp.eye(L.shape[-1], dtype=L.dtype), L.shape)
    return cholesky_solve(eye, L, upper)


@op(where=("linalg",), out=True)
def qr(A: Array, mode: str = "reduced") -> QR:
    """``A = Q @ R``, Q with orthonormal columns, R upper triangular.

    Args:
        A: (..., m, n).
        mode: ``"reduced"``, ``"complete"`` (Q is square), or ``"r"`` (Q is empty).

    Raises:
        RuntimeError: the mode is unknown.
    """
    check_matrix("qr", A)
    if mode == "r":
        return QR(jnp.zeros((0,), dtype=A.dtype), jnp.linalg.qr(A, mode="r"))
    if mode not in ("reduced", "complete"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return QR(*jnp.linalg.qr(A, mode=mode))


@op(name="qr", method=True, out=True)
def torch_qr(input: Array, some: bool = True) -> QR:
    """:func:`qr`, reduced or (``some=False``) complete."""
    return qr(input, "reduced" if some else "complete")


@op(where=("linalg",), out=True)
def svd(A: Array, full_matrices: bool = True, *, driver: str | None = None) -> LinalgSVD:
    """``A = U @ diag(S) @ Vh`` with falling singular values S."""
    check_matrix("svd", A)
    return LinalgSVD(*(_full_svd(A) if full_matrices else jnp.linalg.svd(A, full_matrices=False)))


@custom_gradient
def _full_svd(A: Array) -> tuple[Array, Array, Array]:
    U, S, Vh = jnp.linalg.svd(A, full_matrices=True)
    return U, S, Vh


def _completed_svd(A: Array) -> tuple[Array, Array, Array]:
    """The reduced factors, which have a derivative, with the further columns, which have none."""
    U, S, Vh = jnp.linalg.svd(A, full_matrices=False)
    wide_U, _, wide_Vh = jnp.linalg.svd(lax.stop_gradient(A), full_matrices=True)
    k = S.shape[-1]
    return (
        jnp.concatenate([U, wide_U[..., :, k:]], axis=-1),
        S,
        jnp.concatenate([Vh, wide_Vh[..., k:, :]], axis=-2),
    )


_full_svd.defvjp(lambda A: jax.vjp(_completed_svd, A), lambda pull, g: pull(g))


@op(where=("linalg",), out=True)
def svdvals(A: Array, *, driver: str | None = None) -> Array:
    """The singular values, falling."""
    check_matrix("svdvals", A)
    return jnp.linalg.svd(A, compute_uv=False)


@op(name="svd", method=True, out=True)
def torch_svd(input: Array, some: bool = True, compute_uv: bool = True) -> SVD:
    """``input = U @ diag(S) @ V^H``; without ``compute_uv``, U and V are zeros."""
    check_matrix("svd", input)
    if compute_uv:
        U, S, Vh = svd(input, full_matrices=not some)
        return SVD(U, S, _transposed(Vh))
    *batch, m, n = input.shape
    return SVD(
        jnp.zeros((*batch, m, m), dtype=input.dtype),
        jnp.linalg.svd(input, compute_uv=False),
        jnp.zeros((*batch, n, n), dtype=input.dtype),
    )


@op(where=("linalg",), out=True)
def eigh(A: Array, UPLO: str = "L") -> Eig:
    """The eigenvalues (rising) and eigenvectors (columns) of Hermitian matrices, of which one triangle is read."""
    check_matrix("eigh", A, square=True)
    half = jnp.tril(A) if UPLO == "L" else jnp.triu(A)
    read = half + _transposed(jnp.tril(half, -1) + jnp.triu(half, 1))
    # torch's gradient is symmetric, though one triangle alone is read.
    even = (A + _transposed(A)) / 2
    return Eig(*jnp.linalg.eigh(even + lax.stop_gradient(read - even), symmetrize_input=False))


@op(where=("linalg",), out=True)
def eigvalsh(A: Array, UPLO: str = "L") -> Array:
    """The eigenvalues of Hermitian matrices, rising."""
    return eigh(A, UPLO).eigenvalues


@op(where=("linalg",), out=True)
def eig(A: Array) -> Eig:
    """The eigenvalues and eigenvectors (columns of length 1) of square matrices, always complex.

    The gradient of the eigenvectors holds for functions that their phase does not change.
    """
    check_matrix("eig", A, square=True)
    if A.size == 0:
        return Eig(cast(jnp.sum(A, -1), complex_of(A.dtype)), cast(A, complex_of(A.dtype)))
    values, vectors = _eigenpairs(A)
    return Eig(values, vectors)


def _eigenpairs(A: Array) -> tuple[Array, Array]:
    """Computed in double precision: the gradient multiplies rounding by how near to parallel the vectors are."""
    wide = np.complex128 if is_complex(A.dtype) else np.float64
    kind = complex_of(A.dtype) if not is_complex(A.dtype) else A.dtype
    found = lax.linalg.eig(
        cast(A, jax.dtypes.canonicalize_dtype(wide)), compute_left_eigenvectors=False, enable_eigvec_derivs=True
    )
    return cast(found[0], kind), cast(found[1], kind)


@op(where=("linalg",), out=True)
def eigvals(A: Array) -> Array:
    """The eigenvalues of square matrices, always complex."""
    check_matrix("eigvals", A, square=True)
    return cast(jnp.sum(A, -1), complex_of(A.dtype)) if A.size == 0 else _eigenvalues(A)


@custom_gradient
def _eigenvalues(A: Array) -> Array:
    (values,) = lax.linalg.eig(A, compute_left_eigenvectors=False, compute_right_eigenvectors=False)
    return values


def _eigenvalues_fwd(A: Array) -> tuple[Array, Array]:
    return _eigenvalues(A), A


def _eigenvalues_bwd(A: Array, g: Array) -> tuple[Array]:
    """The eigenvectors are needed for the gradient alone, which has a derivative in turn."""
    return jax.vjp(lambda x: _eigenpairs(x)[0], A)[1](g)


_eigenvalues.defvjp(_eigenvalues_fwd, _eigenvalues_bwd)


def _check_pivot(pivot: bool) -> None:
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


@op(where=("linalg",), out=True)
def lu_factor(A: Array, *, pivot: bool = True) -> LUFactor:
    """L and U in one matrix, and the row that each step swapped with (counted from 1, int32)."""
    check_matrix("lu_factor", A)
    _check_pivot(pivot)
    packed, pivots, _ = lax.linalg.lu(A)
    return LUFactor(packed, cast(pivots, np.int32) + 1)


@op(where=("linalg",), out=True)
def lu_factor_ex(A: Array, *, pivot: bool = True, check_errors: bool = False) -> LUFactorEx:
    """:func:`lu_factor`, and for each matrix the number of the first pivot that is 0, or 0."""
    packed, pivots = lu_factor(A, pivot=pivot)
    return LUFactorEx(packed, pivots, zero_pivot(packed))


@op(name="lu", method=True, out=True)
def torch_lu(A: Array, pivot: bool = True, get_infos: bool = False) -> tuple[Array, ...]:
    """:func:`lu_factor` under its old name; with ``get_infos``, :func:`lu_factor_ex`."""
    return tuple(lu_factor_ex(A, pivot=pivot)) if get_infos else tuple(lu_factor(A, pivot=pivot))


@op(out=True)
def lu_unpack(LU_data: Array, LU_pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True) -> LU:
    """P, L and U from what :func:`lu_factor` gave; those that are not asked for are empty."""
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    P = L = U = jnp.zeros((0,), dtype=LU_data.dtype)
    if unpack_pivots:
        order = lax.linalg.lu_pivots_to_permutation(LU_pivots - 1, m)
        P = jnp.swapaxes(jax.nn.one_hot(order, m, dtype=LU_data.dtype), -2, -1)
    if unpack_data:
        L = jnp.tril(LU_data[..., :, :k], -1) + jnp.eye(m, k, dtype=LU_data.dtype)
        U = jnp.triu(LU_data[..., :k, :])
    return LU(P, L, U)


@op(where=("linalg",), out=True)
def lu(A: Array, *, pivot: bool = True) -> LU:
    """``A = P @ L @ U``: a permutation, a unit lower triangular matrix, an upper triangular one."""
    return lu_unpack(*lu_factor(A, pivot=pivot))


@op(where=("linalg",), out=True)
def lu_solve(LU: Array, pivots: Array, B: Array, *, left: bool = True, adjoint: bool = False) -> Array:
    """The X with ``A @ X = B`` from what :func:`lu_factor` gave for A."""
    P, L, U = lu_unpack(LU, pivots)
    if not left:
        return _transposed(lu_solve(LU, pivots, _transposed(B), adjoint=not adjoint))
    if adjoint:
        half = solve_triangular(_transposed(U), B, upper=False)
        return P @ solve_triangular(_transposed(L), half, upper=True, unitriangular=True)
    half = solve_triangular(L, jnp.swapaxes(P, -2, -1) @ B, upper=False, unitriangular=True)
    return solve_triangular(U, half, upper=True)


@op(name="lu_solve", method=True, out=True)
def torch_lu_solve(b: Array, LU_data: Array, LU_pivots: Array) -> Array:
    """The X with ``A @ X = b`` from what :func:`lu_factor` gave for A."""
    return lu_solve(LU_data, LU_pivots, b)
