"""Dropout in its forms.  A taped call keeps the mask, so that the backward does not draw it again."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array as JaxArray

from fxtorch.ops.random_bits import random_bits
from fxtorch.ops.table import Array, Key, op

# The limit of SELU for minus infinity: what a dropped unit is set to, so that mean and variance stay.
_ALPHA = -1.7580993408473766


def _check(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def kept(key: Key, p: float, shape: tuple[int, ...]) -> JaxArray:
    """A mask that is true with probability ``1 - p``: random 32-bit integers against a threshold."""
    threshold = min(round(p * 2**32), 2**32 - 1)
    return random_bits(key, shape) >= jnp.uint32(threshold)


def _drop(x: JaxArray, p: float, training: bool, shape: tuple[int, ...], key: Key) -> JaxArray:
    _check(p)
    if not training or p == 0:
        return x
    if p == 1:
        return jnp.zeros_like(x) * x
    return jnp.where(kept(key, p, shape), x * (1 / (1 - p)), 0)


@op(where=("torch", "nn.functional"), inplace=True, saves="residuals")
def dropout(input: Array, p: float = 0.5, training: bool = True, *, key: Key) -> Array:
    """Zero each element with probability ``p`` and multiply the others by ``1 / (1 - p)``; the identity in evaluation.

    Raises:
        ValueError: ``p`` is not a probability.
    """
    return _drop(input, p, training, input.shape, key)


def _channels(x: JaxArray, spatial: int) -> tuple[int, ...]:
    """A mask's shape: one entry for each channel of ``(N, C, ...)`` or ``(C, ...)``."""
    return x.shape[: x.ndim - spatial] + (1,) * spatial


@op(where=("nn.functional",), inplace=True, saves="residuals")
def dropout1d(input: Array, p: float = 0.5, training: bool = True, *, key: Key) -> Array:
    """:func:`dropout` of whole channels of ``(N, C, L)`` or ``(C, L)``."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input.")
    return _drop(input, p, training, _channels(input, 1), key)


@op(where=("nn.functional",), inplace=True, saves="residuals")
def dropout2d(input: Array, p: float = 0.5, training: bool = True, *, key: Key) -> Array:
    """:func:`dropout` of whole channels of ``(N, C, H, W)``; the first two dimensions are drawn over."""
    return _drop(input, p, training, _channels(input, max(input.ndim - 2, 0)), key)


@op(where=("nn.functional",), inplace=True, saves="residuals")
def dropout3d(input: Array, p: float = 0.5, training: bool = True, *, key: Key) -> Array:
    """:func:`dropout` of whole channels of ``(N, C, D, H, W)``; the first two dimensions are drawn over."""
    return _drop(input, p, training, _channels(input, max(input.ndim - 2, 0)), key)


def _alpha_drop(x: JaxArray, p: float, training: bool, shape: tuple[int, ...], key: Key) -> JaxArray:
    _check(p)
    if not training or p == 0:
        return x
    if p == 1:
        return jnp.zeros_like(x) * x
    scale = 1 / math.sqrt((1 - p) * (1 + p * _ALPHA**2))
    return jnp.where(kept(key, p, shape), x, _ALPHA) * scale - scale * _ALPHA * p


@op(where=("torch", "nn.functional"), inplace=True, saves="residuals")
def alpha_dropout(input: Array, p: float = 0.5, training: bool = False, *, key: Key) -> Array:
    """Dropout that keeps mean and variance of self-normalising activations (:func:`selu`).

    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    """
    return _alpha_drop(input, p, training, input.shape, key)


@op(where=("torch", "nn.functional"), inplace=True, saves="residuals")
def feature_alpha_dropout(input: Array, p: float = 0.5, training: bool = False, *, key: Key) -> Array:
    """:func:`alpha_dropout` of whole channels of ``(N, C, ...)``."""
    return _alpha_drop(input, p, training, _channels(input, max(input.ndim - 2, 0)), key)
