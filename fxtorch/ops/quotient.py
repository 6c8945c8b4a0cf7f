"""The quotient of floats as IEEE rounds it."""

from __future__ import annotations

from typing import Any

import jax
from jax import Array, lax
from jax import numpy as jnp
from jax.custom_derivatives import SymbolicZero

from fxtorch.ops.dtypes import is_float


def quotient(a: Array, b: Array) -> Array:
    """``a / b``, rounded once, of broadcast operands of one type.

    XLA turns a division by a number, or by what is broadcast, into a multiplication by its reciprocal, which rounds
    twice: 41 / 41 becomes 0.99999994, and its floor 0.
    """
    a, b = jnp.broadcast_arrays(a, b)
    return _rounded_once(a, b) if is_float(a.dtype) else lax.div(a, b)


@jax.custom_jvp
def _rounded_once(a: Array, b: Array) -> Array:
    return lax.div(a, jnp.where(a == a, b, a))  # a divisor that depends on the dividend has no one reciprocal


def _rounded_once_jvp(primals: tuple[Array, Array], tangents: tuple[Any, Any]) -> tuple[Array, Any]:
    (a, b), (da, db) = primals, tangents
    out = _rounded_once(a, b)
    parts = []
    if not isinstance(da, SymbolicZero):
        parts.append(lax.div(da, b))
    if not isinstance(db, SymbolicZero):
        parts.append(lax.neg(lax.mul(db, lax.div(out, b))))
    if not parts:
        return out, da
    return out, sum(parts[1:], parts[0])


_rounded_once.defjvp(_rounded_once_jvp, symbolic_zeros=True)
