"""The largest, the smallest, the middle and the most frequent element over dimensions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dim, wrap_dims
from fxtorch.ops.comparison import maximum, minimum
from fxtorch.ops.dtypes import cast, is_complex, is_float, is_inexact, type_name
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.table import Array, Out, Strict, op

Dims = int | tuple[int, ...] | None


class ValuesIndices(NamedTuple):
    """Elements along a dimension, and where they stood."""

    values: Array
    indices: Array


class MinMax(NamedTuple):
    """The result of :func:`aminmax`."""

    min: Array
    max: Array


def check_nonempty(name: str, input: Array, dims: tuple[int, ...], dim: Dims) -> None:
    """Raise where there is nothing to choose from.

    Raises:
        IndexError: a dimension in ``dims`` has size 0.
    """
    for d in dims:
        if input.shape[d] == 0:
            raise (RuntimeError if dim is None and name in ("amax", "amin") else IndexError)(
                f"{name}(): Expected reduction dim {d} to have non-zero size."
                if dim is not None
                else f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )


def pick(input: Array, indices: Array, dim: int, keepdim: bool) -> ValuesIndices:
    """The elements at ``indices``, which has size 1 along ``dim``; the gradient goes to them alone."""
    if input.ndim == 0:
        return ValuesIndices(input, jnp.reshape(indices, ()))
    values = jnp.take_along_axis(input, indices, axis=dim)
    if keepdim:
        return ValuesIndices(values, indices)
    return ValuesIndices(jnp.squeeze(values, dim), jnp.squeeze(indices, dim))


@op(method=True, out=True, real=True)
def amax(input: Array, dim: Dims = (), keepdim: bool = False) -> Array:
    """The largest element over ``dim``; equal ones share the gradient evenly.

    Raises:
        IndexError: there is no element.
    """
    dims = wrap_dims(dim, input.ndim)
    check_nonempty("amax", input, dims, None if dim == () else dim)
    return jnp.max(input, axis=dims, keepdims=keepdim)


@op(method=True, out=True, real=True)
def amin(input: Array, dim: Dims = (), keepdim: bool = False) -> Array:
    """The smallest element over ``dim``; equal ones share the gradient evenly.

    Raises:
        IndexError: there is no element.
    """
    dims = wrap_dims(dim, input.ndim)
    check_nonempty("amin", input, dims, None if dim == () else dim)
    return jnp.min(input, axis=dims, keepdims=keepdim)


@op(method=True, out=Out(typed=True), real=True)
def aminmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """:func:`amin` and :func:`amax` at once."""
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


def _arg(name: str, input: Array, dim: int | None, keepdim: bool) -> Array:
    if is_complex(input.dtype):
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{type_name(input.dtype)}'")
    find = jnp.argmax if name in ("argmax", "max") else jnp.argmin
    check_nonempty(name, input, wrap_dims(dim, input.ndim), dim)
    x = cast(input, np.uint8) if input.dtype == np.bool_ else input
    if dim is None or x.ndim == 0:
        place = find(jnp.ravel(x))
        return cast(jnp.reshape(place, (1,) * x.ndim if keepdim else ()), np.int64)
    return cast(find(x, axis=wrap_dim(dim, x.ndim), keepdims=keepdim), np.int64)


@op(method=True, out=Out(typed=True), differentiable=False)
def argmax(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The place of the first largest element (of the flattened input without ``dim``), as int64."""
    return _arg("argmax", input, dim, keepdim)


