"""Losses of regression and of distributions: what a prediction costs against a number."""

from __future__ import annotations

import math
import warnings

import jax.numpy as jnp
from jax import lax
from jax.scipy.special import xlogy

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import at_least_single, cast, promote
from fxtorch.ops.loss_reduction import chosen_reduction, reduced, warn_broadcast
from fxtorch.ops.table import Array, Strict, op

_WHERE = ("nn.functional",)


def _pair(input: Array, target: Array) -> tuple[Array, Array]:
    warn_broadcast(input, target)
    check_broadcast(input.shape, target.shape)
    a, b = promote(input, target)
    return a, b


@op(where=_WHERE)
def mse_loss(
    input: Strict,
    target: Strict,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """``(input - target)^2``, averaged, summed or neither.

    Args:
        input: any shape.
        target: of the same shape (another one broadcasts, with a warning).
        size_average: torch's older spelling of ``reduction``.
        reduce: likewise.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        weight: factors of the shape of ``input``; the mean is then the weighted one.

    >>> import jax.numpy as jnp
    >>> float(mse_loss(jnp.array([1.0, 3.0]), jnp.array([1.0, 1.0])))
    2.0
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    a, b = _pair(input, target)
    d = a - b
    return _weighted(d * d, weight, reduction)


def _weighted(values: Array, weight: Array | None, reduction: str) -> Array:
    if weight is None:
        return reduced(values, reduction)
    if weight.shape != values.shape:
        raise ValueError("Weights and input must have the same size.")
    total = reduced(values * weight, "sum" if reduction == "mean" else reduction)
    return total / jnp.sum(weight) if reduction == "mean" else total


@op(where=_WHERE)
def l1_loss(
    input: Strict,
    target: Strict,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """``|input - target|``, averaged, summed or neither; see :func:`mse_loss`."""
    reduction = chosen_reduction(size_average, reduce, reduction)
    a, b = _pair(input, target)
    return _weighted(jnp.abs(a - b), weight, reduction)


@op(where=_WHERE, real=True)
def smooth_l1_loss(
    input: Strict,
    target: Strict,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Array:
    """``d^2 / (2 beta)`` where ``|d| < beta``, else ``|d| - beta / 2``, with ``d = input - target``.

    Raises:
        RuntimeError: ``beta`` is negative.
    """
    warn_broadcast(input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    reduction = chosen_reduction(size_average, reduce, reduction)
    a, b = _pair(input, target)
    size = jnp.abs(a - b)
    values = size if beta == 0 else jnp.where(size < beta, 0.5 * (a - b) ** 2 / beta, size - 0.5 * beta)
    return reduced(values, reduction)


@op(where=_WHERE, real=True)
def huber_loss(
    input: Strict, target: Strict, reduction: str = "mean", delta: float = 1.0, weight: Array | None = None
) -> Array:
    """``d^2 / 2`` where ``|d| <= delta``, else ``delta (|d| - delta / 2)``, with ``d = input - target``.

    Raises:
        RuntimeError: ``delta`` is not positive.
    """
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    reduction = chosen_reduction(None, None, reduction)
    a, b = _pair(input, target)
    away = at_least_single(a) - at_least_single(b)
    size = jnp.abs(away)
    values = jnp.where(size <= delta, 0.5 * away * away, delta * (size - 0.5 * delta))
    return _weighted(cast(values, input.dtype), weight, reduction)


@op(where=_WHERE, real=RuntimeError)
def kl_div(
    input: Strict,
    target: Strict,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Array:
    """``target (log target - input)``: the divergence of ``target`` from the distribution whose logarithm is ``input``.

    Args:
        input: logarithms of probabilities.
        target: probabilities, or with ``log_target`` their logarithms.
        size_average: torch's older spelling of ``reduction``.
        reduce: likewise.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` over all elements, or ``"batchmean"``, which is the divergence.
        log_target: see ``target``.
    """
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    batch = reduction == "batchmean"
    reduction = chosen_reduction(size_average, reduce, "sum" if batch else reduction)
    input, target = promote(input, target)
    values = jnp.exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    out = reduced(values, reduction)
    return out / input.shape[0] if batch and input.ndim else out


@op(where=_WHERE, dtype="float", real=True)
def poisson_nll_loss(
    input: Strict,
    target: Strict,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """The negative logarithm of a Poisson probability of ``target``, without ``log(target!)``.

    ``exp(input) - target input``, or without ``log_input`` ``input - target log(input + eps)``; with ``full`` plus
    Stirling's approximation of ``log(target!)`` where ``target > 1``.
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    input, target = promote(input, target)
    values = jnp.exp(input) - target * input if log_input else input - target * jnp.log(input + eps)
    if full:
        large = target > 1
        t = jnp.where(large, target, 1)
        values = values + jnp.where(large, t * jnp.log(t) - t + 0.5 * jnp.log(2 * math.pi * t), 0)
    return reduced(values, reduction)


def _differing(a: Array, b: Array) -> list[int]:
    """The sizes of ``b`` in those dimensions in which ``a`` has another."""
    return [y for x, y in zip(a.shape, b.shape, strict=True) if x != y]


@op(where=_WHERE, real=True)
def gaussian_nll_loss(
    input: Array,
    target: Array,
    var: Array | float,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Array:
    """``(log(var) + (input - target)^2 / var) / 2``, with ``full`` plus ``log(2 pi) / 2``; ``var`` is at least ``eps``.

    Raises:
        ValueError: ``var`` has neither the shape of ``input``, nor that without the last dimension, nor that with a 1
            in one of its dimensions.
    """
    reduction = chosen_reduction(None, None, reduction)
    variance = jnp.broadcast_to(jnp.asarray(var, input.dtype), input.shape) if jnp.ndim(var) == 0 else jnp.asarray(var)
    if variance.shape != input.shape:
        if input.shape[:-1] == variance.shape:
            variance = variance[..., None]
        elif variance.ndim != input.ndim or _differing(input, variance) != [1]:
            raise ValueError("var is of incorrect size")
    variance = variance + lax.stop_gradient(jnp.maximum(variance, eps) - variance)
    values = 0.5 * (jnp.log(variance) + (input - target) ** 2 / variance)
    return reduced(values + 0.5 * math.log(2 * math.pi) if full else values, reduction)
