"""Bessel functions of order 0 and 1, and the Airy function.

Near 0 each is a smooth function of ``x ** 2`` plus, for the second kind, its logarithm; far out it is an oscillation or
an exponential times a smooth function of ``1 / x`` (DLMF 10.8, 10.17, 10.31, 10.40, 9.7).  The smooth parts are
Chebyshev sums.  As in torch, none has a gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.chebyshev import fit
from fxtorch.ops.table import Array, op

NEAR = 8.0  # where J and Y go over to their oscillating form
NEAR_K = 2.0  # where K goes over to its decaying form
AI_LOW, AI_HIGH = -8.0, 2.0  # between them the Airy function is one sum
AI_NONE = 103.892  # above it the Airy function is less than any double
TWO_OVER_PI = 2 / math.pi


def _phase(order: int, x: Any, xp: Any) -> tuple[Any, Any]:
    """Cosine and sine of ``x - (2 * order + 1) * pi / 4``, without rounding that difference."""
    s, c = xp.sin(x) * math.sqrt(0.5), xp.cos(x) * math.sqrt(0.5)
    return (c + s, s - c) if order == 0 else (s - c, -s - c)


def _amplitudes(exact: Any, order: int, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P and Q of DLMF 10.17.3 and 10.17.4, where ``t = (NEAR / x) ** 2``; Q as multiple of ``NEAR / x``."""
    x = NEAR / np.sqrt(t)
    j, y = (exact.j0(x), exact.y0(x)) if order == 0 else (exact.j1(x), exact.y1(x))
    c, s = _phase(order, x, np)
    size = np.sqrt(TWO_OVER_PI / x)
    return (j * c + y * s) / size, (y * c - j * s) / size * x / NEAR


_P = [fit(0.0, 1.0)(lambda exact, t, n=n: _amplitudes(exact, n, t)[0]) for n in (0, 1)]
_Q = [fit(0.0, 1.0)(lambda exact, t, n=n: _amplitudes(exact, n, t)[1]) for n in (0, 1)]


@fit(0.0, NEAR**2)
def _j0(exact: Any, t: np.ndarray) -> Any:
    return exact.j0(np.sqrt(t))


@fit(0.0, NEAR**2)
def _j1_over_x(exact: Any, t: np.ndarray) -> Any:
    x = np.sqrt(t)
    return exact.j1(x) / x


@fit(0.0, NEAR**2)
def _y0_smooth(exact: Any, t: np.ndarray) -> Any:
    x = np.sqrt(t)
    return exact.y0(x) - TWO_OVER_PI * np.log(x) * exact.j0(x)


@fit(0.0, NEAR**2)
def _y1_smooth_over_x(exact: Any, t: np.ndarray) -> Any:
    x = np.sqrt(t)
    return (exact.y1(x) - TWO_OVER_PI * (np.log(x) * exact.j1(x) - 1 / x)) / x


def _near(x: Array) -> Array:
    """The square of ``x`` where it is small, else a number at which the sums can be evaluated."""
    return jnp.where(x < NEAR, x * x, 1)


def _oscillating(order: int, x: Array) -> tuple[Array, Array]:
    """J and Y far from 0."""
    x = jnp.where(x < NEAR, NEAR, x)
    z = NEAR / x
    c, s = _phase(order, x, jnp)
    p, q = _P[order](z * z), z * _Q[order](z * z)
    size = jnp.sqrt(TWO_OVER_PI / x)
    return size * (p * c - q * s), size * (p * s + q * c)


def _second_kind(x: Array, value: Array) -> Array:
    """``value``, but -inf at 0 and NaN below, where Y is not real."""
    return jnp.where(x > 0, value, jnp.where(x == 0, -np.inf, np.nan))


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def bessel_j0(input: Array) -> Array:
    """The Bessel function of the first kind, order 0.

    >>> bessel_j0(jnp.asarray([0.0, 1.0], dtype=np.float64))
    Array([1.        , 0.76519769], dtype=float64)
    """
    x = jnp.abs(input)
    return jnp.where(x < NEAR, _j0(_near(x)), _oscillating(0, x)[0])


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def bessel_j1(input: Array) -> Array:
    """The Bessel function of the first kind, order 1."""
    x = jnp.abs(input)
    return jnp.where(x < NEAR, input * _j1_over_x(_near(x)), jnp.sign(input) * _oscillating(1, x)[0])


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def bessel_y0(input: Array) -> Array:
    """The Bessel function of the second kind, order 0; -inf at 0, NaN below."""
    near = _near(input)
    value = _y0_smooth(near) + TWO_OVER_PI * jnp.log(input) * _j0(near)
    return _second_kind(input, jnp.where(input < NEAR, value, _oscillating(0, input)[1]))


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def bessel_y1(input: Array) -> Array:
    """The Bessel function of the second kind, order 1; -inf at 0, NaN below."""
    near = _near(input)
    value = input * _y1_smooth_over_x(near) + TWO_OVER_PI * (jnp.log(input) * input * _j1_over_x(near) - 1 / input)
    return _second_kind(input, jnp.where(input < NEAR, value, _oscillating(1, input)[1]))


@fit(0.0, NEAR_K**2)
def _k0_smooth(exact: Any, t: np.ndarray) -> Any:
    x = np.sqrt(t)
    return exact.k0(x) + np.log(x) * exact.i0(x)


@fit(0.0, NEAR_K**2)
def _k1_smooth_over_x(exact: Any, t: np.ndarray) -> Any:
    x = np.sqrt(t)
    return (exact.k1(x) - np.log(x) * exact.i1(x) - 1 / x) / x


