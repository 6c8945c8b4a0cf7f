"""Activation functions.  At a kink each takes the derivative that torch takes, so they are written with ``where``."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import at_least_single, cast
from fxtorch.ops.gradient import gradient_from_output
from fxtorch.ops.random import wrap_key
from fxtorch.ops.table import Array, Key, Number, op

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946
_BOTH = ("torch", "nn.functional")


@op(where=_BOTH, method=True, inplace=True, real=True)
def relu(input: Array) -> Array:
    """``max(input, 0)``; the derivative at 0 is 0.

    >>> import jax.numpy as jnp
    >>> relu(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return _relu(input)


@gradient_from_output(lambda out, g: jnp.where(out <= 0, 0, g))
def _relu(x: Array) -> Array:
    return _limit(x <= 0, x < 0, jnp.zeros((), x.dtype), x, x)


def _limit(at: Array, beyond: Array, bound: Array, x: Array, inside: Array) -> Array:
    """``bound`` where ``x`` is ``beyond`` it, ``inside`` where it is not even ``at`` it.

    On the bound itself it is ``x``, whose zero keeps its sign, without a derivative.
    """
    return jnp.where(at, lax.stop_gradient(jnp.where(beyond, bound, x)), inside)


@op(where=("nn.functional",), inplace=True, real=True)
def relu6(input: Array) -> Array:
    """``min(max(input, 0), 6)``."""
    return _clip(input, 0, 6)


def _clip(x: Array, low: Number, high: Number) -> Array:
    """``x`` between the bounds, with derivative 0 at the bounds themselves."""
    least, most = jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)
    below_most = _limit(x >= most, x > most, most, x, x)
    return _limit(x <= least, x < least, least, x, below_most)


@op(where=("nn.functional",), inplace=True, real=True)
def hardtanh(input: Array, min_val: Number = -1.0, max_val: Number = 1.0) -> Array:
    """``input`` limited to ``[min_val, max_val]``; the derivative at the limits is 0."""
    return _clip(input, min_val, max_val)


@op(where=("nn.functional",), inplace=True, real=True)
def leaky_relu(input: Array, negative_slope: Number = 0.01) -> Array:
    """``input`` where positive, else ``negative_slope * input``."""
    return jnp.where(input > 0, input, input * negative_slope)


@op(where=_BOTH, method=True, real=True)
def prelu(input: Array, weight: Array) -> Array:
    """``input`` where positive, else ``weight * input`` with one weight, or one a channel (dimension 1).

    Raises:
        RuntimeError: ``weight`` has neither one element nor one a channel.
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.size not in (1, channels):
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.size} "
            f"and channel size = {channels}."
        )
    shape = [1] * input.ndim
    if input.ndim > 1:
        shape[1] = weight.size
    return jnp.where(input > 0, input, input * weight.reshape(shape))


@op(where=_BOTH, inplace=True, saves="residuals", real=True)
def rrelu(input: Array, lower: Number = 1.0 / 8, upper: Number = 1.0 / 3, training: bool = False, *, key: Key) -> Array:
    """``input`` where positive, else ``a * input``.

    ``a`` is drawn from ``[lower, upper)`` for every element while ``training``, and is their mean otherwise.
    """
    if not training:
        slope = (lower + upper) / 2
    else:
        slope = jax.random.uniform(wrap_key(key), input.shape, input.dtype)
        slope = slope * (upper - lower) + lower
    return jnp.where(input > 0, input, input * slope)


def _negative(x: Array) -> Array:
    """``x`` where negative, so that ``exp`` in the branch not taken stays finite."""
    return jnp.where(x > 0, 0, x)


@op(where=("nn.functional",), inplace=True, real=True)
def elu(input: Array, alpha: Number = 1.0) -> Array:
    """``input`` where positive, else ``alpha (exp(input) - 1)``."""
    return jnp.where(input > 0, input, alpha * jnp.expm1(_negative(input)))


@op(where=_BOTH, inplace=True, real=True)
def celu(input: Array, alpha: Number = 1.0) -> Array:
    """``max(0, input) + min(0, alpha (exp(input / alpha) - 1))``."""
    return jnp.where(input > 0, input, alpha * jnp.expm1(_negative(input / alpha)))


@op(where=_BOTH, inplace=True, real=True)
def selu(input: Array) -> Array:
    """Scaled :func:`elu` with the constants of Klambauer et al., "Self-Normalizing Neural Networks" (2017)."""
    return _SELU_SCALE * jnp.where(input > 0, input, _SELU_ALPHA * jnp.expm1(_negative(input)))


@op(where=("nn.functional",), out=True, real=True)
def gelu(input: Array, *, approximate: Literal["none", "tanh"] = "none") -> Array:
    """``input * Phi(input)`` with the normal distribution function ``Phi``, or its ``tanh`` approximation.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).

    Raises:
        RuntimeError: ``approximate`` is neither ``"none"`` nor ``"tanh"``.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return cast(jax.nn.gelu(at_least_single(input), approximate=approximate == "tanh"), input.dtype)


