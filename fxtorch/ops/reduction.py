"""Sums, means, variances, norms and truth over dimensions."""

from __future__ import annotations

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dims
from fxtorch.ops.dtypes import (
    at_least_single,
    cast,
    default_float,
    is_complex,
    is_float,
    is_inexact,
    real_of,
    type_name,
)
from fxtorch.ops.pointwise import abs
from fxtorch.ops.quotient import quotient
from fxtorch.ops.table import Array, op

Dims = int | tuple[int, ...] | None


def _summed(input: Array, dtype: np.dtype | None) -> Array:
    """``input`` in the type that it is summed in: booleans and integers count in int64."""
    if dtype is not None:
        return cast(input, dtype)
    return input if is_inexact(input.dtype) else cast(input, np.int64)


@op(name="sum", method=True, out=True)
def sum_(input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: np.dtype | None = None) -> Array:
    """The sum over ``dim`` (all by default); integers sum to int64."""
    x = _summed(input, dtype)
    wide = at_least_single(x)  # a type given to jnp.sum is the one that it adds in
    return cast(jnp.sum(wide, axis=wrap_dims(dim, x.ndim), keepdims=keepdim, dtype=wide.dtype), x.dtype)


@op(method=True, out=True)
def nansum(input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: np.dtype | None = None) -> Array:
    """The sum over ``dim`` with NaN counted as 0."""
    return sum_(jnp.where(input != input, jnp.zeros((), dtype=input.dtype), input), dim, keepdim, dtype=dtype)


def _floating(name: str, input: Array, dtype: np.dtype | None) -> Array:
    """``input`` in a type that has a mean.

    Raises:
        RuntimeError: it is an integer, or ``dtype`` is.
    """
    if dtype is None and not is_inexact(input.dtype):
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {type_name(input.dtype)}"
        )
    if dtype is not None and not is_inexact(dtype):
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Optional dtype must be either a floating point or complex "
            f"dtype. Got: {type_name(dtype)}"
        )
    return input if dtype is None else cast(input, dtype)


