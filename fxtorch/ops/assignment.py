"""Operators whose in-place form is the point: ``fill_``, ``zero_`` and ``copy_``."""

from __future__ import annotations

import jax.numpy as jnp

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import cast
from fxtorch.ops.table import Array, op


@op(inplace=True)
def fill(input: Array, value: Array) -> Array:
    """An array of ``input``'s shape and type, every element ``value`` (a number or a 0-dim array).

    Raises:
        RuntimeError: ``value`` has dimensions.
    """
    if jnp.ndim(value):
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {jnp.ndim(value)} dimensions."
        )
    return jnp.broadcast_to(cast(value, input.dtype), input.shape)


@op(where=(), inplace=True)
def zero(input: Array) -> Array:
    """Zeros of ``input``'s shape and type."""
    return jnp.zeros(input.shape, dtype=input.dtype)


@op(where=(), inplace=True)
def copy(input: Array, src: Array, non_blocking: bool = False) -> Array:
    """``src``, broadcast to ``input``'s shape and cast to its type.

    Raises:
        RuntimeError: ``src`` does not broadcast to ``input``.
    """
    check_broadcast(input.shape, jnp.shape(src))
    return jnp.broadcast_to(cast(src, input.dtype), input.shape)
