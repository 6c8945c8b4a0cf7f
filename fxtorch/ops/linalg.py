"""Inverses, determinants, linear systems and functions of matrices."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import cast, is_inexact, real_of
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


def info_of(result: Array) -> Array:
    """0 for each matrix that is finite, else 1: what torch's ``_ex`` forms report."""
    return cast(~jnp.all(jnp.isfinite(result), axis=(-2, -1)), np.int32)


@op(where=("linalg",), out=True, aliases=("torch.inverse", "Tensor.inverse"))
def inv(A: Array) -> Array:
    """The inverse of square matrices; a singular one gives infinities or NaN (torch raises)."""
    check_matrix("inv", A, square=True)
    return jnp.linalg.inv(A)


@op(where=("linalg",), out=True)
def inv_ex(A: Array, *, check_errors: bool = False) -> InvEx:
    """:func:`inv`, and 1 for each matrix that has none."""
    inverse = inv(A)
    return InvEx(inverse, info_of(inverse))


@op(where=("torch", "linalg"), method=True)
def det(A: Array) -> Array:
    """The determinant."""
    check_matrix("det", A, square=True)
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
    """:func:`solve`, and 1 for each system that has no solution."""
    return SolveEx(solve(A, B, left=left), info_of(jnp.linalg.inv(A)))


@op(where=("linalg",), out=True)
def solve_triangular(A: Array, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Array:
    """The X with ``A @ X = B`` (``X @ A = B`` with ``left=False``) for triangular A, whose other half is not read."""
    check_matrix("solve_triangular", A, square=True)
    check_broadcast(A.shape[:-2], B.shape[:-2])
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    A = jnp.broadcast_to(A, batch + A.shape[-2:])
    B = jnp.broadcast_to(B, batch + B.shape[-2:])
    return lax.linalg.triangular_solve(A, B, left_side=left, lower=not upper, unit_diagonal=unitriangular)


def _cutoff(A: Array, atol: float | None, rtol: float | None) -> Array:
    """The relative size below which a singular value counts as 0."""
    if rtol is None:
        rtol = 0.0 if atol is not None else max(A.shape[-2:]) * float(jnp.finfo(A.dtype).eps)
    relative = cast(rtol, real_of(A.dtype))
    if atol is None:
        return relative
    largest = jnp.max(jnp.linalg.svd(lax.stop_gradient(A), compute_uv=False), axis=-1)
    return jnp.maximum(relative, atol / largest)


@op(where=("linalg",), out=True)
def pinv(
    A: Array,
    rcond: float | None = None,
    hermitian: bool = False,
    *,
    atol: float | None = None,
    rtol: float | None = None,
) -> Array:
    """The Moore-Penrose inverse; singular values up to ``max(atol, rtol * largest)`` count as 0."""
    check_matrix("pinv", A)
    return jnp.linalg.pinv(A, rtol=_cutoff(A, atol, rcond if rtol is None else rtol), hermitian=hermitian)


@op(method=True)
def pinverse(input: Array, rcond: float = 1e-15) -> Array:
    """The Moore-Penrose inverse: :func:`pinv` with ``rcond``."""
    return pinv(input, rcond)


@op(where=("linalg",), out=True, differentiable=False)
def matrix_rank(
    A: Array,
    tol: float | None = None,
    hermitian: bool = False,
    *,
    atol: float | None = None,
    rtol: float | None = None,
) -> Array:
    """How many singular values are above ``max(atol, rtol * largest)``; ``tol`` is ``atol``'s old name."""
    check_matrix("matrix_rank", A)
    values = jnp.linalg.svd(A, compute_uv=False)
    limit = _cutoff(A, tol if atol is None else atol, rtol) * jnp.max(values, axis=-1)
    return jnp.sum(values > limit[..., None], axis=-1, dtype=np.int64)


@op(where=("linalg",))
def lstsq(A: Array, B: Array, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X that makes ``|A @ X - B|`` least; of several, the shortest.

    ``residuals`` is empty unless A has more rows than columns and a ``driver`` other than ``"gelsy"`` is named;
    ``singular_values`` is empty unless ``driver`` is ``"gelsd"`` or ``"gelss"``.
    """
    check_matrix("lstsq", A)
    vector = _is_vector(A, B) and B.ndim < A.ndim
    right = B[..., None] if vector else B
    cutoff = _cutoff(A, None, rcond)
    solution = jnp.linalg.pinv(A, rtol=cutoff) @ right
    values = jnp.linalg.svd(lax.stop_gradient(A), compute_uv=False)
    rank = jnp.sum(values > cutoff * values[..., :1], axis=-1, dtype=np.int64)
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
    return jax.scipy.linalg.expm(A)


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
    return jnp.linalg.tensorsolve(A, B, axes=dims)


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
    diagonal = jnp.diagonal(input)
    return jnp.sum(diagonal, dtype=input.dtype if is_inexact(input.dtype) else np.int64)


@op(where=("linalg",))
def vander(x: Array, *, N: int | None = None) -> Array:
    """The powers 0, 1, ..., N - 1 of each element, in a new last dimension."""
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
