"""Normalisation of activations: by batch, layer, group, instance, root mean square, neighbouring channels."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.batch_norm_kernels import batch_norm_train
from fxtorch.ops.checks import wrap_dims
from fxtorch.ops.dtypes import at_least_single, cast, default_float, is_inexact
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.reduction import vector_norm_of
from fxtorch.ops.table import Array, Number, op


class BatchNormResult(NamedTuple):
    """The normalised input, and the batch's mean and biased variance."""

    output: JaxArray
    mean: JaxArray
    variance: JaxArray


def _check_channels(x: JaxArray, **given: JaxArray | None) -> None:
    channels = x.shape[1] if x.ndim > 1 else 0
    for name, values in given.items():
        if values is not None and values.shape != (channels,):
            raise RuntimeError(f"{name} should contain {channels} elements not {values.size}")


def _check_count(x: JaxArray) -> None:
    if x.ndim > 1 and x.size // max(x.shape[1], 1) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {_size(x)}")


def _size(x: JaxArray) -> str:
    return f"torch.Size({list(x.shape)})"


@op(name="_batch_norm_train", where=("nn.functional",), saves="residuals")
def batch_norm_with_moments(input: Array, weight: Array | None, bias: Array | None, eps: float) -> BatchNormResult:
    """Batch normalisation by the batch's own moments, which the caller needs for the running ones.

    Raises:
        ValueError: there is one value a channel only.
        RuntimeError: ``weight`` or ``bias`` does not have one entry a channel.
    """
    _check_count(input)
    _check_channels(input, weight=weight, bias=bias)
    channels, dtype = input.shape[1] if input.ndim > 1 else 0, input.dtype
    if input.size == 0:
        return BatchNormResult(input, jnp.zeros(channels, dtype), jnp.zeros(channels, dtype))
    weight = jnp.ones(channels, dtype) if weight is None else weight
    bias = jnp.zeros(channels, dtype) if bias is None else bias
    return BatchNormResult(*batch_norm_train(input, weight, bias, float(eps)))


@op(name="_batch_norm_eval", where=("nn.functional",))
def batch_norm_with_running(
    input: Array, running_mean: Array, running_var: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """Batch normalisation by given moments: an affine map for each channel."""
    _check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if input.size == 0:
        return input
    shape = (1, -1) + (1,) * (input.ndim - 2)
    scale = lax.rsqrt(running_var + eps)
    scale = scale if weight is None else scale * weight
    y = (input - running_mean.reshape(shape)) * scale.reshape(shape)
    y = y if bias is None else y + bias.reshape(shape)
    return cast(y, input.dtype)


@functools.partial(custom_gradient, static=(3, 4))
def _standardize(
    x: JaxArray, weight: JaxArray | None, bias: JaxArray | None, axes: tuple[int, ...], eps: float
) -> JaxArray:
    """``x`` with mean 0 and variance 1 over ``axes``, times ``weight``, plus ``bias``, which broadcast to it.

    All of it is computed in at least float32 and rounded once to the type of ``x``.
    """
    return _affine(_standardized(x, axes, eps)[0], weight, bias, x.dtype)


def _standardized(x: JaxArray, axes: tuple[int, ...], eps: float) -> tuple[JaxArray, JaxArray]:
    wide = at_least_single(x)
    centred = wide - jnp.mean(wide, axes, keepdims=True)
    inverse = lax.rsqrt(jnp.mean(centred * centred, axes, keepdims=True) + eps)
    return centred * inverse, inverse


def _affine(y: JaxArray, weight: JaxArray | None, bias: JaxArray | None, dtype: jnp.dtype) -> JaxArray:
    y = y if weight is None else y * weight
    return cast(y if bias is None else y + bias, dtype)


def _standardize_fwd(
    x: JaxArray, weight: JaxArray | None, bias: JaxArray | None, axes: tuple[int, ...], eps: float
) -> tuple[JaxArray, tuple[JaxArray | None, ...]]:
    y, inverse = _standardized(x, axes, eps)
    return _affine(y, weight, bias, x.dtype), (cast(y, x.dtype), inverse, weight, bias)


def _standardize_bwd(
    axes: tuple[int, ...], eps: float, saved: tuple[JaxArray, JaxArray, JaxArray | None, JaxArray | None], g: JaxArray
) -> tuple[JaxArray | None, ...]:
    """``dx = (h - mean(h) - y mean(h y)) / std``, where ``h = g weight``."""
    y, inverse, weight, bias = saved
    dtype, y, g = y.dtype, at_least_single(y), at_least_single(g)
    h = g if weight is None else g * weight
    along = jnp.mean(h * y, axes, keepdims=True)
    dx = (h - jnp.mean(h, axes, keepdims=True) - y * along) * inverse
    return cast(dx, dtype), _summed(g * y, weight), _summed(g, bias)


def _summed(g: JaxArray, like: JaxArray | None) -> JaxArray | None:
    """The cotangent of what was broadcast."""
    if like is None:
        return None
    spread = tuple(axis for axis, size in enumerate(like.shape) if size == 1)
    return cast(jnp.sum(g, spread, keepdims=True), like.dtype)


_standardize.defvjp(_standardize_fwd, _standardize_bwd)


def _check_normalized(x: JaxArray, shape: tuple[int, ...], weight: JaxArray | None, bias: JaxArray | None) -> None:
    if not shape:
        raise RuntimeError(
            f"Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            f"but got normalized_shape = {list(shape)}"
        )
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(values.shape)} and normalized_shape = {list(shape)}"
            )
    if x.shape[-len(shape) :] != shape:
        wanted = ", ".join(map(str, ("*", *shape)))
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [{wanted}], "
            f"but got input of size{list(x.shape)}"
        )


