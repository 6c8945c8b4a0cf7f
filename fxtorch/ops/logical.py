"""Logic on truth values, on bits, and shifts."""

from __future__ import annotations

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import is_inexact, type_name
from fxtorch.ops.table import Array, Strict, op


def _truth(x: Array) -> Array:
    return x if x.dtype == np.bool_ else x != 0


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def logical_and(input: Strict, other: Strict) -> Array:
    """Whether both elements are nonzero."""
    return jnp.logical_and(_truth(input), _truth(other))


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def logical_or(input: Strict, other: Strict) -> Array:
    """Whether an element of the two is nonzero."""
    return jnp.logical_or(_truth(input), _truth(other))


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def logical_xor(input: Strict, other: Strict) -> Array:
    """Whether exactly one element of the two is nonzero."""
    return jnp.logical_xor(_truth(input), _truth(other))


@op(method=True, inplace=True, out=True, differentiable=False)
def logical_not(input: Array) -> Array:
    """Whether an element is 0."""
    return jnp.logical_not(_truth(input))


def _check_bits(name: str, x: Array, *, shift: bool = False) -> None:
    if is_inexact(x.dtype) or (shift and x.dtype == np.bool_):
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{type_name(x.dtype)}'")


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def bitwise_and(input: Array, other: Array) -> Array:
    """The bits set in both integers."""
    _check_bits("bitwise_and", input)
    return jnp.bitwise_and(input, other)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def bitwise_or(input: Array, other: Array) -> Array:
    """The bits set in either integer."""
    _check_bits("bitwise_or", input)
    return jnp.bitwise_or(input, other)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def bitwise_xor(input: Array, other: Array) -> Array:
    """The bits set in exactly one of the integers."""
    _check_bits("bitwise_xor", input)
    return jnp.bitwise_xor(input, other)


@op(method=True, inplace=True, out=True, differentiable=False)
def bitwise_not(input: Array) -> Array:
    """All bits flipped; logical not on booleans."""
    _check_bits("bitwise_not", input)
    return lax.bitwise_not(input)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def bitwise_left_shift(input: Array, other: Array) -> Array:
    """``input * 2 ** other`` by moving bits."""
    _check_bits("lshift", input, shift=True)
    return jnp.left_shift(input, other)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def bitwise_right_shift(input: Array, other: Array) -> Array:
    """``floor(input / 2 ** other)`` by moving bits; the sign stays."""
    _check_bits("rshift", input, shift=True)
    return jnp.right_shift(input, other)
