"""Comparisons, tests for special values, and the elementwise larger and smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import check_broadcast, check_concrete
from fxtorch.ops.dtypes import cast, is_complex, is_float, is_inexact, promote, type_name
from fxtorch.ops.table import Array, Strict, op


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False)
def eq(input: Strict, other: Array) -> Array:
    """``input == other``, by element."""
    return jnp.equal(input, other)


@op(method=True, inplace=True, out=True, aliases=("not_equal",), dtype="promote", broadcast=True, differentiable=False)
def ne(input: Strict, other: Array) -> Array:
    """``input != other``, by element."""
    return jnp.not_equal(input, other)


@op(
    method=True,
    inplace=True,
    out=True,
    aliases=("less",),
    dtype="promote",
    broadcast=True,
    differentiable=False,
    real=True,
)
def lt(input: Strict, other: Array) -> Array:
    """``input < other``, by element."""
    return jnp.less(input, other)


@op(
    method=True,
    inplace=True,
    out=True,
    aliases=("less_equal",),
    dtype="promote",
    broadcast=True,
    differentiable=False,
    real=True,
)
def le(input: Strict, other: Array) -> Array:
    """``input <= other``, by element."""
    return jnp.less_equal(input, other)


@op(
    method=True,
    inplace=True,
    out=True,
    aliases=("greater",),
    dtype="promote",
    broadcast=True,
    differentiable=False,
    real=True,
)
def gt(input: Strict, other: Array) -> Array:
    """``input > other``, by element."""
    return jnp.greater(input, other)


@op(
    method=True,
    inplace=True,
    out=True,
    aliases=("greater_equal",),
    dtype="promote",
    broadcast=True,
    differentiable=False,
    real=True,
)
def ge(input: Strict, other: Array) -> Array:
    """``input >= other``, by element."""
    return jnp.greater_equal(input, other)


@op(method=True, differentiable=False)
def isclose(input: Strict, other: Strict, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """``|input - other| <= atol + rtol * |other|``, or equal (infinities; NaN too with ``equal_nan``).

    Raises:
        RuntimeError: the types differ, a tolerance is negative, or the shapes do not broadcast.
    """
    if input.dtype != other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"{'rtol' if rtol < 0 else 'atol'} must be greater than or equal to zero")
    check_broadcast(input.shape, other.shape)
    if not is_inexact(input.dtype):
        input, other = input.astype(np.float64), other.astype(np.float64)
    return jnp.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@op(method=True, differentiable=False, dynamic=True)
def allclose(input: Strict, other: Strict, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether :func:`isclose` holds everywhere, as a Python bool.

    Raises:
        RuntimeError: as for :func:`isclose`; or the values are traced.
    """
    check_concrete("allclose", "use torch.isclose(...).all()", input, other)
    return bool(jnp.all(isclose(input, other, rtol, atol, equal_nan)))


@op(method=True, differentiable=False, dynamic=True)
def equal(input: Strict, other: Strict) -> bool:
    """Whether both have one shape and the same values, as a Python bool.

    Raises:
        RuntimeError: the values are traced.
    """
    check_concrete("equal", "use (input == other).all()", input, other)
    return input.shape == other.shape and bool(jnp.all(jnp.equal(*promote(input, other))))


@op(method=True, differentiable=False)
def isnan(input: Array) -> Array:
    """Whether an element is NaN."""
    return input != input


@op(method=True, differentiable=False)
def isinf(input: Array) -> Array:
    """Whether an element is infinite."""
    return jnp.isinf(input)


@op(method=True, differentiable=False)
def isfinite(input: Array) -> Array:
    """Whether an element is neither infinite nor NaN."""
    return jnp.isfinite(input)


def _check_ordered(name: str, input: Array) -> None:
    if is_complex(input.dtype):
        raise RuntimeError(f"{name} does not support complex inputs.")


@op(method=True, out=True, differentiable=False)
def isposinf(input: Strict) -> Array:
    """Whether an element is positive infinity."""
    _check_ordered("isposinf", input)
    return input == np.inf if is_float(input.dtype) else jnp.zeros(input.shape, dtype=np.bool_)


@op(method=True, out=True, differentiable=False)
def isneginf(input: Strict) -> Array:
    """Whether an element is negative infinity."""
    _check_ordered("isneginf", input)
    return input == -np.inf if is_float(input.dtype) else jnp.zeros(input.shape, dtype=np.bool_)


@op(method=True, differentiable=False)
def isreal(input: Strict) -> Array:
    """Whether the imaginary part of an element is 0."""
    return jnp.isreal(input)


@op(out=True, differentiable=False)
def isin(elements: Array, test_elements: Array, *, assume_unique: bool = False, invert: bool = False) -> Array:
    """Whether each of ``elements`` is among ``test_elements``."""
    return jnp.isin(*promote(elements, test_elements), assume_unique=assume_unique, invert=invert)


@op(method=True, out=True, dtype="promote", broadcast=True, real=RuntimeError)
def maximum(input: Strict, other: Strict) -> Array:
    """The larger of two elements, NaN if either is; a tie shares the gradient evenly."""
    return jnp.maximum(input, other)


@op(method=True, out=True, dtype="promote", broadcast=True, real=RuntimeError)
def minimum(input: Strict, other: Strict) -> Array:
    """The smaller of two elements, NaN if either is; a tie shares the gradient evenly."""
    return jnp.minimum(input, other)


@op(method=True, out=True, dtype="promote", broadcast=True, real=RuntimeError)
def fmax(input: Strict, other: Strict) -> Array:
    """The larger of two elements, the other one where one is NaN; a tie belongs to ``input``."""
    return jnp.where((input >= other) | (other != other), input, other)


@op(method=True, out=True, dtype="promote", broadcast=True, real=RuntimeError)
def fmin(input: Strict, other: Strict) -> Array:
    """The smaller of two elements, the other one where one is NaN; a tie belongs to ``input``."""
    return jnp.where((input <= other) | (other != other), input, other)


def _is_nonzero_form(condition: Any, input: Any, other: Any) -> bool:
    return input is None and other is None


@op(out=True, dynamic=_is_nonzero_form)
def where(condition: Array, input: Array | None = None, other: Array | None = None) -> Array | tuple[Array, ...]:
    """``input`` where ``condition`` holds, else ``other``; with the condition alone, the indices where it holds.

    Raises:
        RuntimeError: the shapes do not broadcast; or a lone condition is traced.
    """
    if input is None or other is None:
        check_concrete("where", "use the form with three arguments", condition)
        return tuple(cast(i, np.int64) for i in jnp.nonzero(jnp.atleast_1d(condition)))
    check_broadcast(jnp.shape(condition), jnp.shape(input), jnp.shape(other))
    if condition.dtype not in (np.bool_, np.uint8):
        named = type_name(condition.dtype)
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {named}")
    a, b = promote(input, other)
    mask = condition if condition.dtype == np.bool_ else condition != 0
    return lax.select(*jnp.broadcast_arrays(mask, a, b))


@op(name="where", where=(), method=True)
def where_method(input: Array, condition: Array, other: Array) -> Array:
    """``input`` where ``condition`` holds, else ``other``."""
    return where(condition, input, other)
