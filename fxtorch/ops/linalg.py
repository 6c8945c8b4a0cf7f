"""Inverses, determinants, linear systems and functions of matrices."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import cast, is_inexact, real_of, type_name
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.reduction import sum_
from fxtorch.ops.table import Array, op


class Slogdet(NamedTuple):
    """The result of :func:`slogdet`."""

    sign: Array
    logabsdet: Array


class InvEx(NamedTuple):
    """The result of :func:`inv_ex`."""

    inverse: Array
    info: Array


class SolveEx(NamedTuple):
    """The result of :func:`solve_ex`."""

    result: Array
    info: Array


class TriangularSolve(NamedTuple):
    """The result of :func:`triangular_solve`."""

    solution: Array
    cloned_coefficient: Array


class Lstsq(NamedTuple):
    """The result of :func:`lstsq`."""

    solution: Array
    residuals: Array
    rank: Array
    singular_values: Array


def check_matrix(name: str, A: Array, *, square: bool = False) -> None:
    """Raise torch's error where ``A`` is not a floating (square) matrix or batch of them.

    Raises:
        RuntimeError: it is not.
    """
    if A.ndim < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    if not is_inexact(A.dtype):
        raise RuntimeError(f"linalg.{name}: Expected a floating point or complex tensor as input. Got {A.dtype}")
    if square and A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )


def zero_pivot(packed: Array) -> Array:
    """For each LU factorisation the number, from 1, of the first 0 on the diagonal of U; 0 where there is none."""
    zero = jnp.diagonal(packed, axis1=-2, axis2=-1) == 0
    if zero.shape[-1] == 0:
        return jnp.zeros(zero.shape[:-1], dtype=np.int32)
    return jnp.where(jnp.any(zero, axis=-1), cast(jnp.argmax(zero, axis=-1), np.int32) + 1, 0)


def _singular(A: Array) -> Array:
    return zero_pivot(lax.linalg.lu(lax.stop_gradient(A))[0])


@op(where=("linalg",), out=True, aliases=("torch.inverse", "Tensor.inverse"))
def inv(A: Array) -> Array:
    """The inverse of square matrices.

    Raises:
        LinAlgError: one is singular; in a compiled program it gives infinities or NaN instead.
    """
    check_matrix("inv", A, square=True)
    return jnp.linalg.inv(A)


@op(where=("linalg",), out=True)
def inv_ex(A: Array, *, check_errors: bool = False) -> InvEx:
    """:func:`inv`, and for each matrix the number of the first pivot that is 0, or 0."""
    return InvEx(inv(A), _singular(A))


@op(where=("torch", "linalg"), method=True, out=True)
def det(A: Array) -> Array:
    """The determinant."""
    check_matrix("det", A, square=True)
    if A.shape[-1] == 0:
        return jnp.ones(A.shape[:-2], dtype=A.dtype)
    return jnp.linalg.det(A)


@op(where=("torch", "linalg"), method=True, out=True)
def slogdet(A: Array) -> Slogdet:
    """The sign and the logarithm of the absolute value of the determinant."""
    check_matrix("slogdet", A, square=True)
    return Slogdet(*jnp.linalg.slogdet(A))


@op(method=True)
def logdet(input: Array) -> Array:
    """The logarithm of the determinant; NaN where that is negative."""
    check_matrix("logdet", input, square=True)
    sign, logabsdet = jnp.linalg.slogdet(input)
    return logabsdet + jnp.log(sign)


def _is_vector(A: Array, B: Array) -> bool:
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])


@op(where=("linalg",), out=True)
def solve(A: Array, B: Array, *, left: bool = True) -> Array:
    """The X with ``A @ X = B`` (``X @ A = B`` with ``left=False``); B holds vectors or matrices.

    Raises:
        RuntimeError: A is not square, or the sizes do not fit.
    """
    check_matrix("solve", A, square=True)
    vector = _is_vector(A, B)
    right = B[..., None] if vector else B
    if not left:
        return jnp.swapaxes(solve(jnp.swapaxes(A, -2, -1), jnp.swapaxes(right, -2, -1)), -2, -1)
    if A.shape[-1] != right.shape[-2]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation AX = B "
            f"({A.shape[-2]}x{A.shape[-1]} and {right.shape[-2]}x{right.shape[-1]})"
        )
    check_broadcast(A.shape[:-2], right.shape[:-2])
    result = jnp.linalg.solve(A, right)
    return result[..., 0] if vector else result


@op(where=("linalg",), out=True)
def solve_ex(A: Array, B: Array, *, left: bool = True, check_errors: bool = False) -> SolveEx:
    """:func:`solve`, and for each matrix the number of the first pivot that is 0, or 0."""
    return SolveEx(solve(A, B, left=left), _singular(A))


@op(where=("linalg",), out=True)
def solve_triangular(A: Array, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Array:
    """The X with ``A @ X = B`` (``X @ A = B`` with ``left=False``) for triangular A, whose other half is not read."""
    check_matrix("solve_triangular", A, square=True)
    check_broadcast(A.shape[:-2], B.shape[:-2])
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    A = jnp.broadcast_to(A, batch + A.shape[-2:])
    B = jnp.broadcast_to(B, batch + B.shape[-2:])
    return lax.linalg.triangular_solve(A, B, left_side=left, lower=not upper, unit_diagonal=unitriangular)


@op(method=True, out=True)
def triangular_solve(
    b: Array, A: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolve:
    """:func:`solve_triangular` under its old name: X, and A as it was given.

    Raises:
        RuntimeError: the sizes or the types do not fit.
    """
    for name, x in (("b", b), ("A", A)):
        if x.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, "
                f"but it has {x.ndim} dimensions instead"
            )
    if b.dtype != A.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {type_name(b.dtype)} and A of type "
            f"{type_name(A.dtype)} instead."
        )
    if b.shape[-2] != A.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shape[-2]} by {A.shape[-1]} "
            f"but each b matrix is {b.shape[-2]} by {b.shape[-1]}"
        )
    read = jnp.swapaxes(A, -2, -1) if transpose else A
    X = solve_triangular(read, b, upper=upper != transpose, unitriangular=unitriangular)
    return TriangularSolve(X, jnp.broadcast_to(A, X.shape[:-2] + A.shape[-2:]))


def _cutoff(A: Array, atol: Array | float | None, rtol: Array | float | None) -> Array:
    """The relative size below which a singular value counts as 0."""
    if rtol is None:
        rtol = 0.0 if atol is not None else max(A.shape[-2:]) * float(jnp.finfo(A.dtype).eps)
    relative = cast(rtol, real_of(A.dtype))
    if atol is None:
        return relative
    largest = jnp.max(jnp.linalg.svd(lax.stop_gradient(A), compute_uv=False), axis=-1)
    return jnp.maximum(relative, cast(atol, relative.dtype) / largest)


@op(where=("linalg",), out=True)
def pinv(
    A: Array,
    rcond: Array | float | None = None,
    hermitian: bool = False,
    *,
    atol: Array | float | None = None,
    rtol: Array | float | None = None,
) -> Array:
    """The Moore-Penrose inverse; singular values up to ``max(atol, rtol * largest)`` count as 0."""
    check_matrix("pinv", A)
    return _pinv(A, _cutoff(A, atol, rcond if rtol is None else rtol), hermitian)


@functools.partial(custom_gradient, static=(2,))
def _pinv(A: Array, rtol: Array, hermitian: bool) -> Array:
    if hermitian:  # the lower triangle is read
        below = jnp.tril(A, -1)
        A = jnp.where(jnp.eye(A.shape[-1], dtype=np.bool_), jnp.real(A), below + jnp.conj(jnp.swapaxes(below, -2, -1)))
    return jnp.linalg.pinv(A, rtol=rtol)


def _pinv_fwd(A: Array, rtol: Array, hermitian: bool) -> tuple[Array, tuple[Array, Array, Array]]:
    P = _pinv(A, rtol, hermitian)
    return P, (A, P, rtol)


def _pinv_bwd(hermitian: bool, saved: tuple[Array, Array, Array], g: Array) -> tuple[Array, Array]:
    """The derivative of ``P = pinv(A)`` at constant rank, conjugated as JAX's cotangents are.

    ``dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P``; G. Golub and V. Pereyra, The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate (1973).
    """
    A, P, rtol = saved

    def h(x: Array) -> Array:
        return jnp.conj(jnp.swapaxes(x, -2, -1))

    g = jnp.conj(g)
    G = h(g)
    K = G @ P
    right = G - K @ A
    left = G - A @ (P @ G)
    result = -h(P @ K) + left @ P @ h(P) + h(P) @ P @ right
    return jnp.conj(result), jnp.zeros_like(rtol)


_pinv.defvjp(_pinv_fwd, _pinv_bwd)


@op(method=True)
def pinverse(input: Array, rcond: float = 1e-15) -> Array:
    """The Moore-Penrose inverse: :func:`pinv` with ``rcond``."""
    return pinv(input, rcond)


@op(where=("linalg",), out=True, differentiable=False)
def matrix_rank(
    A: Array,
    tol: Array | float | None = None,
    hermitian: bool = False,
    *,
    atol: Array | float | None = None,
    rtol: Array | float | None = None,
) -> Array:
    """How many singular values are above ``max(atol, rtol * largest)``; ``tol`` is ``atol``'s old name."""
    check_matrix("matrix_rank", A)
    if A.size == 0:
        return jnp.zeros(A.shape[:-2], dtype=np.int64)
    values = jnp.linalg.svd(A, compute_uv=False)
    limit = _cutoff(A, tol if atol is None else atol, rtol) * jnp.max(values, axis=-1)
    return jnp.sum(values > limit[..., None], axis=-1, dtype=np.int64)