@fit(0.0, NEAR_K**2)
def _i0(exact: Any, t: np.ndarray) -> Any:
    return exact.i0(np.sqrt(t))


@fit(0.0, NEAR_K**2)
def _i1_over_x(exact: Any, t: np.ndarray) -> Any:
    x = np.sqrt(t)
    return exact.i1(x) / x


@fit(0.0, 1.0)
def _k0_far(exact: Any, t: np.ndarray) -> Any:
    x = NEAR_K / t
    return exact.k0e(x) * np.sqrt(x)


@fit(0.0, 1.0)
def _k1_far(exact: Any, t: np.ndarray) -> Any:
    x = NEAR_K / t
    return exact.k1e(x) * np.sqrt(x)


def _k0_near(x: Array, t: Array) -> Array:
    return _k0_smooth(t) - jnp.log(x) * _i0(t)


def _k1_near(x: Array, t: Array) -> Array:
    return x * (_k1_smooth_over_x(t) + jnp.log(x) * _i1_over_x(t)) + 1 / x


def _decaying(x: Array, near: Any, far: Any, *, scaled: bool) -> Array:
    """K by its two forms, times ``exp(x)`` if ``scaled``; inf at 0, NaN below."""
    inside = x <= NEAR_K
    close = jnp.where(inside, x, 1)
    out = jnp.where(inside, NEAR_K, x)
    small = near(close, close * close)
    large = far(NEAR_K / out) / jnp.sqrt(out)
    value = jnp.where(inside, small * jnp.exp(close) if scaled else small, large if scaled else large * jnp.exp(-out))
    return jnp.where(x > 0, value, jnp.where(x == 0, np.inf, np.nan))


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def modified_bessel_k0(input: Array) -> Array:
    """The modified Bessel function of the second kind, order 0; inf at 0, NaN below."""
    return _decaying(input, _k0_near, _k0_far, scaled=False)


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def modified_bessel_k1(input: Array) -> Array:
    """The modified Bessel function of the second kind, order 1; inf at 0, NaN below."""
    return _decaying(input, _k1_near, _k1_far, scaled=False)


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def scaled_modified_bessel_k0(x: Array) -> Array:
    """``exp(x) * modified_bessel_k0(x)``, exact far from 0."""
    return _decaying(x, _k0_near, _k0_far, scaled=True)


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def scaled_modified_bessel_k1(x: Array) -> Array:
    """``exp(x) * modified_bessel_k1(x)``, exact far from 0."""
    return _decaying(x, _k1_near, _k1_far, scaled=True)


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def spherical_bessel_j0(x: Array) -> Array:
    """``sin(x) / x``, and 1 at 0."""
    endless = jnp.isinf(x)
    safe = jnp.where((x == 0) | endless, 1, x)
    return jnp.where(endless, 0, jnp.where(x == 0, 1, jnp.sin(safe) / safe))


def _zeta(x: Any, xp: Any) -> Any:
    return 2 / 3 * x * xp.sqrt(x)


_ZETA_LOW, _ZETA_HIGH = (float(_zeta(np.float64(x), np)) for x in (-AI_LOW, AI_HIGH))


@fit(AI_LOW, AI_HIGH)
def _ai(exact: Any, x: np.ndarray) -> Any:
    return exact.airy(x)[0]


@fit(0.0, 1.0)
def _ai_far(exact: Any, t: np.ndarray) -> Any:
    x = np.cbrt((1.5 * _ZETA_HIGH / t) ** 2)
    return exact.airye(x)[0] * x**0.25


def _ai_amplitudes(exact: Any, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of DLMF 9.7.9, where ``t = (_ZETA_LOW / zeta) ** 2``."""
    zeta = _ZETA_LOW / np.sqrt(t)
    x = np.cbrt((1.5 * zeta) ** 2)
    ai, _, bi, _ = exact.airy(-x)
    c, s = _phase(0, zeta, np)
    return (c * ai - s * bi) * x**0.25, (s * ai + c * bi) * x**0.25 * zeta / _ZETA_LOW


_ai_p = fit(0.0, 1.0)(lambda exact, t: _ai_amplitudes(exact, t)[0])
_ai_q = fit(0.0, 1.0)(lambda exact, t: _ai_amplitudes(exact, t)[1])


@op(where=("special",), out=True, dtype="float", differentiable=False, real=True)
def airy_ai(x: Array) -> Array:
    """The Airy function Ai: the solution of ``y'' = x * y`` that vanishes for large ``x``; NaN at infinity."""
    middle = _ai(jnp.clip(x, AI_LOW, AI_HIGH))
    right = jnp.clip(x, AI_HIGH, AI_NONE)
    zeta = _zeta(right, jnp)
    decaying = _ai_far(_ZETA_HIGH / zeta) * jnp.exp(-zeta) / lax.sqrt(lax.sqrt(right))
    left = jnp.maximum(-x, -AI_LOW)
    zeta = _zeta(left, jnp)
    z = _ZETA_LOW / zeta
    c, s = _phase(0, zeta, jnp)
    waving = (c * _ai_p(z * z) + s * z * _ai_q(z * z)) / lax.sqrt(lax.sqrt(left))
    value = jnp.where(x < AI_LOW, waving, jnp.where(x > AI_HIGH, decaying, middle))
    return jnp.where(jnp.isfinite(x), jnp.where(x > AI_NONE, 0, value), np.nan)
