"""Exponentials and logarithms."""

from __future__ import annotations

import math

from jax import Array as JaxArray
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import at_least_single, cast
from fxtorch.ops.pointwise import mul, pow
from fxtorch.ops.table import Array, Strict, op


@op(method=True, inplace=True, out=True, dtype="float")
def exp(input: Array) -> Array:
    """``e ** input``."""
    return lax.exp(input)


@op(method=True, inplace=True, out=True, aliases=("special.exp2",), dtype="float")
def exp2(input: Array) -> Array:
    """``2 ** input``."""
    return cast(lax.exp2(at_least_single(input)), input.dtype)


@op(method=True, inplace=True, out=True, aliases=("special.expm1",), dtype="float")
def expm1(input: Array) -> Array:
    """``e ** input - 1``, exact near 0."""
    return lax.expm1(input)


@op(method=True, inplace=True, out=True, dtype="float")
def log(input: Array) -> Array:
    """The natural logarithm."""
    return lax.log(input)


@op(method=True, inplace=True, out=True, dtype="float")
def log2(input: Array) -> Array:
    """The logarithm to base 2."""
    return lax.log(input) / math.log(2)


@op(method=True, inplace=True, out=True, dtype="float")
def log10(input: Array) -> Array:
    """The logarithm to base 10."""
    return lax.log(input) / math.log(10)


@op(method=True, inplace=True, out=True, aliases=("special.log1p",), dtype="float")
def log1p(input: Array) -> Array:
    """``log(1 + input)``, exact near 0."""
    return lax.log1p(input)


@op(method=True, out=True, dtype="promote", broadcast=True)
def logaddexp(input: Strict, other: Strict) -> Array:
    """``log(exp(input) + exp(other))`` without overflow."""
    return complex_logaddexp(input, other) if jnp.iscomplexobj(input) else jnp.logaddexp(input, other)


def complex_logaddexp(a: JaxArray, b: JaxArray) -> JaxArray:
    """``log(exp(a) + exp(b))`` of complex numbers, on the branch of the one whose real part is larger."""
    larger = a.real >= b.real
    high, low = jnp.where(larger, a, b), jnp.where(larger, b, a)
    infinite = jnp.isinf(high.real) & (high.real == low.real)
    ends = (jnp.exp(jnp.where(infinite, x, 0)) for x in (high, low))  # elsewhere it must not overflow: 0 * inf
    both = jnp.where(high.real < 0, high, jnp.log(sum(ends)))
    return jnp.where(infinite, both, high + jnp.log1p(jnp.exp(jnp.where(infinite, 0, low - high))))


@op(method=True, out=True, dtype="promote", broadcast=True, real=True)
def logaddexp2(input: Array, other: Array) -> Array:
    """``log2(2 ** input + 2 ** other)`` without overflow."""
    return jnp.logaddexp2(input, other)


@op(method=True, inplace=True, out=True)
def ldexp(input: Strict, other: Strict) -> Array:
    """``input * 2 ** other``."""
    return mul(input, pow(2.0, other))
