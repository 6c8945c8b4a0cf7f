"""Windows of signal processing under ``torch.signal.windows``'s names, each computed in float64.

With ``sym=False`` a window is periodic: the symmetric one of a sample more, without its last sample.
Formulas: F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, 1978.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.ops.dtypes import default_float
from fxtorch.ops.table import Array, op

_SPACE = ("signal.windows",)


def _checked(name: str, M: int, dtype: Any) -> np.dtype:
    """The type of the window.

    Raises:
        ValueError: ``M`` is negative, or the type is neither float32 nor float64.
    """
    chosen = np.dtype(dtype or default_float())
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if chosen not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: torch.{chosen.name}")
    return chosen


def _places(M: int, sym: bool) -> tuple[np.ndarray, int]:
    """The samples' numbers, and the number of the last one of the symmetric window."""
    return np.arange(M, dtype=np.float64), max(M - 1 if sym else M, 1)


def _made(window: np.ndarray, M: int, dtype: np.dtype) -> Array:
    return jnp.asarray(window if M != 1 else np.ones(1), dtype=dtype)


def _cosines(M: int, a: Any, sym: bool, dtype: np.dtype) -> Array:
    n, last = _places(M, sym)
    terms = [(-1) ** k * c * np.cos(2 * np.pi * k * n / last) for k, c in enumerate(a)]
    return _made(np.sum(terms, axis=0), M, dtype)


@op(where=_SPACE, factory=True)
def general_cosine(M: int, *, a: Any, sym: bool = True, dtype: Any = None) -> Array:
    """``sum_k (-1)^k a[k] cos(2 pi k n / (M - 1))``.

    Raises:
        TypeError: ``a`` is not a list of numbers.
        ValueError: ``a`` is empty, ``M`` is negative, or the type is not float32 or float64.
    """
    chosen = _checked("general_cosine", M, dtype)
    if not isinstance(a, tuple | list):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return _cosines(M, a, sym, chosen)


@op(where=_SPACE, factory=True)
def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, dtype: Any = None) -> Array:
    """``alpha - (1 - alpha) cos(2 pi n / (M - 1))``."""
    return _cosines(M, (alpha, 1 - alpha), sym, _checked("general_hamming", M, dtype))


@op(where=_SPACE, factory=True)
def hamming(M: int, *, sym: bool = True, dtype: Any = None) -> Array:
    """``0.54 - 0.46 cos(2 pi n / (M - 1))``."""
    return _cosines(M, (0.54, 0.46), sym, _checked("hamming", M, dtype))


@op(where=_SPACE, factory=True)
def hann(M: int, *, sym: bool = True, dtype: Any = None) -> Array:
    """``0.5 - 0.5 cos(2 pi n / (M - 1))``."""
    return _cosines(M, (0.5, 0.5), sym, _checked("hann", M, dtype))


@op(where=_SPACE, factory=True)
def blackman(M: int, *, sym: bool = True, dtype: Any = None) -> Array:
    """``0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))``."""
    return _cosines(M, (0.42, 0.5, 0.08), sym, _checked("blackman", M, dtype))


@op(where=_SPACE, factory=True)
def nuttall(M: int, *, sym: bool = True, dtype: Any = None) -> Array:
    """The window of four cosines with the smallest side lobes (A. Nuttall, 1981)."""
    return _cosines(M, (0.3635819, 0.4891775, 0.1365995, 0.0106411), sym, _checked("nuttall", M, dtype))


@op(where=_SPACE, factory=True)
def bartlett(M: int, *, sym: bool = True, dtype: Any = None) -> Array:
    """The triangle ``1 - |2 n / (M - 1) - 1|``."""
    chosen = _checked("bartlett", M, dtype)
    n, last = _places(M, sym)
    return _made(1 - np.abs(2 * n / last - 1), M, chosen)


@op(where=_SPACE, factory=True)
def cosine(M: int, *, sym: bool = True, dtype: Any = None) -> Array:
    """``sin(pi (n + 1/2) / M)``."""
    chosen = _checked("cosine", M, dtype)
    n, last = _places(M, sym)
    return _made(np.sin(np.pi * (n + 0.5) / (last + 1)), M, chosen)


@op(where=_SPACE, factory=True)
def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Any = None) -> Array:
    """``exp(-|n - center| / tau)``; the center is the middle, unless it is given to a periodic window.

    Raises:
        ValueError: ``tau`` is not positive, or a symmetric window is given a center.
    """
    chosen = _checked("exponential", M, dtype)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    n, last = _places(M, sym)
    return _made(np.exp(-np.abs(n - (last / 2 if center is None else center)) / tau), M, chosen)


@op(where=_SPACE, factory=True)
def gaussian(M: int, *, std: float = 1.0, sym: bool = True, dtype: Any = None) -> Array:
    """``exp(-(n - (M - 1) / 2)^2 / (2 std^2))``.

    Raises:
        ValueError: ``std`` is not positive.
    """
    chosen = _checked("gaussian", M, dtype)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    n, last = _places(M, sym)
    return _made(np.exp(-0.5 * ((n - last / 2) / std) ** 2), M, chosen)


@op(where=_SPACE, factory=True)
def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, dtype: Any = None) -> Array:
    """``I0(beta sqrt(1 - (2 n / (M - 1) - 1)^2)) / I0(beta)``, ``I0`` the modified Bessel function.

    Raises:
        ValueError: ``beta`` is negative.
    """
    chosen = _checked("kaiser", M, dtype)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    n, last = _places(M, sym)
    inside = np.clip(1 - (2 * n / last - 1) ** 2, 0, None)
    return _made(np.i0(beta * np.sqrt(inside)) / np.i0(beta), M, chosen)