@op(method=True, out=Out(typed=True), differentiable=False)
def argmin(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The place of the first smallest element (of the flattened input without ``dim``), as int64."""
    return _arg("argmin", input, dim, keepdim)


def _extreme(
    name: str, input: Array, dim: Array | int | None, keepdim: bool, other: Array | None
) -> Array | ValuesIndices:
    larger = name == "max"
    if other is None and dim is not None and not isinstance(dim, int | np.integer):
        other = dim
    if other is not None:
        return maximum(input, other) if larger else minimum(input, other)
    if dim is None:
        if input.size == 0:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        return jnp.max(input) if larger else jnp.min(input)
    return pick(input, _arg(name, input, int(dim), True), wrap_dim(int(dim), input.ndim), keepdim)


@op(name="max", method=True, out=True, real=True)
def max_(
    input: Strict, dim: Array | int | None = None, keepdim: bool = False, *, other: Array | None = None
) -> Array | ValuesIndices:
    """The largest element; with ``dim``, the first largest along it and its index; with a Tensor, :func:`maximum`.

    Raises:
        RuntimeError: there is no element.
        IndexError: there is none along ``dim``.
    """
    return _extreme("max", input, dim, keepdim, other)


@op(name="min", method=True, out=True, real=True)
def min_(
    input: Strict, dim: Array | int | None = None, keepdim: bool = False, *, other: Array | None = None
) -> Array | ValuesIndices:
    """The smallest element; with ``dim``, the first smallest along it and its index; with a Tensor, :func:`minimum`.

    Raises:
        RuntimeError: there is no element.
        IndexError: there is none along ``dim``.
    """
    return _extreme("min", input, dim, keepdim, other)


@custom_gradient
def _shared(input: Array, value: Array) -> Array:
    """``value``, an element of ``input``; all elements equal to it share its gradient."""
    del input
    return value


def _shared_fwd(input: Array, value: Array) -> tuple[Array, tuple[Array, Array]]:
    return value, (input, value)


def _shared_bwd(saved: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    input, value = saved
    equal = (input == value) | ((input != input) & (value != value))
    return cast(equal, input.dtype) * (g / cast(jnp.sum(equal), input.dtype)), jnp.zeros_like(value)


_shared.defvjp(_shared_fwd, _shared_bwd)


def _median_place(input: Array, dim: int, skip_nan: bool) -> Array:
    """Where along ``dim`` the lower median stands; a NaN, unless skipped, is the median."""
    order = jnp.argsort(input, axis=dim, stable=True)
    size = input.shape[dim]
    if not is_float(input.dtype):
        return cast(lax.slice_in_dim(order, (size - 1) // 2, (size - 1) // 2 + 1, axis=dim), np.int64)
    nans = jnp.sum(input != input, axis=dim, keepdims=True, dtype=np.int64)
    numbers = size - nans
    middle = jnp.maximum((numbers - 1) // 2, 0)
    place = middle if skip_nan else jnp.where(nans > 0, numbers, (size - 1) // 2)
    return cast(jnp.take_along_axis(order, place, axis=dim), np.int64)


def _median(name: str, input: Array, dim: int | None, keepdim: bool) -> Array | ValuesIndices:
    skip_nan = name == "nanmedian"
    if dim is not None:
        d = wrap_dim(dim, input.ndim)
        x = input if input.ndim else input[None]
        if x.shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
        return pick(input, _median_place(x, d, skip_nan), d, keepdim)
    if input.size == 0:
        return jnp.full((), np.nan, dtype=input.dtype)
    flat = jnp.ravel(input)
    value = flat[_median_place(flat, 0, skip_nan)[0]]
    return _shared(input, value) if is_inexact(input.dtype) else value


@op(method=True, out=True, real=True)
def median(input: Array, dim: int | None = None, keepdim: bool = False) -> Array | ValuesIndices:
    """The lower median; with ``dim``, along it, and its index.  NaN where there is one."""
    return _median("median", input, dim, keepdim)


@op(method=True, out=True, real=True)
def nanmedian(input: Array, dim: int | None = None, keepdim: bool = False) -> Array | ValuesIndices:
    """The lower median of the elements that are not NaN; with ``dim``, along it, and its index."""
    return _median("nanmedian", input, dim, keepdim)


@op(method=True, out=Out(typed=True), real=True)
def mode(input: Array, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent element along ``dim``, the smallest such, and where it stands last."""
    d = wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        return ValuesIndices(input, jnp.zeros((), dtype=np.int64))
    x = jnp.moveaxis(input, d, -1)
    order = jnp.argsort(x, axis=-1, stable=True)
    ranked = jnp.take_along_axis(x, order, axis=-1)
    place = jnp.arange(x.shape[-1], dtype=np.int64)
    fresh = jnp.concatenate(
        [jnp.ones((*x.shape[:-1], 1), dtype=np.bool_), ranked[..., 1:] != ranked[..., :-1]], axis=-1
    )
    run = place - lax.cummax(jnp.where(fresh, place, 0), axis=x.ndim - 1)
    best = jnp.argmax(run, axis=-1, keepdims=True)
    indices = cast(jnp.take_along_axis(order, best, axis=-1), np.int64)
    return pick(input, jnp.moveaxis(indices, -1, d), d, keepdim)


def _quantile(input: Array, q: Array, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool) -> Array:
    if not is_float(input.dtype):
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    if input.size == 0:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if jnp.ndim(q) > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    shape = input.shape
    d = 0 if dim is None else wrap_dim(dim, input.ndim)
    x = jnp.ravel(input) if dim is None else jnp.moveaxis(input if input.ndim else input[None], d, -1)
    ranked = jnp.sort(x, axis=-1)
    qs = jnp.reshape(cast(q, x.dtype), (-1,) + (1,) * (x.ndim - 1))
    nans = jnp.sum(x != x, axis=-1, dtype=np.int64)
    last = cast(x.shape[-1] - 1 - (nans if skip_nan else 0), x.dtype)
    rank = qs * jnp.maximum(last, 0)
    if not skip_nan:
        rank = jnp.where(nans > 0, x.shape[-1] - 1, rank)
    if interpolation == "lower":
        rank = jnp.floor(rank)
    elif interpolation == "higher":
        rank = jnp.ceil(rank)
    elif interpolation == "nearest":
        rank = jnp.round(rank)
    below = jnp.floor(rank)

    def at(place: Array) -> Array:
        index = jnp.moveaxis(cast(place, np.int64), 0, -1)
        return jnp.moveaxis(jnp.take_along_axis(ranked, index, axis=-1), -1, 0)

    weight = jnp.full_like(rank, 0.5) if interpolation == "midpoint" else rank - below
    low, high = at(below), at(jnp.ceil(rank))
    result = low + weight * (high - low)
    if keepdim:
        kept = tuple(1 if dim is None or i == d else n for i, n in enumerate(shape))
        result = jnp.reshape(result, (result.shape[0], *kept))
    return result if jnp.ndim(q) else result[0]


@op(method=True, out=True)
def quantile(
    input: Array, q: Array, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Array:
    """The ``q``-quantiles (in [0, 1]) over ``dim``; a 1-dim ``q`` adds a leading dimension.  NaN where there is one.

    Raises:
        RuntimeError: the input is not floating or is empty, or ``interpolation`` is unknown.
    """
    return _quantile(input, q, dim, keepdim, interpolation, skip_nan=False)


@op(method=True, out=True)
def nanquantile(
    input: Array, q: Array, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Array:
    """:func:`quantile` of the elements that are not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, skip_nan=True)
