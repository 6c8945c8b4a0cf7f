"""Circular and hyperbolic functions, and angles."""

from __future__ import annotations

import math

from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import at_least_single, cast, is_complex
from fxtorch.ops.gradient import gradient_from_output
from fxtorch.ops.table import Array, Strict, op


@op(method=True, inplace=True, out=True, dtype="float")
def sin(input: Array) -> Array:
    """The sine of an angle in radians."""
    return lax.sin(input)


@op(method=True, inplace=True, out=True, dtype="float")
def cos(input: Array) -> Array:
    """The cosine of an angle in radians."""
    return lax.cos(input)


@op(method=True, inplace=True, out=True, dtype="float")
def tan(input: Array) -> Array:
    """The tangent of an angle in radians."""
    return lax.tan(input)


@op(method=True, inplace=True, out=True, aliases=("arcsin",), dtype="float")
def asin(input: Array) -> Array:
    """The angle in [-pi/2, pi/2] whose sine is ``input``."""
    return lax.asin(input)


@op(method=True, inplace=True, out=True, aliases=("arccos",), dtype="float")
def acos(input: Array) -> Array:
    """The angle in [0, pi] whose cosine is ``input``."""
    return lax.acos(input)


@op(method=True, inplace=True, out=True, aliases=("arctan",), dtype="float")
def atan(input: Array) -> Array:
    """The angle in (-pi/2, pi/2) whose tangent is ``input``."""
    return lax.atan(input)


@op(method=True, inplace=True, out=True, aliases=("arctan2",), dtype="float", broadcast=True, real=True)
def atan2(input: Strict, other: Strict) -> Array:
    """The angle of the point (``other``, ``input``), in (-pi, pi]."""
    return lax.atan2(*jnp.broadcast_arrays(input, other))


@op(method=True, inplace=True, out=True, dtype="float")
def sinh(input: Array) -> Array:
    """``(exp(input) - exp(-input)) / 2``."""
    return lax.sinh(input)


@op(method=True, inplace=True, out=True, dtype="float")
def cosh(input: Array) -> Array:
    """``(exp(input) + exp(-input)) / 2``."""
    return lax.cosh(input)


@op(method=True, inplace=True, out=True, dtype="float")
def tanh(input: Array) -> Array:
    """``sinh(input) / cosh(input)``."""
    return _tanh(input)


@gradient_from_output(lambda out, g: g * ((1 - out) * (1 + out)))
def _tanh(x: Array) -> Array:
    return lax.tanh(x)


@op(method=True, inplace=True, out=True, aliases=("arcsinh",), dtype="float")
def asinh(input: Array) -> Array:
    """The inverse of :func:`sinh`."""
    return lax.asinh(input)


@op(method=True, inplace=True, out=True, aliases=("arccosh",), dtype="float")
def acosh(input: Array) -> Array:
    """The inverse of :func:`cosh`, not negative."""
    if is_complex(input.dtype):  # the derivative of lax.acosh is on the wrong branch
        return lax.log(input + lax.sqrt(input + 1) * lax.sqrt(input - 1))
    return lax.acosh(input)


@op(method=True, inplace=True, out=True, aliases=("arctanh",), dtype="float")
def atanh(input: Array) -> Array:
    """The inverse of :func:`tanh`."""
    return lax.atanh(input)


@op(method=True, inplace=True, out=True, aliases=("special.sinc",), dtype="float")
def sinc(input: Array) -> Array:
    """``sin(pi * input) / (pi * input)``, and 1 at 0."""
    return cast(jnp.sinc(at_least_single(input)), input.dtype)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, real=True)
def hypot(input: Strict, other: Strict) -> Array:
    """``sqrt(input ** 2 + other ** 2)`` without overflow."""
    return jnp.hypot(input, other)


@op(method=True, inplace=True, out=True, dtype="float", real=RuntimeError)
def deg2rad(input: Array) -> Array:
    """Degrees to radians."""
    return input * (math.pi / 180)


@op(method=True, inplace=True, out=True, dtype="float", real=RuntimeError)
def rad2deg(input: Array) -> Array:
    """Radians to degrees."""
    return input * (180 / math.pi)
