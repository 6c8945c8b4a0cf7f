"""Orthogonal polynomials of a degree that may differ from element to element.

Each obeys a recurrence in its degree (DLMF 18.9); inside (-1, 1) Chebyshev's of high degree are computed by their
trigonometric form (DLMF 18.5).  The degree is cut to an integer; a negative one gives 0.  As in torch, none has a
gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast
from fxtorch.ops.table import Array, op

TRIGONOMETRIC = 8  # from which degree on
HIGHEST_HERMITE = {4: 128, 8: 512}  # by the size of the type: above it the values are infinite

Step = Callable[[Any, Array, Array], Array]


def _recur(n: Array, first: Array, step: Step, known: Array | None = None) -> Array:
    """The polynomial of degree ``n``.

    Args:
        n: the degrees.
        first: the values of degree 1.
        step: ``step(k, p, q)``: those of degree ``k + 1`` from those of degree ``k`` and ``k - 1``.
        known: values that need no recurrence, NaN elsewhere.
    """
    first, n = jnp.broadcast_arrays(first, cast(n, np.int64))
    wanted = n if known is None else jnp.where(jnp.isnan(known), n, 0)
    last = jnp.max(wanted, initial=0)
    one = jnp.ones_like(first)

    def forward(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, p, q = state
        on = wanted > k
        return k + 1, jnp.where(on, step(cast(k, p.dtype), p, q), p), jnp.where(on, p, q)

    _, p, _ = lax.while_loop(lambda state: state[0] < last, forward, (jnp.ones_like(last), first, one))
    value = jnp.where(n < 0, 0, jnp.where(n == 0, one, p))
    return value if known is None else jnp.where(jnp.isnan(known), value, known)


def _chebyshev(x: Array, n: Array, first: Array, waves: Callable[[Array, Array], Array]) -> Array:
    x, first, n = jnp.broadcast_arrays(x, first, jnp.trunc(n))
    inside = (jnp.abs(x) < 1) & (n > TRIGONOMETRIC)
    angle = jnp.arccos(jnp.where(inside, x, 0))
    known = jnp.where(inside, waves(angle, n), np.nan)
    return _recur(n, first, lambda k, p, q: 2 * x * p - q, known)


def _t(x: Array, n: Array) -> Array:
    return _chebyshev(x, n, x, lambda a, n: jnp.cos(n * a))


def _u(x: Array, n: Array) -> Array:
    return _chebyshev(x, n, 2 * x, lambda a, n: jnp.sin((n + 1) * a) / jnp.sin(a))


def _v(x: Array, n: Array) -> Array:
    return _chebyshev(x, n, 2 * x - 1, lambda a, n: jnp.cos((n + 0.5) * a) / jnp.cos(a / 2))


def _w(x: Array, n: Array) -> Array:
    return _chebyshev(x, n, 2 * x + 1, lambda a, n: jnp.sin((n + 0.5) * a) / jnp.sin(a / 2))


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def chebyshev_polynomial_t(x: Array, n: Array) -> Array:
    """Chebyshev's polynomial of the first kind: ``cos(n * acos(x))``.

    >>> chebyshev_polynomial_t(jnp.asarray([0.5, 2.0], dtype=np.float32), jnp.asarray(2, dtype=np.int64))
    Array([-0.5,  7. ], dtype=float32)
    """
    return _t(x, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def chebyshev_polynomial_u(x: Array, n: Array) -> Array:
    """Chebyshev's polynomial of the second kind: ``sin((n + 1) * a) / sin(a)`` with ``a = acos(x)``."""
    return _u(x, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def chebyshev_polynomial_v(x: Array, n: Array) -> Array:
    """Chebyshev's polynomial of the third kind: ``cos((n + 1/2) * a) / cos(a / 2)`` with ``a = acos(x)``."""
    return _v(x, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def chebyshev_polynomial_w(x: Array, n: Array) -> Array:
    """Chebyshev's polynomial of the fourth kind: ``sin((n + 1/2) * a) / sin(a / 2)`` with ``a = acos(x)``."""
    return _w(x, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def shifted_chebyshev_polynomial_t(x: Array, n: Array) -> Array:
    """:func:`chebyshev_polynomial_t` at ``2 * x - 1``."""
    return _t(2 * x - 1, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def shifted_chebyshev_polynomial_u(x: Array, n: Array) -> Array:
    """:func:`chebyshev_polynomial_u` at ``2 * x - 1``."""
    return _u(2 * x - 1, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def shifted_chebyshev_polynomial_v(x: Array, n: Array) -> Array:
    """:func:`chebyshev_polynomial_v` at ``2 * x - 1``."""
    return _v(2 * x - 1, n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def shifted_chebyshev_polynomial_w(x: Array, n: Array) -> Array:
    """:func:`chebyshev_polynomial_w` at ``2 * x - 1``."""
    return _w(2 * x - 1, n)


def _within_hermite(value: Array, n: Array) -> Array:
    return jnp.where(n > HIGHEST_HERMITE.get(value.dtype.itemsize, 128), np.nan, value)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def hermite_polynomial_h(x: Array, n: Array) -> Array:
    """The physicist's Hermite polynomial, orthogonal under ``exp(-x ** 2)``."""
    return _within_hermite(_recur(n, 2 * x, lambda k, p, q: 2 * x * p - 2 * k * q), n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def hermite_polynomial_he(x: Array, n: Array) -> Array:
    """The probabilist's Hermite polynomial, orthogonal under ``exp(-x ** 2 / 2)``."""
    return _within_hermite(_recur(n, x, lambda k, p, q: x * p - k * q), n)


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def laguerre_polynomial_l(x: Array, n: Array) -> Array:
    """Laguerre's polynomial, orthogonal under ``exp(-x)`` on positive numbers."""
    return _recur(n, 1 - x, lambda k, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1))


@op(where=("special",), out=True, dtype="float", broadcast=True, differentiable=False, real=True)
def legendre_polynomial_p(x: Array, n: Array) -> Array:
    """Legendre's polynomial, orthogonal on [-1, 1]."""
    return _recur(n, x, lambda k, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1))
