"""Householder reflections: QR factors as LAPACK keeps them, and products with the orthogonal matrix they stand for.

The product of k reflections ``I - tau_i v_i v_i^H`` is ``I - V T V^H`` with a triangular T (Schreiber and Van Loan
1989), found from ``V^H V`` and ``tau`` alone (Puglisi 1992): matrix products that have derivatives of their own.
"""

from __future__ import annotations

from typing import NamedTuple

from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import type_name
from fxtorch.ops.linalg import check_matrix
from fxtorch.ops.table import Array, op


class Geqrf(NamedTuple):
    """The result of :func:`geqrf`."""

    a: Array
    tau: Array


def _transposed(A: Array) -> Array:
    return jnp.conj(jnp.swapaxes(A, -2, -1))


def _check(name: str, A: Array, tau: Array) -> None:
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if A.dtype != tau.dtype:
        raise RuntimeError(
            f"{name}: Expected input and tau to have the same dtype, but input has dtype{type_name(A.dtype)} "
            f"and tau has dtype {type_name(tau.dtype)}"
        )


def _apply(A: Array, tau: Array, B: Array, *, adjoint: bool = False) -> Array:
    """``Q @ B`` (``Q^H @ B``), Q being the product of the reflections below the diagonal of A."""
    k = tau.shape[-1]
    V = jnp.tril(A[..., :, :k], -1) + jnp.eye(A.shape[-2], k, dtype=A.dtype)
    scaled = tau[..., :, None] * jnp.triu(_transposed(V) @ V, 1)
    right = _transposed(V) @ B
    unit = jnp.eye(k, dtype=A.dtype) + scaled
    if adjoint:
        half = lax.linalg.triangular_solve(
            unit, right, left_side=True, lower=False, transpose_a=True, conjugate_a=True, unit_diagonal=True
        )
        return B - V @ (jnp.conj(tau)[..., :, None] * half)
    T = lax.linalg.triangular_solve(unit, tau[..., :, None] * right, left_side=True, lower=False, unit_diagonal=True)
    return B - V @ T


@op(where=("linalg",), out=True, aliases=("torch.orgqr", "Tensor.orgqr"))
def householder_product(A: Array, tau: Array) -> Array:
    """The first n columns of the product of the k reflections in A and ``tau``, as :func:`geqrf` gives them.

    Args:
        A: (..., m, n) with m >= n.
        tau: (..., k) with k <= n.

    Raises:
        RuntimeError: the sizes or the types do not fit.
    """
    name = "torch.linalg.householder_product"
    _check(name, A, tau)
    if A.shape[-2] < A.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if A.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    return _apply(A, tau, jnp.broadcast_to(jnp.eye(*A.shape[-2:], dtype=A.dtype), A.shape))


@op(method=True, out=True)
def ormqr(input: Array, tau: Array, other: Array, left: bool = True, transpose: bool = False) -> Array:
    """``Q @ other``, Q being the square product of the reflections in ``input`` and ``tau``.

    Args:
        input: (..., m, k).
        tau: (..., k).
        other: (..., m, n), or (..., n, m) with ``left=False``.
        left: whether Q stands at the left of ``other``.
        transpose: take the conjugate transpose of Q.

    Raises:
        RuntimeError: the sizes or the types do not fit.
    """
    _check("torch.ormqr", input, tau)
    if other.ndim < 2:
        raise RuntimeError("torch.ormqr: other must have at least 2 dimensions.")
    side = -2 if left else -1
    if other.shape[side] < tau.shape[-1]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be greater than or equal to tau.shape[-1]")
    if tau.shape[-1] != min(other.shape[side], input.shape[-1]):
        raise RuntimeError(f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if other.shape[side] != input.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if left:
        return _apply(input, tau, other, adjoint=transpose)
    return _transposed(_apply(input, tau, _transposed(other), adjoint=not transpose))


@op(method=True, out=True, differentiable=False)
def geqrf(input: Array) -> Geqrf:
    """The QR factors as LAPACK keeps them: R on and above the diagonal, the reflections that make Q below it.

    Raises:
        RuntimeError: the input is not a floating matrix or batch of them.
    """
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    check_matrix("geqrf", input)
    packed, tau = jnp.linalg.qr(input, mode="raw")
    return Geqrf(jnp.swapaxes(packed, -2, -1), tau)
