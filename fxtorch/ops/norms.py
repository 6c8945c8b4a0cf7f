"""Norms of vectors and matrices under ``torch.linalg``'s names."""

from __future__ import annotations

import numpy as np
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dims
from fxtorch.ops.dtypes import cast, is_inexact
from fxtorch.ops.pointwise import abs
from fxtorch.ops.reduction import Dims, vector_norm_of
from fxtorch.ops.table import Array, op


def _floating(name: str, x: Array, dtype: np.dtype | None) -> Array:
    x = x if dtype is None else cast(x, dtype)
    if not is_inexact(x.dtype):
        raise RuntimeError(f"linalg.{name}: Expected a floating point or complex tensor as input. Got {x.dtype}")
    return x


@op(where=("linalg",), out=True)
def vector_norm(
    x: Array, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: np.dtype | None = None
) -> Array:
    """``sum(|x| ** ord) ** (1 / ord)`` over ``dim`` (all by default).

    Raises:
        RuntimeError: the input is not floating.
    """
    x = _floating("vector_norm", x, dtype)
    return vector_norm_of(x, float(ord), wrap_dims(dim, x.ndim), keepdim)


def _extreme(x: Array, ord: float) -> Array:
    """The largest of the last dimension for a positive ``ord``, else the smallest; of nothing 0 is the largest.

    Raises:
        IndexError: the smallest of nothing is asked for.
    """
    if x.shape[-1]:
        return (jnp.max if ord > 0 else jnp.min)(x, axis=-1)
    if ord < 0:
        raise IndexError("amin(): Expected reduction dim -1 to have non-zero size.")
    return jnp.zeros(x.shape[:-1], dtype=x.dtype)


@op(where=("linalg",), out=True)
def matrix_norm(
    A: Array,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: np.dtype | None = None,
) -> Array:
    """The norm of the matrices in the dimensions ``dim``.

    Args:
        A: at least 2-dim.
        ord: ``"fro"``, ``"nuc"``, or 1, -1 (columns), inf, -inf (rows), 2, -2 (singular values).
        dim: the two dimensions.
        keepdim: keep them with size 1.
        dtype: the type to compute in.

    Raises:
        RuntimeError: the input is not floating or not a matrix, or ``ord`` is unknown.
    """
    A = _floating("matrix_norm", A, dtype)
    if A.ndim < 2:
        raise RuntimeError(f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions. Got {A.ndim}")
    dims = wrap_dims(dim, A.ndim)
    if ord == "fro":
        return vector_norm_of(A, 2.0, dims, keepdim)
    rows_last = jnp.moveaxis(A, dims, (-2, -1))
    if ord in ("nuc", 2, -2):
        values = jnp.linalg.svd(rows_last, compute_uv=False)
        result = jnp.sum(values, axis=-1) if ord == "nuc" else _extreme(values, ord)
    elif ord in (1, -1, np.inf, -np.inf):
        sums = jnp.sum(abs(rows_last), axis=-2 if ord in (1, -1) else -1)
        result = _extreme(sums, ord)
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    return jnp.expand_dims(result, dims) if keepdim else result


@op(name="norm", where=("linalg",), out=True)
def linalg_norm(
    A: Array,
    ord: float | str | None = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: np.dtype | None = None,
) -> Array:
    """:func:`vector_norm` or :func:`matrix_norm`, as ``dim`` (else the number of dimensions) says.

    Without ``ord``, the 2-norm of all elements.

    Raises:
        RuntimeError: ``ord`` is given without ``dim`` for an input that is neither vector nor matrix.
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    pair = A.ndim == 2 if dim is None else not isinstance(dim, int) and len(dim) == 2
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    if pair or isinstance(ord, str):
        return matrix_norm(A, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


@op(where=("linalg",), out=True)
def cond(A: Array, p: float | str | None = None) -> Array:
    """``norm(A, p) * norm(inv(A), p)``; by default the largest over the smallest singular value."""
    A = _floating("cond", A, None)
    if p is None or p in (2, -2):
        values = jnp.linalg.svd(A, compute_uv=False)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    return matrix_norm(A, p) * matrix_norm(jnp.linalg.inv(A), p)
