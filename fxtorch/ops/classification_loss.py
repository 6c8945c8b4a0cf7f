"""Losses of classification: cross-entropy from scores, its parts, and its binary forms."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.checks import check_subtraction
from fxtorch.ops.dtypes import at_least_single, cast, is_float, is_inexact, result_type, type_name
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.loss_reduction import chosen_reduction, reduced
from fxtorch.ops.table import Array, Strict, op

_WHERE = ("nn.functional",)


def _classes(x: JaxArray) -> JaxArray:
    """The number of the class at each place of ``(N, C, ...)``."""
    return lax.broadcasted_iota("int32", x.shape, 1)


def _logsumexp(x: JaxArray) -> JaxArray:
    top = jnp.max(x, 1, keepdims=True)
    top = jnp.where(jnp.isfinite(top), top, 0)
    return jnp.log(jnp.sum(jnp.exp(x - top), 1)) + top[:, 0]


def _soft_targets(x: JaxArray, target: JaxArray, weight: JaxArray | None, smoothing: float) -> JaxArray:
    """What each class counts: the weight of the target (less the smoothing), plus the smoothing's share of all."""
    hit = _classes(x) == target[:, None]
    factor = 1 if weight is None else weight.reshape(1, -1, *(1,) * (x.ndim - 2))
    return jnp.where(hit, 1 - smoothing, 0).astype(x.dtype) * factor + smoothing / x.shape[1] * factor


def _index_losses(x: JaxArray, target: JaxArray, weight: JaxArray | None, smoothing: float) -> JaxArray:
    x = at_least_single(x)
    lse = _logsumexp(x)
    if smoothing == 0:
        picked = jnp.take_along_axis(x, target[:, None], 1, mode="clip")[:, 0]
        losses = -(picked - lse)  # torch's sign of zero
        return losses if weight is None else losses * jnp.take(weight, target, mode="clip")
    q = _soft_targets(x, target, weight, smoothing)
    # A class of no weight must not turn a score of minus infinity into NaN.
    return jnp.sum(jnp.where(q == 0, 0, q * (lse[:, None] - x)), 1)


@functools.partial(custom_gradient, static=(3,))
def _index_cross_entropy(x: JaxArray, target: JaxArray, weight: JaxArray | None, smoothing: float) -> JaxArray:
    """Unreduced losses of ``(N, C, ...)``, float32 at least; the gradient, ``softmax(x) - onehot``, is one pass."""
    return _index_losses(x, target, weight, smoothing)


def _index_fwd(x: JaxArray, target: JaxArray, weight: JaxArray | None, smoothing: float) -> tuple[JaxArray, Any]:
    return _index_cross_entropy(x, target, weight, smoothing), (x, target, weight)


def _index_bwd(smoothing: float, saved: Any, g: JaxArray) -> tuple[JaxArray, None, JaxArray | None]:
    given, target, weight = saved
    x = at_least_single(given)
    p = jnp.exp(x - _logsumexp(x)[:, None])
    q = _soft_targets(x, target, weight, smoothing)
    total = 1 if weight is None else jnp.sum(q, 1, keepdims=True)
    dw = None if weight is None else jnp.zeros_like(weight)
    return cast((p * total - q) * g[:, None], given.dtype), None, dw


_index_cross_entropy.defvjp(_index_fwd, _index_bwd)


def _batched(input: JaxArray, target: JaxArray, probabilities: bool) -> tuple[JaxArray, JaxArray]:
    """Both with a batch dimension, once their shapes are known to fit."""
    if input.ndim == 0:
        raise RuntimeError("input tensor must have at least 1 dimension")
    if input.ndim == 1:
        if not probabilities and target.size != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.size}")
        return input[None], target.reshape(1, *(input.shape if probabilities else ()))
    if target.ndim and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if not probabilities and target.ndim + 1 != input.ndim:
        if input.ndim > 3:
            raise RuntimeError(
                f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.ndim}"
            )
        raise RuntimeError(f"Expected target size {[input.shape[0], *input.shape[2:]]}, got {list(target.shape)}")
    if not probabilities and input.shape[2:] != target.shape[1:]:
        if input.ndim == 4:
            raise RuntimeError(f"size mismatch (got input: {list(input.shape)} , target: {list(target.shape)} ")
        raise RuntimeError(f"Expected target size {[input.shape[0], *input.shape[2:]]}, got {list(target.shape)}")
    return input, target


