"""Arithmetic on elements: sums, products, quotients, remainders, powers."""

from __future__ import annotations

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import check_broadcast, check_subtraction
from fxtorch.ops.dtypes import at_least_single, cast, is_complex, is_float, is_inexact, promote, result_type
from fxtorch.ops.quotient import quotient
from fxtorch.ops.table import Array, Number, Strict, op


def scaled(x: Array, factor: Number) -> Array:
    """``factor * x`` in the type of ``x``; the default factor 1 costs nothing."""
    if isinstance(factor, int) and factor == 1:
        return x
    return x * cast(factor, x.dtype)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, numbers=True, older=("alpha",))
def add(input: Array, other: Array, *, alpha: Number = 1) -> Array:
    """``input + alpha * other``; on booleans, logical or."""
    return jnp.add(input, scaled(other, alpha))


@op(
    method=True,
    inplace=True,
    out=True,
    aliases=("subtract",),
    dtype="promote",
    broadcast=True,
    numbers=True,
    older=("alpha",),
)
def sub(input: Array, other: Array, *, alpha: Number = 1) -> Array:
    """``input - alpha * other``.

    Raises:
        RuntimeError: an argument is boolean.
    """
    check_subtraction(input.dtype)
    return lax.sub(*jnp.broadcast_arrays(input, scaled(other, alpha)))


@op()
def rsub(input: Strict, other: Array, *, alpha: Number = 1) -> Array:
    """``other - alpha * input``."""
    return sub(other, input, alpha=alpha)


@op(method=True, inplace=True, out=True, aliases=("multiply",), dtype="promote", broadcast=True, numbers=True)
def mul(input: Array, other: Array) -> Array:
    """``input * other``; on booleans, logical and."""
    return jnp.multiply(input, other)


def _floor_quotient(a: Array, b: Array) -> Array:
    """floor(a / b) without the rounding error of the quotient; a / b where b is 0, whose sign a zero has."""
    if not is_float(a.dtype):
        return jnp.floor_divide(a, b)
    remainder = lax.rem(a, b)
    times = (a - remainder) / b
    times = jnp.where((remainder != 0) & ((b < 0) != (remainder < 0)), times - 1, times)
    ratio = a / b
    whole = jnp.where(times == 0, jnp.copysign(jnp.zeros_like(ratio), ratio), jnp.round(times))
    return jnp.where(b == 0, ratio, whole)


def _check_whole(name: str, x: Array) -> None:
    """Raise torch's error for division with a remainder of booleans."""
    if x.dtype == np.bool_:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")


@op(method=True, inplace=True, out=True, aliases=("divide", "true_divide"), numbers=True)
def div(input: Array, other: Array, *, rounding_mode: str | None = None) -> Array:
    """``input / other``, always floating; with ``rounding_mode`` ``"floor"`` or ``"trunc"`` in the common type.

    Raises:
        RuntimeError: the rounding mode is unknown, the shapes do not broadcast, or integers are divided by a zero that
            can be seen (not in a compiled function).
    """
    check_broadcast(jnp.shape(input), jnp.shape(other))
    if rounding_mode not in (None, "floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    a, b = jnp.broadcast_arrays(*promote(input, other, to_float=rounding_mode is None))
    if rounding_mode is None:
        return quotient(a, b)
    _check_whole(f"div_{rounding_mode}", a)
    if rounding_mode == "floor":
        return _floor_quotient(a, b)
    return jnp.trunc(quotient(a, b)) if is_float(a.dtype) else lax.div(a, b)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, differentiable=False, numbers=True, real=True)
def floor_divide(input: Array, other: Array) -> Array:
    """``floor(input / other)`` in the common type.

    Raises:
        NotImplementedError: both are boolean.
    """
    _check_whole("div_floor", input)
    return _floor_quotient(*jnp.broadcast_arrays(input, other))


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, real=True)
def remainder(input: Array, other: Array) -> Array:
    """``input - other * floor(input / other)``: it has the sign of ``other``, as Python's ``%``.

    Raises:
        NotImplementedError: both are boolean.
    """
    _check_whole("remainder", input)
    a, b = jnp.broadcast_arrays(input, other)
    rest = lax.rem(a, b)
    return jnp.where((rest != 0) & ((b < 0) != (rest < 0)), rest + b, rest)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, real=True)
def fmod(input: Strict, other: Array) -> Array:
    """``input - other * trunc(input / other)``: it has the sign of ``input``, as C's ``fmod``.

    Raises:
        NotImplementedError: both are boolean.
    """
    _check_whole("fmod", input)
    return lax.rem(*jnp.broadcast_arrays(input, other))


