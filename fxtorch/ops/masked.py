"""Reductions and normalisations of the elements that a mask selects, under ``torch.masked``'s names.

``mask`` is True where an element counts, and broadcasts to the input; without it all elements count.  Where none
counts, a result is what the operation gives of nothing: 0 for a sum, NaN for a mean.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.ops import cumulative, extrema, reduction, softmax
from fxtorch.ops.checks import wrap_dim, wrap_dims
from fxtorch.ops.dtypes import cast, is_inexact
from fxtorch.ops.reduction import Dims, safe_sqrt, vector_norm_of
from fxtorch.ops.table import Array, op

_SPACE = ("masked",)


def _selected(input: Array, mask: Array | None) -> Array:
    """The mask in the shape of the input.

    Raises:
        IndexError: it has more dimensions.
    """
    if mask is None:
        return jnp.ones(input.shape, dtype=np.bool_)
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    return jnp.broadcast_to(mask != 0, input.shape)


def _filled(input: Array, mask: Array | None, value: Any) -> Array:
    return input if mask is None else jnp.where(_selected(input, mask), input, cast(value, input.dtype))


def _least(dtype: Any) -> Any:
    """A value that no other is less than."""
    if dtype == np.bool_:
        return False
    return -np.inf if is_inexact(dtype) else np.iinfo(dtype).min


def _most(dtype: Any) -> Any:
    """A value that no other is more than."""
    if dtype == np.bool_:
        return True
    return np.inf if is_inexact(dtype) else np.iinfo(dtype).max


def _typed(input: Array, dtype: Any) -> Array:
    return input if dtype is None else cast(input, dtype)


def _floating(input: Array, dtype: Any) -> Array:
    x = _typed(input, dtype)
    return x if is_inexact(x.dtype) else cast(x, np.dtype("float32"))


@op(name="sum", where=_SPACE)
def masked_sum(
    input: Array, dim: Dims = None, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """The sum of the selected elements over ``dim``."""
    return reduction.sum_(_filled(input, mask, 0), dim, keepdim, dtype=dtype)


@op(name="prod", where=_SPACE)
def masked_prod(
    input: Array, dim: Dims = None, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """The product of the selected elements over ``dim``."""
    return reduction.prod(_filled(input, mask, 1), dim, keepdim, dtype=dtype)


@op(name="amax", where=_SPACE)
def masked_amax(
    input: Array, dim: Dims = None, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """The largest selected element over ``dim``."""
    x = _typed(input, dtype)
    return extrema.amax(_filled(x, mask, _least(x.dtype)), dim, keepdim)


@op(name="amin", where=_SPACE)
def masked_amin(
    input: Array, dim: Dims = None, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """The smallest selected element over ``dim``."""
    x = _typed(input, dtype)
    return extrema.amin(_filled(x, mask, _most(x.dtype)), dim, keepdim)


@op(name="argmax", where=_SPACE, differentiable=False)
def masked_argmax(
    input: Array,
    dim: int | None = None,
    *,
    keepdim: bool = False,
    dtype: np.dtype | None = None,
    mask: Array | None = None,
) -> Array:
    """Where the first largest selected element along ``dim`` stands, as a number of the input's type."""
    x = _typed(input, dtype)
    return cast(extrema.argmax(_filled(x, mask, _least(x.dtype)), dim, keepdim), x.dtype)


@op(name="argmin", where=_SPACE, differentiable=False)
def masked_argmin(
    input: Array,
    dim: int | None = None,
    *,
    keepdim: bool = False,
    dtype: np.dtype | None = None,
    mask: Array | None = None,
) -> Array:
    """Where the first smallest selected element along ``dim`` stands, as a number of the input's type."""
    x = _typed(input, dtype)
    return cast(extrema.argmin(_filled(x, mask, _most(x.dtype)), dim, keepdim), x.dtype)


def _count(input: Array, mask: Array | None, dims: tuple[int, ...], keepdim: bool, dtype: Any) -> Array:
    return cast(jnp.sum(_selected(input, mask), axis=dims, keepdims=keepdim, dtype=np.int64), dtype)