def _check_target(target: JaxArray) -> None:
    if target.dtype not in ("int64", "uint8"):
        names = {"float32": "Float", "float64": "Double", "int32": "Int", "bool": "Bool"}
        found = names.get(target.dtype.name, target.dtype.name)
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {found}")


def _check_weight(weight: JaxArray | None, classes: int) -> None:
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            "weight tensor should be defined either for all or no classes, "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )


def _check_types(input: JaxArray, weight: JaxArray | None) -> None:
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype} but found {weight.dtype}")


def _averaged(losses: JaxArray, present: JaxArray, weights: JaxArray | None, reduction: str) -> JaxArray:
    """Losses of the targets present; the mean is by the weight of each target."""
    losses = jnp.where(present, losses, 0)
    if reduction != "mean":
        return reduced(losses, reduction)
    counted = present.astype(losses.dtype) if weights is None else jnp.where(present, weights, 0)
    return jnp.sum(losses) / jnp.sum(counted)


@op(where=_WHERE, real=True)
def cross_entropy(
    input: Strict,
    target: Strict,
    weight: Strict | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    """``-log softmax(input)[target]``, for classes given by index or as probabilities.

    Args:
        input: scores ``(N, C)``, ``(C,)`` or ``(N, C, d1, ...)``.
        target: int64 classes ``(N,)``, ``()`` or ``(N, d1, ...)``; or probabilities of the shape of ``input``.
        weight: a factor for each class, ``(C,)``.
        size_average: torch's older spelling of ``reduction``.
        ignore_index: the class that does not count.
        reduce: see ``size_average``.
        reduction: ``"none"``, ``"mean"`` (by the targets' weights) or ``"sum"``.
        label_smoothing: how much of each target is spread evenly over all classes.

    Raises:
        ValueError: batch sizes differ.
        RuntimeError: shapes or types do not fit, or the smoothing is not in ``[0, 1]``.

    >>> import jax.numpy as jnp
    >>> round(float(cross_entropy(jnp.zeros((1, 2)), jnp.array([1]))), 4)
    0.6931
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    probabilities = input.shape == target.shape and is_float(target.dtype)
    if probabilities and ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    x, y = _batched(input, target, probabilities)
    if not probabilities:
        _check_target(target)
    _check_weight(weight, x.shape[1])
    if probabilities:
        kind = result_type(input, target) if weight is None else result_type(input, target, weight)
        x, y = at_least_single(x), at_least_single(y)
        y = y * (1 - label_smoothing) + label_smoothing / x.shape[1]
        scores = x - _logsumexp(x)[:, None]
        if weight is not None:
            scores = scores * weight.reshape(1, -1, *(1,) * (x.ndim - 2))
        losses = -jnp.sum(scores * y, 1)
        if reduction == "mean":
            return cast(jnp.sum(losses) / losses.size, kind)
    else:
        kind = input.dtype
        losses = _index_cross_entropy(x, y, weight, float(label_smoothing))
        present = y != ignore_index
        weights = None if weight is None else jnp.take(weight, y, mode="clip")
        if reduction != "none" or x.ndim == input.ndim:
            return cast(_averaged(losses, present, weights, reduction), input.dtype)
        losses = jnp.where(present, losses, 0)
    losses = losses if input.ndim > 1 else losses[0]
    return cast(reduced(losses, reduction), kind)


@op(where=_WHERE, real=True)
def nll_loss(
    input: Strict,
    target: Strict,
    weight: Strict | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``-weight[target] input[target]`` with ``input`` logarithms of probabilities; see :func:`cross_entropy`."""
    reduction = chosen_reduction(size_average, reduce, reduction)
    _check_target(target)
    x, y = _batched(input, target, probabilities=False)
    _check_weight(weight, x.shape[1])
    _check_types(x, weight)
    present = y != ignore_index
    losses = -at_least_single(jnp.take_along_axis(x, jnp.where(present, y, 0)[:, None], 1, mode="clip")[:, 0])
    weights = None if weight is None else jnp.take(weight, y, mode="clip")
    losses = losses if weights is None else losses * weights
    out = cast(_averaged(losses, present, weights, reduction), x.dtype)
    return out if input.ndim > 1 or reduction != "none" else out[0]


@custom_gradient
def _binary_losses(x: JaxArray, target: JaxArray) -> JaxArray:
    """``-(t log x + (1 - t) log(1 - x))`` with logarithms no less than -100."""
    low = jnp.maximum(jnp.log(x), -100)
    return (target - 1) * jnp.maximum(jnp.log1p(-x), -100) - target * low


def _binary_fwd(x: JaxArray, target: JaxArray) -> tuple[JaxArray, tuple[JaxArray, JaxArray]]:
    return _binary_losses(x, target), (x, target)


def _binary_bwd(saved: tuple[JaxArray, JaxArray], g: JaxArray) -> tuple[JaxArray, JaxArray]:
    x, target = saved
    return g * (x - target) / jnp.maximum((1 - x) * x, 1e-12), g * (jnp.log1p(-x) - jnp.log(x))


_binary_losses.defvjp(_binary_fwd, _binary_bwd)


@op(where=_WHERE, real=True)
def binary_cross_entropy(
    input: Strict,
    target: Strict,
    weight: Strict | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``-weight (target log(input) + (1 - target) log(1 - input))`` for probabilities; logarithms are at least -100.

    Raises:
        ValueError: the shapes differ.
        RuntimeError: the types differ, or an element of ``input`` is no probability.
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
            f"(torch.Size({list(input.shape)})) is deprecated. Please ensure they have the same size."
        )
    if input.dtype != target.dtype:
        raise RuntimeError(f"Found dtype {type_name(target.dtype)} but expected {type_name(input.dtype)}")
    losses = _binary_losses(input, target)
    return reduced(losses if weight is None else losses * weight, reduction)


@op(where=_WHERE, real=True)
def binary_cross_entropy_with_logits(
    input: Strict,
    target: Strict,
    weight: Strict | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Strict | None = None,
) -> Array:
    """:func:`binary_cross_entropy` of ``sigmoid(input)``, without overflow; ``pos_weight`` multiplies the first term.

    The result has the type of ``target``, as PyTorch's has, which computes it in the memory of ``1 - target``.

    Raises:
        ValueError: the shapes differ.
        RuntimeError: ``target`` is not floating.
    """
    reduction = chosen_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))"
        )
    check_subtraction(target.dtype)
    if not is_inexact(target.dtype):
        names = type_name(input.dtype), type_name(target.dtype)
        raise RuntimeError(f"result type {names[0]} can't be cast to the desired output type {names[1]}")
    factor = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    losses = (1 - target) * input + factor * jax.nn.softplus(-input)
    return reduced(cast(losses if weight is None else losses * weight, target.dtype), reduction)


@op(where=_WHERE, real=True)
def multilabel_soft_margin_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """The mean over classes of ``-(target log sigmoid(input) + (1 - target) log sigmoid(-input))``."""
    reduction = chosen_reduction(size_average, reduce, reduction)
    x = at_least_single(input)
    losses = target * jax.nn.softplus(-x) + (1 - target) * jax.nn.softplus(x)
    losses = losses if weight is None else losses * weight
    return cast(reduced(jnp.mean(losses, -1), reduction), result_type(input, target))
