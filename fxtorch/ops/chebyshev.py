"""Functions as sums of Chebyshev polynomials, fitted once to SciPy's values and evaluated in any floating type."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

HIGHEST = 60
NEGLIGIBLE = 1e-17  # of the largest coefficient


class Fit:
    """``f`` on an interval, by its interpolating Chebyshev sum.

    The sum is found at the first call, by :func:`numpy.polynomial.chebyshev.chebinterpolate`, and cut where its
    coefficients vanish in double precision; it is evaluated by Clenshaw's recurrence (Clenshaw 1955).

    >>> f = Fit(lambda scipy_special, x: scipy_special.exprel(x), 0.0, 1.0)
    >>> bool(abs(f(0.5) - (np.exp(0.5) - 1) / 0.5) < 1e-14)
    True

    Args:
        f: ``f(scipy.special, x)``, smooth, of NumPy arrays in double precision.
        low: where the interval begins.
        high: where it ends.
    """

    def __init__(self, f: Callable[[Any, np.ndarray], Any], low: float, high: float) -> None:
        self.f = f
        self.low = low
        self.high = high

    @functools.cached_property
    def coefficients(self) -> list[float]:
        """What the Chebyshev polynomials of degree 0, 1, ... are multiplied by."""
        from scipy import special  # half a second, and seldom needed

        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        c = np.polynomial.chebyshev.chebinterpolate(lambda u: self.f(special, middle + half * u), HIGHEST)
        kept = np.flatnonzero(np.abs(c) > NEGLIGIBLE * np.abs(c).max())
        return [float(v) for v in c[: kept[-1] + 1]]

    def __call__(self, x: Any) -> Any:
        """The value at ``x``, which must lie in the interval."""
        u = (2 * x - (self.low + self.high)) / (self.high - self.low)
        first, *rest = self.coefficients
        b1 = b2 = 0 * u
        for c in reversed(rest):
            b1, b2 = 2 * u * b1 - b2 + c, b1
        return u * b1 - b2 + first


def fit(low: float, high: float) -> Callable[[Callable[[Any, np.ndarray], Any]], Fit]:
    """Decorate a function of ``scipy.special`` and NumPy arrays: it becomes its :class:`Fit` on an interval."""
    return lambda f: Fit(f, low, high)
