"""Windows of signal processing under their old names, which count a period, or all samples, from a length."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import numpy as jnp

from fxtorch.ops.dtypes import default_float, is_inexact
from fxtorch.ops.table import Array, op


def _samples(name: str, length: int, periodic: bool, dtype: Any) -> tuple[np.ndarray, np.dtype]:
    """``2 n / (N - 1) - 1``: where each sample lies between -1 and 1, and the type of the window.

    Raises:
        RuntimeError: the length is negative, or the type is not floating.
    """
    chosen = np.dtype(dtype or default_float())
    if not is_inexact(chosen):
        raise RuntimeError(f"{name} expects floating point dtypes, got: {chosen.name}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    last = max(length if periodic else length - 1, 1)
    return 2 * np.arange(length, dtype=np.float64) / last - 1, chosen


def _made(window: np.ndarray, dtype: np.dtype) -> Array:
    return jnp.asarray(np.ones(1) if window.size == 1 else window, dtype=dtype)


@op(factory=True)
def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Array:
    """The triangle ``1 - |2 n / (N - 1) - 1|``.

    Args:
        window_length: how many samples.
        periodic: N is one more than there are samples: the window for spectra, which repeats.
        dtype: the type of the window.

    Raises:
        RuntimeError: the length is negative, or the type is not floating.
    """
    x, dtype = _samples("bartlett_window", window_length, periodic, dtype)
    return _made(1 - np.abs(x), dtype)


@op(factory=True)
def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Array:
    """``0.42 - 0.5 cos(2 pi n / (N - 1)) + 0.08 cos(4 pi n / (N - 1))``; see :func:`bartlett_window`."""
    x, dtype = _samples("blackman_window", window_length, periodic, dtype)
    return _made(0.42 + 0.5 * np.cos(np.pi * x) + 0.08 * np.cos(2 * np.pi * x), dtype)


@op(factory=True)
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: Any = None
) -> Array:
    """``alpha - beta * cos(2 pi n / (N - 1))``; see :func:`bartlett_window`."""
    x, dtype = _samples("hamming_window", window_length, periodic, dtype)
    return _made(alpha + beta * np.cos(np.pi * x), dtype)


@op(factory=True)
def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Array:
    """``0.5 - 0.5 cos(2 pi n / (N - 1))``; see :func:`bartlett_window`."""
    x, dtype = _samples("hann_window", window_length, periodic, dtype)
    return _made(0.5 + 0.5 * np.cos(np.pi * x), dtype)


@op(factory=True)
def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None) -> Array:
    """``I0(beta * sqrt(1 - x ** 2)) / I0(beta)`` for x from -1 to 1; see :func:`bartlett_window`."""
    x, dtype = _samples("kaiser_window", window_length, periodic, dtype)
    return _made(np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta), dtype)