def _integer_power(base: Array, exponent: Array) -> Array:
    """The power of integers; a negative one leaves 0, but of 1 and -1."""
    unit = jnp.where(base == 1, 1, jnp.where(base == -1, 1 - 2 * (exponent & 1), 0))

    def step(bit: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        product, square = state
        return jnp.where((exponent >> cast(bit, exponent.dtype)) & 1 == 1, product * square, product), square * square

    # jnp.power looks at six bits of the exponent only.
    power = lax.fori_loop(0, jnp.iinfo(base.dtype).bits, step, (jnp.ones_like(base), base))[0]
    return jnp.where(exponent < 0, unit, power)


@op(method=True, inplace=True, out=True)
def pow(input: Array, exponent: Array | int) -> Array:
    """``input ** exponent``.

    Raises:
        RuntimeError: an integer is raised to a negative Python integer, or the shapes do not broadcast.
    """
    check_broadcast(jnp.shape(input), jnp.shape(exponent))
    dtype = result_type(input, exponent)
    if dtype == np.bool_ and isinstance(exponent, bool):
        return input if exponent else jnp.ones(input.shape, dtype)
    if dtype == np.bool_:
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    base = cast(input, dtype)
    if isinstance(exponent, int) and not isinstance(exponent, bool):
        if exponent < 0 and not is_inexact(dtype):
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return lax.integer_pow(base, exponent)
    base, exponent = jnp.broadcast_arrays(base, cast(exponent, dtype))
    if not is_inexact(dtype):
        return _integer_power(base, exponent)
    # 0 ** 0 is 1 whatever happens to either 0.
    return lax.pow(jnp.where((base == 0) & (exponent == 0), 1, base), exponent)


@op(method=True, inplace=True, out=True)
def float_power(input: Array, exponent: Array) -> Array:
    """``input ** exponent``, computed in float64 (complex128 for complex numbers)."""
    dtype = np.dtype("complex128") if is_complex(result_type(input, exponent)) else np.dtype("float64")
    return pow(cast(input, dtype), cast(exponent, dtype))


@op(method=True, inplace=True, out=True, aliases=("negative",))
def neg(input: Array) -> Array:
    """``-input``.

    Raises:
        RuntimeError: the input is boolean.
    """
    if input.dtype == np.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return lax.neg(input)


@op(method=True)
def positive(input: Array) -> Array:
    """``input`` itself.

    Raises:
        RuntimeError: the input is boolean.
    """
    if input.dtype == np.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@op(method=True, inplace=True, out=True, aliases=("absolute",))
def abs(input: Array) -> Array:
    """The absolute value; real for complex numbers.  Its derivative at 0 is 0."""
    if is_complex(input.dtype):
        return jnp.abs(input)
    # JAX's own derivative at 0 is 1
    return input if input.dtype == np.bool_ else input * lax.sign(input)


@op(method=True, inplace=True, out=True)
def sign(input: Array) -> Array:
    """-1, 0 or 1; 0 for NaN.

    Raises:
        NotImplementedError: the input is complex.
    """
    if is_complex(input.dtype):
        raise NotImplementedError("torch.sign does not take complex numbers; torch.sgn does.")
    if input.dtype == np.bool_:
        return input
    return cast(input > 0, input.dtype) - cast(input < 0, input.dtype)


@op(method=True, inplace=True, out=True)
def sgn(input: Array) -> Array:
    """``input / |input|``, and 0 at 0: :func:`sign`, for complex numbers too."""
    if not is_complex(input.dtype):
        return sign(input)
    zero = input == 0
    return jnp.where(zero, 0, input / jnp.where(zero, 1, jnp.abs(jnp.where(zero, 1, input))))


@op(method=True, inplace=True, out=True, dtype="float")
def sqrt(input: Array) -> Array:
    """The square root; its derivative at 0 is infinite."""
    return lax.sqrt(input)


@op(method=True, inplace=True, out=True, dtype="float")
def rsqrt(input: Array) -> Array:
    """``1 / sqrt(input)``."""
    return lax.rsqrt(input)


@op(method=True, inplace=True, out=True)
def square(input: Array) -> Array:
    """``input ** 2``."""
    x = cast(input, np.int64) if input.dtype == np.bool_ else input
    return lax.mul(x, x)


@op(method=True, inplace=True, out=True, dtype="float")
def reciprocal(input: Array) -> Array:
    """``1 / input``."""
    return lax.integer_pow(input, -1)


@op(method=True, inplace=True, out=True)
def lerp(input: Array, end: Array, weight: Array) -> Array:
    """``input + weight * (end - input)``, exact at both ends.

    Raises:
        RuntimeError: the types differ, or the shapes do not broadcast.
    """
    if end.dtype != input.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    check_broadcast(input.shape, end.shape, jnp.shape(weight))
    start, stop, w = (at_least_single(x) for x in (input, end, cast(weight, input.dtype)))
    step = stop - start
    return cast(jnp.where(jnp.abs(w) < 0.5, start + w * step, stop - step * (1 - w)), input.dtype)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, older=("value",))
def addcmul(input: Array, tensor1: Array, tensor2: Array, *, value: Number = 1) -> Array:
    """``input + value * tensor1 * tensor2``."""
    a, b, c = (at_least_single(x) for x in (input, tensor1, tensor2))
    return cast(a + scaled(b, value) * c, input.dtype)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True, older=("value",))
def addcdiv(input: Array, tensor1: Array, tensor2: Array, *, value: Number = 1) -> Array:
    """``input + value * tensor1 / tensor2``.

    Raises:
        RuntimeError: all arguments are integers.
    """
    if not is_inexact(input.dtype):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future release addcdiv will perform a "
            "true division of tensor1 and tensor2; use (input + value * torch.trunc(tensor1 / tensor2)) instead"
        )
    a, b, c = (at_least_single(x) for x in (input, tensor1, tensor2))
    return cast(a + scaled(b / c, value), input.dtype)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True)
def gcd(input: Strict, other: Strict) -> Array:
    """The greatest common divisor of integers, never negative."""
    return jnp.gcd(input, other)


@op(method=True, inplace=True, out=True, dtype="promote", broadcast=True)
def lcm(input: Strict, other: Strict) -> Array:
    """The least common multiple of integers, never negative."""
    return jnp.lcm(input, other)