@op(where=("torch", "nn.functional"), saves="residuals")
def layer_norm(
    input: Array,
    normalized_shape: tuple[int, ...],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-05,
    cudnn_enable: bool = True,
) -> Array:
    """``(input - mean) / sqrt(variance + eps) * weight + bias`` over the last ``len(normalized_shape)`` dimensions.

    Args:
        input: ``(..., *normalized_shape)``.
        normalized_shape: the shape over which the moments are taken.
        weight: of that shape.
        bias: of that shape.
        eps: added to the (biased) variance.
        cudnn_enable: accepted for torch's sake.

    Raises:
        RuntimeError: shapes do not match.

    >>> import jax.numpy as jnp
    >>> layer_norm(jnp.array([[1.0, 3.0]]), (2,), eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    _check_normalized(input, shape, weight, bias)
    before = input.ndim - len(shape)
    weight, bias = (None if p is None else p.reshape((1,) * before + shape) for p in (weight, bias))
    return _standardize(input, weight, bias, tuple(range(before, input.ndim)), float(eps))


@op(where=("torch", "nn.functional"), saves="residuals")
def rms_norm(
    input: Array, normalized_shape: tuple[int, ...], weight: Array | None = None, eps: float | None = None
) -> Array:
    """``input / sqrt(mean(input^2) + eps) * weight`` over the last ``len(normalized_shape)`` dimensions.

    ``eps`` is the type's machine epsilon where absent.  Source: Zhang and Sennrich (2019).
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    _check_normalized(input, shape, weight, None)
    x = cast(input, "float32") if input.dtype.itemsize < 4 else input
    small = float(jnp.finfo(x.dtype).eps) if eps is None else eps
    axes = tuple(range(input.ndim - len(shape), input.ndim))
    y = cast(x * lax.rsqrt(jnp.mean(x * x, axes, keepdims=True) + small), input.dtype)
    return cast(y if weight is None else y * weight, input.dtype)


@op(where=("torch", "nn.functional"), saves="residuals")
def group_norm(
    input: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-05,
    cudnn_enabled: bool = True,
) -> Array:
    """Normalisation over each of ``num_groups`` groups of channels of ``(N, C, ...)``.

    Args:
        input: ``(N, C, ...)``.
        num_groups: a divisor of ``C``.
        weight: ``(C,)``.
        bias: ``(C,)``.
        eps: added to the variance.
        cudnn_enabled: accepted for torch's sake.

    Raises:
        RuntimeError: the channels do not split into the groups, or shapes do not match.
        ValueError: there is one value a group only.
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    batch, channels = input.shape[:2]
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(values.shape)} and input of shape {list(input.shape)}"
            )
    if batch * channels // num_groups * math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {_size(input)}")
    if input.size == 0:
        return input
    weight, bias = (None if p is None else p.reshape(1, num_groups, -1, 1) for p in (weight, bias))
    grouped = input.reshape(batch, num_groups, channels // num_groups, -1)
    return _standardize(grouped, weight, bias, (2, 3), float(eps)).reshape(input.shape)


@op(name="_instance_norm_train", where=("nn.functional",), saves="residuals")
def instance_norm_with_moments(input: Array, weight: Array | None, bias: Array | None, eps: float) -> BatchNormResult:
    """Normalisation of every channel of every sample of ``(N, C, ...)``, and its moments averaged over the samples.

    Raises:
        ValueError: there is one value a channel only.
    """
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {_size(input)}")
    axes = tuple(range(2, input.ndim))
    weight, bias = (None if p is None else p.reshape(1, -1, *(1 for _ in axes)) for p in (weight, bias))
    y = _standardize(input, weight, bias, axes, float(eps))
    x = lax.stop_gradient(input)
    return BatchNormResult(y, jnp.mean(x, (0, *axes)), jnp.mean(jnp.var(x, axes), 0))


@op(name="_moved", where=("nn.functional",), differentiable=False)
def moved(running: Array, new: Array, momentum: Number) -> Array:
    """``running`` moved towards ``new`` by the fraction ``momentum``, in the type of ``running``."""
    return cast(running * (1 - momentum) + new * momentum, running.dtype)


@op(where=("nn.functional",))
def local_response_norm(input: Array, size: int, alpha: Number = 0.0001, beta: Number = 0.75, k: Number = 1.0) -> Array:
    """``input / (k + alpha mean_{size neighbouring channels}(input^2))^beta`` for ``(N, C, ...)``.

    Source: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (2012).
    """
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    squares = input * input
    edges = [(0, 0)] * input.ndim
    edges[1] = (size // 2, (size - 1) // 2)
    padded = jnp.pad(squares, edges)
    total = sum(lax.slice_in_dim(padded, i, i + input.shape[1], axis=1) for i in range(size))
    mean = total / size if is_inexact(input.dtype) else cast(total // size, default_float())  # torch's integer mean
    return input / (mean * alpha + k) ** beta


@op(where=("nn.functional",), out=True)
def normalize(input: Array, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12) -> Array:
    """``input / max(norm_p(input), eps)`` along ``dim``."""
    axes = wrap_dims(dim, input.ndim)
    return input / jnp.maximum(vector_norm_of(input, float(p), axes, True), eps)
