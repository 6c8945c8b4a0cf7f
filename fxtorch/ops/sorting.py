"""Sorting and selection by rank along a dimension."""

from __future__ import annotations

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import cast, is_float
from fxtorch.ops.extrema import ValuesIndices, pick
from fxtorch.ops.table import Array, Out, op


def _order(input: Array, dim: int, descending: bool) -> Array:
    """The stable order along ``dim``; NaN counts as the largest."""
    x = jnp.flip(input, dim) if descending else input
    x = cast(x, np.uint8) if x.dtype == np.bool_ else x
    place = lax.broadcasted_iota(np.dtype("int64"), x.shape, dim)
    if descending:
        place = x.shape[dim] - 1 - place
    order = lax.sort((lax.stop_gradient(x), place), dimension=dim, is_stable=True, num_keys=1)[1]
    return jnp.flip(order, dim) if descending else order


@op(method=True, out=Out(typed=True), real=RuntimeError)
def sort(input: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> ValuesIndices:
    """The elements in order along ``dim``, and where they stood.  Always stable; NaN counts as the largest."""
    d = wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        return ValuesIndices(input, jnp.zeros((), dtype=np.int64))
    order = _order(input, d, descending)
    return ValuesIndices(jnp.take_along_axis(input, order, axis=d), order)


@op(method=True, out=True, differentiable=False, real=RuntimeError)
def argsort(input: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Array:
    """Where the elements in order along ``dim`` stood: the indices of :func:`sort`."""
    d = wrap_dim(dim, input.ndim)
    return _order(input, d, descending) if input.ndim else jnp.zeros((), dtype=np.int64)


@op(method=True, out=True, real=RuntimeError)
def msort(input: Array) -> Array:
    """The elements in order along the first dimension."""
    return sort(input, 0).values


@op(method=True, out=Out(typed=True), real=RuntimeError)
def topk(input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """The ``k`` largest (or smallest) elements along ``dim`` in order, and where they stood.

    Raises:
        RuntimeError: there are fewer than ``k``.
    """
    d = wrap_dim(dim, input.ndim)
    if not 0 <= k <= (input.shape[d] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if input.ndim == 0:
        found = topk(input[None], k, 0, largest, sorted)
        return ValuesIndices(found.values[0], found.indices[0]) if k else found
    x = lax.stop_gradient(input)
    if x.dtype == np.bool_:
        x = cast(x, np.uint8)
    if is_float(x.dtype):
        # The total order that top_k uses puts NaN of either sign at its ends; torch counts each as the largest.
        x = jnp.where(x != x, jnp.full((), np.nan, dtype=x.dtype), x)
    if not largest:
        x = lax.neg(x) if is_float(x.dtype) else lax.bitwise_not(x)
    places = jnp.moveaxis(lax.top_k(jnp.moveaxis(x, d, -1), k)[1], -1, d)
    return pick(input, cast(places, np.int64), d, keepdim=True)


@op(method=True, out=Out(typed=True, apart=True), real=True)
def kthvalue(input: Array, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The ``k``-th smallest element along ``dim``, counted from 1, and where it stood.

    Raises:
        RuntimeError: there are fewer than ``k``.
    """
    d = wrap_dim(dim, input.ndim)
    if not 1 <= k <= (input.shape[d] if input.ndim else 1):
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(d))
    if input.ndim == 0:
        return ValuesIndices(input, jnp.zeros((), dtype=np.int64))
    return pick(input, lax.slice_in_dim(_order(input, d, False), k - 1, k, axis=d), d, keepdim)