@op(name="mean", where=_SPACE)
def masked_mean(
    input: Array, dim: Dims = None, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """The mean of the selected elements over ``dim``; NaN where there is none."""
    x = _floating(input, dtype)
    dims = wrap_dims(dim, x.ndim)
    return reduction.sum_(_filled(x, mask, 0), dim, keepdim) / _count(x, mask, dims, keepdim, x.dtype)


@op(name="median", where=_SPACE)
def masked_median(
    input: Array, dim: int = -1, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """The lower median of the selected elements along ``dim``; NaN where there is none, or one of them is."""
    x = _floating(input, dtype)
    chosen = _selected(x, mask)
    found = extrema.nanmedian(jnp.where(chosen, x, np.nan), dim, keepdim)[0]
    d = wrap_dim(dim, x.ndim)
    nan = jnp.any(chosen & (x != x), axis=d if x.ndim else None, keepdims=keepdim and x.ndim > 0)
    return jnp.where(nan, np.nan, found)


@op(name="norm", where=_SPACE)
def masked_norm(
    input: Array,
    ord: float | None = 2.0,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: np.dtype | None = None,
    mask: Array | None = None,
) -> Array:
    """The vector norm of the selected elements over ``dim``."""
    x = _floating(input, dtype)
    order = 2.0 if ord is None else float(ord)
    filled = _filled(x, mask, np.inf if order == -np.inf else 0)
    return vector_norm_of(filled, order, wrap_dims(dim, x.ndim), keepdim)


def _variance(
    input: Array,
    dim: Dims,
    unbiased: bool | None,
    correction: float | None,
    keepdim: bool,
    dtype: np.dtype | None,
    mask: Array | None,
) -> Array:
    if unbiased is not None and correction is not None:
        raise RuntimeError("Only one of unbiased and correction may be given")
    x = _floating(input, dtype)
    dims = wrap_dims(dim, x.ndim)
    center = reduction.sum_(_filled(x, mask, 0), dim, True) / _count(x, mask, dims, True, x.dtype)
    deviation = _filled(x - center, mask, 0)
    total = jnp.sum(jnp.real(deviation * jnp.conj(deviation)), axis=dims, keepdims=keepdim)
    less = correction if correction is not None else 1 if unbiased is None or unbiased else 0
    return cast(total / jnp.maximum(_count(x, mask, dims, keepdim, total.dtype) - less, 0), x.dtype)


@op(name="var", where=_SPACE)
def masked_var(
    input: Array,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: np.dtype | None = None,
    mask: Array | None = None,
) -> Array:
    """The variance of the selected elements over ``dim``."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


@op(name="std", where=_SPACE)
def masked_std(
    input: Array,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: np.dtype | None = None,
    mask: Array | None = None,
) -> Array:
    """The standard deviation of the selected elements over ``dim``."""
    return safe_sqrt(_variance(input, dim, unbiased, correction, keepdim, dtype, mask))


@op(name="logsumexp", where=_SPACE)
def masked_logsumexp(
    input: Array, dim: Dims = None, *, keepdim: bool = False, dtype: np.dtype | None = None, mask: Array | None = None
) -> Array:
    """``log(sum(exp(input)))`` of the selected elements over ``dim``; truncated for integers, as torch does."""
    x = _floating(input, dtype)
    total = reduction.logsumexp(_filled(x, mask, -np.inf), dim, keepdim)
    return total if is_inexact(input.dtype) or dtype is not None else cast(total, input.dtype)


@op(name="logaddexp", where=_SPACE)
def masked_logaddexp(
    input: Array,
    other: Array,
    *,
    dtype: np.dtype | None = None,
    input_mask: Array | None = None,
    other_mask: Array | None = None,
) -> Array:
    """``log(exp(input) + exp(other))``, what is not selected counting as log(0)."""
    a, b = _floating(input, dtype), _floating(other, dtype)
    return jnp.logaddexp(_filled(a, input_mask, -np.inf), _filled(b, other_mask, -np.inf))


@op(name="cumsum", where=_SPACE)
def masked_cumsum(input: Array, dim: int, *, dtype: np.dtype | None = None, mask: Array | None = None) -> Array:
    """The running sum of the selected elements along ``dim``."""
    return cumulative.cumsum(_filled(input, mask, 0), dim, dtype=dtype)


@op(name="cumprod", where=_SPACE)
def masked_cumprod(input: Array, dim: int, *, dtype: np.dtype | None = None, mask: Array | None = None) -> Array:
    """The running product of the selected elements along ``dim``."""
    return cumulative.cumprod(_filled(input, mask, 1), dim, dtype=dtype)


@op(name="softmax", where=_SPACE)
def masked_softmax(input: Array, dim: int, *, dtype: np.dtype | None = None, mask: Array | None = None) -> Array:
    """The softmax of the selected elements along ``dim``, 0 at the others."""
    return softmax.softmax(_filled(_floating(input, dtype), mask, -np.inf), dim)


@op(name="log_softmax", where=_SPACE)
def masked_log_softmax(input: Array, dim: int, *, dtype: np.dtype | None = None, mask: Array | None = None) -> Array:
    """The logarithm of :func:`masked_softmax`."""
    return softmax.log_softmax(_filled(_floating(input, dtype), mask, -np.inf), dim)


@op(name="softmin", where=_SPACE)
def masked_softmin(input: Array, dim: int, *, dtype: np.dtype | None = None, mask: Array | None = None) -> Array:
    """:func:`masked_softmax` of ``-input``."""
    return softmax.softmin(_filled(_floating(input, dtype), mask, np.inf), dim)


@op(name="normalize", where=_SPACE)
def masked_normalize(
    input: Array,
    ord: float,
    dim: int,
    *,
    eps: float = 1e-12,
    dtype: np.dtype | None = None,
    mask: Array | None = None,
) -> Array:
    """The selected elements over their norm along ``dim`` (at least ``eps``), 0 at the others."""
    x = _floating(input, dtype)
    size = masked_norm(x, ord, dim, keepdim=True, mask=mask)
    return _filled(x, mask, 0) / jnp.maximum(size, cast(eps, size.dtype))
