"""Weighted sums of bytes as PyTorch takes them when it resizes pictures: with 16-bit weights, rounded at each axis."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray
from jax import lax


def _in_16_bits(weights: np.ndarray) -> tuple[np.ndarray, int]:
    """``weights`` times ``2**bits`` as integers, ``bits`` as large as 16-bit numbers allow."""
    largest = float(weights.max())
    bits = next((b for b in range(22) if int(0.5 + largest * (1 << (b + 1))) >= 1 << 15), 22)
    return np.trunc(weights * (1 << bits) + np.where(weights < 0, -0.5, 0.5)), bits


def combine_bytes(x: JaxArray, axis: int, weights: np.ndarray) -> JaxArray:
    """uint8 ``x`` combined along ``axis``.

    Args:
        x: of type uint8.
        axis: of ``size`` elements.
        weights: ``(out, size)``; each row sums to one.
    """
    whole, bits = _in_16_bits(weights)
    # a product in floating numbers is exact while its sums have no more digits than these, and far faster
    exact = np.float32 if np.abs(whole).sum(1).max() * 255 < 1 << 24 else np.float64
    moved = lax.convert_element_type(jnp.moveaxis(x, axis, -1), exact)
    sums = jnp.matmul(moved, jnp.asarray(whole.T, exact), precision="highest")
    rounded = jnp.clip(jnp.floor((sums + (1 << bits >> 1)) / (1 << bits)), 0, 255)
    return jnp.moveaxis(lax.convert_element_type(rounded, np.uint8), -1, axis)
