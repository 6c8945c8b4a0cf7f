"""Sums and softmaxes of sparse Tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.sparse.construction import coalesce, host, to_sparse
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.sparse import Stored, pack, values_of

_torch = namespace("torch")


def sum(input: Tensor, dim: int | Sequence[int] | None = None, dtype: Any = None) -> Tensor:
    """The sum over dimensions of a sparse Tensor: sparse, as long as a sparse dimension is left.

    Args:
        input: a sparse Tensor.
        dim: which dimensions; all if left out.
        dtype: the type to sum in.

    >>> import fxtorch as torch
    >>> torch.sparse.sum(torch.eye(2).to_sparse(), 0).to_dense()
    tensor([1., 1.])
    """
    values = values_of(input) if dtype is None else values_of(input).to(dtype)
    if dim is None:
        return values.sum()
    stored: Stored = unwrap(to_sparse(input))
    values = values if stored is input._data else values_of(to_sparse(input))
    gone = {d % input.ndim for d in ((dim,) if isinstance(dim, int) else dim)}
    sparse = stored.indices[0].shape[0]
    dense_gone = [d - sparse + 1 for d in gone if d >= sparse]
    if dense_gone:
        values = values.sum(dense_gone)
    kept = [d for d in range(sparse) if d not in gone]
    if not kept:
        return values.sum(0)
    shape = tuple(n for d, n in enumerate(stored.shape) if d not in gone)
    index = stored.indices[0][np.array(kept)]
    summed = pack(values, Stored(None, (index,), shape, "coo", stored.coalesced and len(kept) == sparse))
    return coalesce(summed)


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Softmax along ``dim`` over the elements that are there: those that are not count as minus infinity.

    Args:
        input: a COO Tensor.
        dim: along which dimension.
        dtype: the type to compute in.
    """
    return _softmax(input, dim, dtype, log=False)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`."""
    return _softmax(input, dim, dtype, log=True)


def _softmax(input: Tensor, dim: int, dtype: Any, *, log: bool) -> Tensor:
    input = coalesce(to_sparse(input))
    stored: Stored = unwrap(input)
    values = values_of(input) if dtype is None else values_of(input).to(dtype)
    dim, sparse = dim % input.ndim, stored.indices[0].shape[0]
    if dim >= sparse:
        return pack(values.log_softmax(dim - sparse + 1) if log else values.softmax(dim - sparse + 1), stored)
    index = host(stored.indices[0], "softmax()")
    others = np.delete(index, dim, axis=0)
    _, line = np.unique(others, axis=1, return_inverse=True) if len(others) else (None, np.zeros(index.shape[1], int))
    lines = int(line.max(initial=-1)) + 1
    at = wrap(jnp.asarray(line.reshape(-1).astype(np.int64)))
    rest = tuple(values.shape[1:])
    spread = at.reshape(-1, *(1,) * len(rest)).expand(-1, *rest)
    top = _torch["full"]((lines, *rest), -np.inf, dtype=values.dtype)
    top = top.scatter_reduce(0, spread, values.detach(), "amax", include_self=False)
    shifted = values - top[at]
    totals = _torch["zeros"]((lines, *rest), dtype=values.dtype).index_add(0, at, shifted.exp())[at]
    return pack(shifted - totals.log() if log else shifted.exp() / totals, stored)