def _count(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    return int(np.prod([shape[d] for d in dims], dtype=np.int64))


@op(method=True, out=True)
def mean(input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: np.dtype | None = None) -> Array:
    """The mean over ``dim`` (all by default).

    Raises:
        RuntimeError: the input is not floating, and ``dtype`` does not make it so.
    """
    x = _floating("mean", input, dtype)
    dims = wrap_dims(dim, x.ndim)
    wide = at_least_single(x)
    total = jnp.sum(wide, axis=dims, keepdims=keepdim, dtype=wide.dtype)
    count = _count(x.shape, dims)
    return cast(quotient(total, cast(count, total.dtype)), x.dtype)


@op(method=True, out=True)
def nanmean(input: Array, dim: Dims = None, keepdim: bool = False, *, dtype: np.dtype | None = None) -> Array:
    """The mean over ``dim`` of the elements that are not NaN."""
    x = _floating("nanmean", input, dtype)
    present = x == x
    total = sum_(at_least_single(jnp.where(present, x, 0)), dim, keepdim)
    return cast(quotient(total, cast(sum_(present, dim, keepdim), total.dtype)), x.dtype)


@op(method=True, out=True)
def prod(input: Array, dim: int | None = None, keepdim: bool = False, *, dtype: np.dtype | None = None) -> Array:
    """The product over ``dim`` (all by default); integers multiply to int64."""
    x = _summed(input, dtype)
    dims = wrap_dims(dim, x.ndim)
    wide = at_least_single(x)
    return cast(jnp.prod(wide, axis=dims, keepdims=keepdim, dtype=wide.dtype), x.dtype)


def _moments(
    name: str, input: Array, dim: Dims | bool, unbiased: bool | None, keepdim: bool, correction: float | None
) -> tuple[Array, Array]:
    """Variance and mean; ``dim`` given as a bool is ``unbiased``, as in torch's oldest form."""
    if not is_inexact(input.dtype):
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    dtype, input = input.dtype, at_least_single(input)
    dims = wrap_dims(dim, input.ndim)
    count = _count(input.shape, dims)
    center = jnp.sum(input, axis=dims, keepdims=True, dtype=input.dtype) / (count if count else float("nan"))
    deviation = input - center
    square = jnp.real(deviation * jnp.conj(deviation)) if is_complex(input.dtype) else deviation * deviation
    freedom = max(count - correction, 0)
    total = jnp.sum(square, axis=dims, keepdims=keepdim, dtype=square.dtype)
    variance = total / freedom if freedom else total / jnp.zeros((), dtype=square.dtype)
    center = center if keepdim else jnp.squeeze(center, dims)
    return cast(variance, real_of(dtype)), cast(center, dtype)


def safe_sqrt(x: Array) -> Array:
    """The square root, with derivative 0 at 0."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


@op(method=True, out=True)
def var(
    input: Array,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """The variance over ``dim``: the sum of squared deviations over ``n - correction`` (1 by default).

    Raises:
        RuntimeError: the input is not floating.
    """
    return _moments("var", input, dim, unbiased, keepdim, correction)[0]


@op(method=True, out=True)
def std(
    input: Array,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """The standard deviation over ``dim``: the root of :func:`var`, with derivative 0 at 0.

    Raises:
        RuntimeError: the input is not floating.
    """
    return safe_sqrt(_moments("std", input, dim, unbiased, keepdim, correction)[0])


@op()
def var_mean(
    input: Array,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Array, Array]:
    """:func:`var` and :func:`mean` at once."""
    return _moments("var_mean", input, dim, unbiased, keepdim, correction)


@op()
def std_mean(
    input: Array,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Array, Array]:
    """:func:`std` and :func:`mean` at once."""
    variance, center = _moments("std_mean", input, dim, unbiased, keepdim, correction)
    return safe_sqrt(variance), center


@op(method=True, out=True, differentiable=False)
def hash_tensor(input: Array, dim: Dims = None, *, keepdim: bool = False, mode: int = 0) -> Array:
    """The exclusive or over ``dim`` (all by default) of the bits of the elements, widened to 64 bits.

    Raises:
        RuntimeError: ``mode`` is not 0, or the input is complex.
    """
    if mode != 0:
        raise RuntimeError(f"hash_tensor: Unknown hash mode {mode}")
    if is_complex(input.dtype):
        raise RuntimeError("hash_tensor: complex inputs are not supported")
    wide = cast(input, np.float64 if is_inexact(input.dtype) else np.int64)
    bits = lax.bitcast_convert_type(wide, np.uint64)
    dims = wrap_dims(dim, input.ndim)
    found = lax.reduce(bits, np.uint64(0), lax.bitwise_xor, dims)
    return jnp.expand_dims(found, dims) if keepdim else found


def vector_norm_of(x: Array, p: float, dims: tuple[int, ...], keepdim: bool) -> Array:
    """``sum(|x| ** p) ** (1 / p)`` over ``dims``; its derivative at 0 is 0.  A floating or complex ``x``."""
    return cast(_norm_of(at_least_single(x), p, dims, keepdim), real_of(x.dtype))


def _norm_of(x: Array, p: float, dims: tuple[int, ...], keepdim: bool) -> Array:
    if p == 2:
        square = jnp.real(x * jnp.conj(x)) if is_complex(x.dtype) else x * x
        return safe_sqrt(jnp.sum(square, axis=dims, keepdims=keepdim))
    size = abs(x)
    if p == np.inf:
        return jnp.max(size, axis=dims, keepdims=keepdim)
    if p == -np.inf:
        return jnp.min(size, axis=dims, keepdims=keepdim)
    if p == 0:
        return jnp.sum(cast(size != 0, size.dtype), axis=dims, keepdims=keepdim)
    if p == 1:
        return jnp.sum(size, axis=dims, keepdims=keepdim)
    zero = size == 0
    at_zero = 0.0 if p > 0 else np.inf
    total = jnp.sum(
        jnp.where(zero, at_zero, jnp.where(zero, 1, size) ** p), axis=dims, keepdims=keepdim, dtype=size.dtype
    )
    none = total == 0
    return jnp.where(none, 0, jnp.where(none, 1, total) ** (1 / p))


@op(method=True, out=True)
def norm(
    input: Array,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: np.dtype | None = None,
) -> Array:
    """The vector norm over ``dim``; ``p="nuc"`` gives the nuclear norm of matrices.

    Raises:
        RuntimeError: the input is not floating.
    """
    x = input if dtype is None else cast(input, dtype)
    if not is_inexact(x.dtype):
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {x.dtype}")
    dims = wrap_dims(dim, x.ndim)
    if p == "nuc":
        if len(dims) != 2:
            raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dims}")
        values = jnp.linalg.svd(jnp.moveaxis(x, dims, (-2, -1)), compute_uv=False)
        total = jnp.sum(values, axis=-1)
        return jnp.expand_dims(total, dims) if keepdim else total
    return vector_norm_of(x, 2.0 if p in ("fro", None) else float(p), dims, keepdim)


@op(method=True)
def dist(input: Array, other: Array, p: float = 2) -> Array:
    """The ``p``-norm of ``input - other``."""
    difference = jnp.subtract(input, other)
    return vector_norm_of(difference, float(p), tuple(range(difference.ndim)), False)


def _truths(x: Array) -> Array:
    return x if x.dtype == np.bool_ else x != 0


def _truth_type(x: Array) -> np.dtype:
    """uint8 stays as it is, as torch's oldest truth type."""
    return x.dtype if x.dtype == np.uint8 else np.dtype(np.bool_)


@op(name="all", method=True, out=True, differentiable=False)
def all_(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Whether all elements over ``dim`` are nonzero."""
    return cast(jnp.all(_truths(input), axis=wrap_dims(dim, input.ndim), keepdims=keepdim), _truth_type(input))


@op(name="any", method=True, out=True, differentiable=False)
def any_(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Whether an element over ``dim`` is nonzero."""
    return cast(jnp.any(_truths(input), axis=wrap_dims(dim, input.ndim), keepdims=keepdim), _truth_type(input))


@op(method=True, differentiable=False)
def count_nonzero(input: Array, dim: Dims = None) -> Array:
    """How many elements over ``dim`` are nonzero, as int64."""
    return jnp.sum(_truths(input), axis=wrap_dims(dim, input.ndim), dtype=np.int64)


@op(method=True, out=True, aliases=("special.logsumexp",))
def logsumexp(input: Array, dim: Dims, keepdim: bool = False) -> Array:
    """``log(sum(exp(input)))`` over ``dim`` without overflow."""
    x = input if is_inexact(input.dtype) else cast(input, default_float())
    return jax.nn.logsumexp(x, axis=wrap_dims(dim, x.ndim), keepdims=keepdim)


@op(method=True, inplace=True, out=True)
def renorm(input: Array, p: float, dim: int, maxnorm: float) -> Array:
    """``input`` with every slice along ``dim`` scaled down to a ``p``-norm of at most ``maxnorm``."""
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    (kept,) = wrap_dims(dim, input.ndim)
    size = vector_norm_of(input, float(p), tuple(d for d in range(input.ndim) if d != kept), True)
    return input * jnp.where(size > maxnorm, maxnorm / (size + 1e-7), 1)


def _check_cov(input: Array, fweights: Array | None, aweights: Array | None) -> None:
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    observations = input.shape[-1] if input.ndim else 1
    for name, weights, floating in (("fweights", fweights, False), ("aweights", aweights, True)):
        if weights is None:
            continue
        if weights.ndim > 1:
            raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {weights.ndim}")
        if is_float(weights.dtype) is not floating or is_complex(weights.dtype) or weights.dtype == np.bool_:
            wanted = "floating point" if floating else "integral"
            raise RuntimeError(f"cov(): expected {name} to have {wanted} dtype but got {weights.dtype.name}")
        if weights.size != observations:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{weights.size} != {observations}"
            )


@op(method=True)
def cov(input: Array, *, correction: int = 1, fweights: Array | None = None, aweights: Array | None = None) -> Array:
    """The covariance matrix of the rows of ``input``, each column an observation."""
    _check_cov(input, fweights, aweights)
    x = input if is_inexact(input.dtype) else cast(input, default_float())
    x = jnp.atleast_2d(x)
    weights = None if fweights is None else cast(fweights, real_of(x.dtype))
    if aweights is not None:
        weights = aweights if weights is None else weights * aweights
    if weights is None:
        center = jnp.mean(x, axis=1, keepdims=True)
        freedom = jnp.asarray(max(x.shape[1] - correction, 0), dtype=real_of(x.dtype))
    else:
        total = jnp.sum(weights)
        center = jnp.sum(x * weights, axis=1, keepdims=True) / total
        spread = total if aweights is None else jnp.sum(weights * aweights) / total
        freedom = total - correction * (1 if aweights is None else spread)
    deviation = x - center
    weighted = deviation if weights is None else deviation * weights
    return jnp.squeeze(weighted @ jnp.conj(deviation).T / freedom)


@op(method=True)
def corrcoef(input: Array) -> Array:
    """The correlation matrix of the rows of ``input``: :func:`cov` over the product of standard deviations."""
    c = cov(input)
    if c.ndim == 0:
        return c / c
    deviation = jnp.sqrt(jnp.real(jnp.diagonal(c)))
    return c / deviation[:, None] / deviation[None, :]
