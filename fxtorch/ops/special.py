"""Sigmoids, error functions, the gamma family and Bessel functions."""

from __future__ import annotations

import functools
import math

import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.scipy import special

from fxtorch.ops.dtypes import at_least_single, cast
from fxtorch.ops.gradient import custom_gradient, gradient_from_output
from fxtorch.ops.reduction import sum_
from fxtorch.ops.table import Array, Strict, op


@op(method=True, inplace=True, out=True, aliases=("special.expit",), dtype="float")
def sigmoid(input: Array) -> Array:
    """``1 / (1 + exp(-input))``."""
    return _logistic(input)


@gradient_from_output(lambda out, g: g * (out * (1 - out)))
def _logistic(x: Array) -> Array:
    return lax.logistic(x)


@op(method=True, inplace=True, out=True, aliases=("special.logit",), dtype="float", real=True)
def logit(input: Array, eps: float | None = None) -> Array:
    """``log(input / (1 - input))``, with ``input`` first clamped to [``eps``, 1 - ``eps``] where that is given."""
    if eps is None:
        return lax.log(input) - lax.log1p(-input)
    inside = (input >= eps) & (input <= 1 - eps)
    x = jnp.where(inside, input, lax.stop_gradient(jnp.clip(input, eps, 1 - eps)))
    return lax.log(x / (1 - x))


@op(method=True, inplace=True, out=True, aliases=("special.erf",), dtype="float", real=True)
def erf(input: Array) -> Array:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t ** 2)`` from 0 to ``input``."""
    return lax.erf(input)


@op(method=True, inplace=True, out=True, aliases=("special.erfc",), dtype="float", real=True)
def erfc(input: Array) -> Array:
    """``1 - erf(input)``, exact far from 0."""
    return lax.erfc(input)


@op(method=True, inplace=True, out=True, aliases=("special.erfinv",), dtype="float", real=True)
def erfinv(input: Array) -> Array:
    """The inverse of :func:`erf`; infinite at -1 and 1."""
    return _erfinv(input)


@gradient_from_output(lambda out, g: g * (math.sqrt(math.pi) / 2) * lax.exp(out * out))
def _erfinv(x: Array) -> Array:
    """XLA's value improved by Newton's steps: its error grows by ``exp(y^2)`` in the derivative."""
    y = lax.erf_inv(x)
    far = abs(x) > 0.5
    for _ in range(2):
        error = jnp.where(far, jnp.sign(x) * ((1 - abs(x)) - lax.erfc(abs(y))), lax.erf(y) - x)
        step = error * (math.sqrt(math.pi) / 2) * lax.exp(y * y)
        y = jnp.where(jnp.isfinite(step), y - step, y)
    return y


@op(method=True, inplace=True, out=True, aliases=("special.gammaln",), dtype="float", real=True)
def lgamma(input: Array) -> Array:
    """``log(|gamma(input)|)``."""
    return _lgamma(input)


@custom_gradient
def _lgamma(x: Array) -> Array:
    return lax.lgamma(x)


_lgamma.defvjp(lambda x: (lax.lgamma(x), x), lambda x, g: (g * _digamma(x),))


@op(method=True, inplace=True, out=True, aliases=("special.digamma", "special.psi"), dtype="float", real=True)
def digamma(input: Array) -> Array:
    """The derivative of :func:`lgamma`; -inf at 0, NaN at negative integers."""
    return _digamma(input)


@custom_gradient
def _digamma(x: Array) -> Array:
    pole = x == 0
    return jnp.where(pole, jnp.where(jnp.signbit(x), np.inf, -np.inf), lax.digamma(jnp.where(pole, 1, x)))


_digamma.defvjp(lambda x: (_digamma(x), x), lambda x, g: (g * _hurwitz(x, 2),))


@op(out=True, aliases=("special.polygamma",), dtype="float", real=True)
def polygamma(n: int, input: Array) -> Array:
    """The ``n``-th derivative of :func:`digamma`.

    Raises:
        RuntimeError: ``n`` is negative.
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    if n == 0:
        return digamma(input)
    value = (-1) ** (n + 1) * math.factorial(n) * _hurwitz(at_least_single(input), n + 1)
    return cast(value, input.dtype)


# B(2 j) / (2 j)!, B being Bernoulli's numbers.
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600)


@functools.partial(custom_gradient, static=(1,))
def _hurwitz(q: Array, s: int) -> Array:
    """The Hurwitz zeta function of an integer order, for negative ``q`` too: terms up to 9, then Euler-Maclaurin."""

    def small(state: tuple[Array, Array]) -> Array:
        at = state[0]
        return (at <= 9) & (at > -1e6)

    def step(state: tuple[Array, Array]) -> tuple[Array, Array]:
        at, total = state
        more = small(state)
        return jnp.where(more, at + 1, at), jnp.where(more, total + lax.integer_pow(at, -s), total)

    at, total = lax.while_loop(lambda state: jnp.any(small(state)), step, (q, jnp.zeros_like(q)))
    total += lax.integer_pow(at, 1 - s) / (s - 1) + lax.integer_pow(at, -s) / 2
    rising = float(s)
    for j, factor in enumerate(_BERNOULLI):
        total += factor * rising * lax.integer_pow(at, -s - 2 * j - 1)
        rising *= (s + 2 * j + 1) * (s + 2 * j + 2)
    return total


