"""Softmax and its logarithm; their derivatives need the result only, so that a taped call keeps nothing else."""

from __future__ import annotations

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import at_least_single, cast, is_float, type_name
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.random import wrap_key
from fxtorch.ops.table import Array, Key, Number, op


@functools.partial(custom_gradient, static=(1,))
def stable_softmax(x: Array, axis: int) -> Array:
    """``exp(x) / sum(exp(x))`` along ``axis``, without overflow."""
    if x.size == 0:
        return x
    wide = at_least_single(x)
    e = jnp.exp(wide - jnp.max(wide, axis, keepdims=True))
    return cast(e / jnp.sum(e, axis, keepdims=True), x.dtype)


def _softmax_fwd(x: Array, axis: int) -> tuple[Array, Array]:
    y = stable_softmax(x, axis)
    return y, y


def _softmax_bwd(axis: int, y: Array, g: Array) -> tuple[Array]:
    wide = at_least_single(y)
    return (cast(wide * (g - jnp.sum(g * wide, axis, keepdims=True)), y.dtype),)  # exact where y is almost 1


stable_softmax.defvjp(_softmax_fwd, _softmax_bwd)


@functools.partial(custom_gradient, static=(1,))
def _log_softmax(x: Array, axis: int) -> Array:
    if x.size == 0:
        return x
    wide = at_least_single(x)
    wide = wide - jnp.max(wide, axis, keepdims=True)
    return cast(wide - jnp.log(jnp.sum(jnp.exp(wide), axis, keepdims=True)), x.dtype)


def _log_softmax_fwd(x: Array, axis: int) -> tuple[Array, Array]:
    y = _log_softmax(x, axis)
    return y, y


def _log_softmax_bwd(axis: int, y: Array, g: Array) -> tuple[Array]:
    wide = at_least_single(g)
    return (cast(wide - jnp.exp(at_least_single(y)) * jnp.sum(wide, axis, keepdims=True), y.dtype),)


_log_softmax.defvjp(_log_softmax_fwd, _log_softmax_bwd)


def _prepare(x: Array, dim: int | None, dtype: np.dtype | None, name: str, level: int) -> tuple[Array, int]:
    """``x`` in the type asked for, and the axis; without ``dim`` torch's old choice, with its warning."""
    if dtype is not None:
        x = cast(x, dtype)
    if not is_float(x.dtype):
        raise NotImplementedError(f'"{name}_kernel_impl" not implemented for {type_name(x.dtype)!r}')
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. "
            "Change the call to include dim=X as an argument.",
            stacklevel=level + 1,
        )
        dim = 0 if x.ndim in (0, 1, 3) else 1
    return x, wrap_dim(dim, x.ndim)


@op(where=("torch", "nn.functional", "special"), method=True, out=True, saves="residuals")
def softmax(input: Array, dim: int | None = None, dtype: np.dtype | None = None, *, _stacklevel: int = 3) -> Array:
    """``exp(input) / sum_dim exp(input)``.

    Args:
        input: any shape.
        dim: the dimension that sums to 1.
        dtype: ``input`` is brought to this type first.

    >>> import jax.numpy as jnp
    >>> softmax(jnp.zeros(4), 0).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    x, axis = _prepare(input, dim, dtype, "softmax", _stacklevel)
    return stable_softmax(x, axis) if x.ndim else stable_softmax(x[None], 0)[0]


@op(where=("torch", "nn.functional", "special"), method=True, out=True, saves="residuals")
def log_softmax(input: Array, dim: int | None = None, dtype: np.dtype | None = None, *, _stacklevel: int = 3) -> Array:
    """``input - log(sum_dim exp(input))``, without overflow."""
    x, axis = _prepare(input, dim, dtype, "log_softmax", _stacklevel)
    return _log_softmax(x, axis) if x.ndim else _log_softmax(x[None], 0)[0]


@op(where=("nn.functional",), saves="residuals")
def softmin(input: Array, dim: int | None = None, dtype: np.dtype | None = None, *, _stacklevel: int = 3) -> Array:
    """:func:`softmax` of ``-input``."""
    x, axis = _prepare(input, dim, dtype, "softmin", _stacklevel)
    return stable_softmax(-x, axis) if x.ndim else stable_softmax(-x[None], 0)[0]


@op(name="_gumbel_softmax", where=("nn.functional",), saves="residuals")
def gumbel_softmax(logits: Array, tau: Number, dim: int, *, key: Key) -> Array:
    """``softmax((logits + gumbel) / tau)`` with standard Gumbel noise."""
    noise = jax.random.gumbel(wrap_key(key), logits.shape, logits.dtype)
    return stable_softmax((logits + noise) / tau, wrap_dim(dim, logits.ndim))
