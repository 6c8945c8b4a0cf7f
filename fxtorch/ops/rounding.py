"""Rounding, clamping, and the parts that a floating number is made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import cast, is_complex, is_float, is_inexact, promote, type_name
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.table import Array, Strict, op


class Frexp(NamedTuple):
    """The result of :func:`frexp`."""

    mantissa: Array
    exponent: Array


@op(method=True, inplace=True, out=True, real=True)
def floor(input: Array) -> Array:
    """The largest integer not above ``input``."""
    return lax.floor(input) if is_float(input.dtype) else input


@op(method=True, inplace=True, out=True, real=True)
def ceil(input: Array) -> Array:
    """The smallest integer not below ``input``."""
    return lax.ceil(input) if is_float(input.dtype) else input


@op(method=True, inplace=True, out=True, aliases=("special.round",), real=True)
def round(input: Array, *, decimals: int = 0) -> Array:
    """``input`` to ``decimals`` decimals, halves to the even neighbour.

    Raises:
        RuntimeError: decimals are asked of an integer input.
    """
    if not is_float(input.dtype):
        if decimals:
            raise RuntimeError("round(): decimals must be 0 for an integral input")
        return input
    if decimals == 0:
        return lax.round(input, lax.RoundingMethod.TO_NEAREST_EVEN)
    ten = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return lax.round(input * ten, lax.RoundingMethod.TO_NEAREST_EVEN) / ten
    return lax.round(input / ten, lax.RoundingMethod.TO_NEAREST_EVEN) * ten


@op(method=True, inplace=True, out=True, aliases=("fix",), real=True)
def trunc(input: Array) -> Array:
    """``input`` without its fraction."""
    return jnp.trunc(input) if is_float(input.dtype) else input


@op(method=True, inplace=True, out=True, real=True)
def frac(input: Array) -> Array:
    """``input - trunc(input)``.

    Raises:
        NotImplementedError: the input is no floating-point number.
    """
    if not is_float(input.dtype):
        raise NotImplementedError(f"\"frac\" not implemented for '{type_name(input.dtype)}'")
    return input - trunc(input)


def _at_least(x: Array, low: Array) -> Array:
    """The larger; NaN if either is.  A tie belongs to ``x``."""
    return jnp.where((x >= low) | (x != x), x, low)


def _at_most(x: Array, high: Array) -> Array:
    return jnp.where((x <= high) | (x != x), x, high)


@op(method=True, inplace=True, out=True, aliases=("clip",), real=True)
def clamp(input: Array, min: Array | None = None, max: Array | None = None) -> Array:
    """``input`` brought into [``min``, ``max``]; ``max`` where they cross.  At the bounds the gradient passes.

    Raises:
        RuntimeError: neither bound is given, or the shapes do not broadcast.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    bounds = [b for b in (min, max) if b is not None]
    check_broadcast(input.shape, *(jnp.shape(b) for b in bounds))
    x, *bounds = promote(input, *bounds)
    if min is not None:
        x = _at_least(x, bounds.pop(0))
    return _at_most(x, bounds.pop()) if bounds else x


@op(method=True, inplace=True, out=True, real=True)
def clamp_min(input: Strict, min: Array) -> Array:
    """``input`` where it is at least ``min``, else ``min``."""
    return clamp(input, min=min)


@op(method=True, inplace=True, out=True, real=True)
def clamp_max(input: Strict, max: Array) -> Array:
    """``input`` where it is at most ``max``, else ``max``."""
    return clamp(input, max=max)


@op(method=True, inplace=True, out=True)
def nan_to_num(
    input: Array, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """``input`` with NaN as ``nan`` (0) and infinities as ``posinf`` and ``neginf`` (the largest finite numbers)."""
    if not is_inexact(input.dtype):
        return input
    if is_complex(input.dtype):
        return lax.complex(*(nan_to_num(part, nan, posinf, neginf) for part in (jnp.real(input), jnp.imag(input))))
    limits = jnp.finfo(input.dtype)
    x = jnp.where(jnp.isnan(input), cast(nan or 0.0, input.dtype), input)
    x = jnp.where(x == np.inf, cast(limits.max if posinf is None else posinf, input.dtype), x)
    return jnp.where(x == -np.inf, cast(limits.min if neginf is None else neginf, input.dtype), x)


@op(method=True, inplace=True, out=True, dtype="float", broadcast=True, real=True)
def copysign(input: Strict, other: Array) -> Array:
    """The magnitude of ``input`` with the sign of ``other``."""
    flipped = jnp.signbit(input) != jnp.signbit(other)
    return jnp.where(input == 0, lax.stop_gradient(jnp.copysign(input, other)), jnp.where(flipped, -input, input))


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, real=True)
def nextafter(input: Strict, other: Strict) -> Array:
    """The next number after ``input`` in the direction of ``other``; the derivative is that of ``input``."""
    return _nextafter(*jnp.broadcast_arrays(input, other))


@custom_gradient
def _nextafter(x: Array, toward: Array) -> Array:
    return lax.nextafter(x, toward)


_nextafter.defvjp(lambda x, toward: (lax.nextafter(x, toward), None), lambda _, g: (g, jnp.zeros_like(g)))


@op(method=True, inplace=True, out=True, broadcast=True, differentiable=False, real=RuntimeError)
def heaviside(input: Strict, values: Strict) -> Array:
    """0 below 0, ``values`` at 0, 1 above.

    Raises:
        RuntimeError: the types differ, or the shapes do not broadcast.
    """
    check_broadcast(input.shape, jnp.shape(values))
    if values.dtype != input.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return jnp.where(input == 0, values, cast(input > 0, input.dtype))


@op(method=True, out=True)
def frexp(input: Array) -> Frexp:
    """``input = mantissa * 2 ** exponent`` with a mantissa in (-1, -0.5], 0 or [0.5, 1).

    Raises:
        RuntimeError: the input is not floating.
    """
    if not is_float(input.dtype):
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    exponent = lax.stop_gradient(jnp.frexp(input)[1]).astype(np.int32)
    finite = jnp.isfinite(input)
    scale = lax.stop_gradient(jnp.ldexp(jnp.ones_like(input), jnp.where(finite, exponent, 0)))
    return Frexp(input / scale, exponent)


@op(method=True, out=True, differentiable=False, real=True)
def signbit(input: Array) -> Array:
    """Whether the sign is set: True for -0.0 too."""
    return jnp.signbit(input) if is_float(input.dtype) else cast(input, np.int64) < 0