@op(where=("linalg",), out=True)
def lstsq(A: Array, B: Array, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X that makes ``|A @ X - B|`` least; of several, the shortest.

    ``residuals`` is empty unless A has more rows than columns and a ``driver`` other than ``"gelsy"`` is named;
    ``rank`` is empty with ``"gels"``, which takes full rank for granted;
    ``singular_values`` is empty unless ``driver`` is ``"gelsd"`` or ``"gelss"``.
    """
    check_matrix("lstsq", A)
    vector = _is_vector(A, B) and B.ndim < A.ndim
    right = B[..., None] if vector else B
    cutoff = _cutoff(A, None, rcond)
    solution = jnp.linalg.pinv(A, rtol=cutoff) @ right
    values = jnp.linalg.svd(lax.stop_gradient(A), compute_uv=False)
    rank = jnp.sum(values > cutoff * values[..., :1], axis=-1, dtype=np.int64)
    if driver == "gels":
        rank = jnp.zeros((0,), dtype=np.int64)
    empty = jnp.zeros((0,), dtype=values.dtype)
    wanted = A.shape[-2] > A.shape[-1] and driver not in (None, "gelsy")
    residuals = jnp.sum(jnp.abs(A @ solution - right) ** 2, axis=-2) if wanted else empty
    return Lstsq(
        solution[..., 0] if vector else solution, residuals, rank, values if driver in ("gelsd", "gelss") else empty
    )


@op(where=("torch", "linalg"), method=True, out=True)
def matrix_power(A: Array, n: int) -> Array:
    """``A @ A @ ... @ A``, ``n`` times; of the inverse for negative ``n``."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        check_matrix("matrix_power", A, square=True)
    return jnp.linalg.matrix_power(A, n)


@op(where=("torch", "linalg"), method=True)
def matrix_exp(A: Array) -> Array:
    """``I + A + A @ A / 2 + ...``: the exponential of square matrices."""
    check_matrix("matrix_exp", A, square=True)
    return _matrix_exp(A)


@custom_gradient
def _matrix_exp(A: Array) -> Array:
    """Halved until it is small, 18 terms of Taylor's series, and squared as often.

    Source: Bader, Blanes, Casas, Computing the matrix exponential with an optimized Taylor polynomial approximation
    (2019), for how small that is.
    """
    small = 1.09 if real_of(A.dtype) == np.float64 else 3.01
    norm = jnp.max(jnp.sum(jnp.abs(A), axis=-2), axis=-1, initial=0)
    halvings = jnp.maximum(jnp.ceil(jnp.log2(norm / small)), 0)
    halvings = jnp.where(jnp.isfinite(halvings), halvings, 0)[..., None, None]
    x = A * cast(jnp.exp2(-halvings), A.dtype)
    powers = [jnp.broadcast_to(jnp.eye(A.shape[-1], dtype=A.dtype), A.shape), x, x @ x]
    cube = powers[2] @ x
    total = powers[0] / math.factorial(18)
    for first in range(15, -1, -3):
        total = total @ cube + sum(powers[i] / math.factorial(first + i) for i in range(3))
    return lax.fori_loop(
        0,
        cast(jnp.max(halvings, initial=0), np.int32),
        lambda i, y: jnp.where(i < halvings, y @ y, y),
        total,
    )


def _matrix_exp_bwd(A: Array, g: Array) -> tuple[Array]:
    """The derivative at A^H in the direction g: a block of the exponential of ``[[A^H, g], [0, A^H]]``.

    Source: N. Higham, Functions of Matrices (2008), theorem 3.6.
    """
    n, adjoint = A.shape[-1], jnp.conj(jnp.swapaxes(A, -2, -1))
    upper = jnp.concatenate([adjoint, g], axis=-1)
    lower = jnp.concatenate([jnp.zeros_like(A), adjoint], axis=-1)
    return (_matrix_exp(jnp.concatenate([upper, lower], axis=-2))[..., :n, n:],)


_matrix_exp.defvjp(lambda A: (_matrix_exp(A), A), _matrix_exp_bwd)


@op(where=("linalg",), out=True)
def tensorinv(A: Array, ind: int = 2) -> Array:
    """The inverse of A seen as a map from its last dimensions to its first ``ind``."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows, columns = (int(np.prod(s, dtype=np.int64)) for s in (A.shape[:ind], A.shape[ind:]))
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
            f"but got {columns} != {rows}"
        )
    return jnp.reshape(inv(jnp.reshape(A, (rows, columns))), A.shape[ind:] + A.shape[:ind])


@op(where=("linalg",), out=True)
def tensorsolve(A: Array, B: Array, dims: tuple[int, ...] | None = None) -> Array:
    """The X with ``tensordot(A, X, X.ndim) = B``."""
    if dims is not None:
        A = jnp.moveaxis(A, dims, range(A.ndim - len(dims), A.ndim))
    unknown = A.shape[B.ndim :]
    size = int(np.prod(unknown, dtype=np.int64))
    if size != B.size:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {size} != {B.size}"
        )
    return jnp.reshape(solve(jnp.reshape(A, (size, size)), jnp.ravel(B)), unknown)


@op(method=True, inplace=True, out=True)
def triu(input: Array, diagonal: int = 0) -> Array:
    """The part of matrices on and above a diagonal; 0 elsewhere.

    Raises:
        RuntimeError: the input has fewer than two dimensions.
    """
    if input.ndim < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return jnp.triu(input, diagonal)


@op(method=True, inplace=True, out=True)
def tril(input: Array, diagonal: int = 0) -> Array:
    """The part of matrices on and below a diagonal; 0 elsewhere.

    Raises:
        RuntimeError: the input has fewer than two dimensions.
    """
    if input.ndim < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return jnp.tril(input, diagonal)


@op(method=True)
def trace(input: Array) -> Array:
    """The sum of a matrix's diagonal; integers sum to int64.

    Raises:
        RuntimeError: the input is not a matrix.
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return sum_(jnp.diagonal(input))


@op(where=("linalg",))
def vander(x: Array, *, N: int | None = None) -> Array:
    """The powers 0, 1, ..., N - 1 of each element, in a new last dimension."""
    x = jnp.atleast_1d(x)
    size = x.shape[-1] if N is None else N
    x = x if is_inexact(x.dtype) else cast(x, np.int64)
    ones = jnp.ones((*x.shape, 1), dtype=x.dtype)
    if size <= 1:
        return ones[..., :size]
    repeated = jnp.broadcast_to(x[..., None], (*x.shape, size - 1))
    return jnp.concatenate([ones, lax.cumprod(repeated, axis=x.ndim)], axis=-1)


@op(name="vander")
def torch_vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """The powers of each element of a vector, falling unless ``increasing``."""
    powers = vander(x, N=N)
    return powers if increasing else jnp.flip(powers, -1)