_hurwitz.defvjp(lambda q, s: (_hurwitz(q, s), q), lambda s, q, g: (-s * g * _hurwitz(q, s + 1),))


@op(name="polygamma", where=(), method=True, inplace=True, dtype="float")
def polygamma_method(input: Array, n: int) -> Array:
    """:func:`polygamma` with its arguments in the order of a method."""
    return polygamma(n, input)


@op(method=True, inplace=True, out=True, aliases=("special.multigammaln",), dtype="float", real=True)
def mvlgamma(input: Array, p: int) -> Array:
    """The logarithm of the ``p``-dimensional gamma function.

    Raises:
        RuntimeError: ``p`` is less than 1.
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    steps = jnp.arange(p, dtype=input.dtype) / 2
    return sum_(_lgamma(input[..., None] - steps), -1) + p * (p - 1) / 4 * math.log(math.pi)


@op(method=True, inplace=True, out=True, aliases=("special.gammainc",), dtype="promote", broadcast=True, real=True)
def igamma(input: Strict, other: Strict) -> Array:
    """The regularized lower incomplete gamma function of order ``input`` at ``other``."""
    return lax.igamma(*jnp.broadcast_arrays(input, other))


@op(method=True, inplace=True, out=True, aliases=("special.gammaincc",), dtype="promote", broadcast=True, real=True)
def igammac(input: Strict, other: Strict) -> Array:
    """The regularized upper incomplete gamma function of order ``input`` at ``other``."""
    return lax.igammac(*jnp.broadcast_arrays(input, other))


@op(where=("special",), out=True, dtype="float", broadcast=True, real=True)
def zeta(input: Array, other: Array) -> Array:
    """The Hurwitz zeta function: the sum of ``(k + other) ** -input`` over k = 0, 1, ...

    It is infinite where ``other`` is 0 or a negative integer, and where ``input`` is 1; NaN where ``input`` is below.
    """
    pole = (other <= 0) & (other == lax.floor(other)) & (input > 1)
    value = jnp.where(pole, np.inf, special.zeta(input, jnp.where(pole, 1, other)))
    return jnp.where(input < 1, np.nan, value)


@op(method=True, inplace=True, out=True, aliases=("special.i0", "special.modified_bessel_i0"), dtype="float", real=True)
def i0(input: Array) -> Array:
    """The modified Bessel function of the first kind, order 0."""
    return _i0(input)


@custom_gradient
def _i0(x: Array) -> Array:
    return special.i0(x)


_i0.defvjp(lambda x: (special.i0(x), x), lambda x, g: (g * i1(x),))


@op(where=("special",), out=True, dtype="float", real=True)
def i0e(input: Array) -> Array:
    """``exp(-|input|) * i0(input)``."""
    return special.i0e(input)


@op(where=("special",), out=True, aliases=("modified_bessel_i1",), dtype="float", real=True)
def i1(input: Array) -> Array:
    """The modified Bessel function of the first kind, order 1."""
    return special.i1(input)


@op(where=("special",), out=True, dtype="float", real=True)
def i1e(input: Array) -> Array:
    """``exp(-|input|) * i1(input)``."""
    return special.i1e(input)


@op(method=True, inplace=True, out=True, aliases=("special.xlogy",), dtype="float", broadcast=True, real=True)
def xlogy(input: Array, other: Array) -> Array:
    """``input * log(other)``, and 0 where ``input`` is 0 and ``other`` is not NaN."""
    none = (input == 0) & ((other <= 0) | (other == np.inf))
    return jnp.where(none, 0, input * lax.log(jnp.where(none, 1, other)))


@op(where=("special",), out=True, dtype="float", broadcast=True, real=True)
def xlog1py(input: Array, other: Array) -> Array:
    """``input * log1p(other)``, and 0 where ``input`` is 0 and ``other`` is not NaN."""
    none = (input == 0) & ((other <= -1) | (other == np.inf))
    return jnp.where(none, 0, input * lax.log1p(jnp.where(none, 0, other)))


@op(where=("special",), out=True, dtype="float", real=True)
def entr(input: Array) -> Array:
    """``-input * log(input)``; 0 at 0, -inf below."""
    positive = input > 0
    outside = jnp.where(input == 0, 0, jnp.where(input != input, np.nan, -np.inf))
    return jnp.where(positive, -input * lax.log(jnp.where(positive, input, 1)), outside)


@op(where=("special",), out=True, dtype="float", real=True)
def ndtr(input: Array) -> Array:
    """The area under the standard normal density left of ``input``."""
    return 0.5 * lax.erfc(-input * math.sqrt(0.5))


@op(where=("special",), out=True, dtype="float", real=True)
def ndtri(input: Array) -> Array:
    """The inverse of :func:`ndtr`."""
    return special.ndtri(input)


@op(where=("special",), out=True, dtype="float", real=True)
def log_ndtr(input: Array) -> Array:
    """``log(ndtr(input))``, exact far to the left."""
    return special.log_ndtr(input)


@op(where=("special",), out=True, dtype="float", real=True)
def erfcx(input: Array) -> Array:
    """``exp(input ** 2) * erfc(input)``, exact far to the right."""
    return special.erfcx(input)