@op(where=("nn.functional",), inplace=True)
def silu(input: Array) -> Array:
    """``input * sigmoid(input)``."""
    x = at_least_single(input)
    return cast(x * lax.logistic(x), input.dtype)


@op(where=("nn.functional",), inplace=True, real=True)
def mish(input: Array) -> Array:
    """``input * tanh(softplus(input))``."""
    x = at_least_single(input)
    return cast(x * jnp.tanh(jax.nn.softplus(x)), input.dtype)


@op(where=("nn.functional",), out=True, real=True)
def softplus(input: Array, beta: Number = 1.0, threshold: Number = 20.0) -> Array:
    """``log(1 + exp(beta input)) / beta``, and ``input`` itself where ``beta input > threshold``."""
    x = at_least_single(input)
    scaled = x * beta
    linear = scaled > threshold
    return cast(jnp.where(linear, x, jnp.log1p(jnp.exp(jnp.where(linear, 0, scaled))) / beta), input.dtype)


@op(where=("nn.functional",), dtype="float")
def softsign(input: Array) -> Array:
    """``input / (1 + |input|)``."""
    return input / (jnp.abs(input) + 1)


@op(where=("nn.functional",), out=True, real=True)
def softshrink(input: Array, lambd: Number = 0.5) -> Array:
    """``input`` moved towards 0 by ``lambd``, and 0 where ``|input| <= lambd``."""
    return jnp.where(input > lambd, input - lambd, jnp.where(input < -lambd, input + lambd, input * 0))


@op(where=_BOTH, method=True, out=True, real=True)
def hardshrink(input: Array, lambd: Number = 0.5) -> Array:
    """``input``, and 0 where ``|input| <= lambd``."""
    return jnp.where((input >= -lambd) & (input <= lambd), 0, input)


@op(where=("nn.functional",), dtype="float")
def tanhshrink(input: Array) -> Array:
    """``input - tanh(input)``."""
    return input - jnp.tanh(input)


@op(where=("nn.functional",), inplace=True, real=True)
def hardsigmoid(input: Array) -> Array:
    """``min(max(input + 3, 0), 6) / 6``."""
    return _clip(input + 3, 0, 6) / 6


@op(where=("nn.functional",), inplace=True, real=True)
def hardswish(input: Array) -> Array:
    """``input * min(max(input + 3, 0), 6) / 6``; 0 below -3 and ``input`` from 3 on."""
    return jnp.where(input <= -3, 0, jnp.where(input < 3, input * (input + 3) / 6, input))


@op(where=("nn.functional",), out=True, real=True)
def logsigmoid(input: Array) -> Array:
    """``log(sigmoid(input))``."""
    return cast(jax.nn.log_sigmoid(at_least_single(input)), input.dtype)


@op(where=("nn.functional",), real=True)
def glu(input: Array, dim: int = -1) -> Array:
    """``a * sigmoid(b)`` with ``a`` and ``b`` the two halves of ``input`` along ``dim``.

    Raises:
        RuntimeError: that dimension is odd, or there is none.
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    axis = wrap_dim(dim, input.ndim)
    if input.shape[axis] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {input.shape[axis]}")
    a, b = jnp.split(at_least_single(input), 2, axis)
    return cast(a * lax.logistic(b), input.dtype)


@op(where=_BOTH, inplace=True, real=True)
def threshold(input: Array, threshold: Number, value: Number) -> Array:
    """``input`` where above ``threshold``, else ``value``."""
    return jnp.where(input <= threshold, jnp.asarray(value, input.dtype), input)
