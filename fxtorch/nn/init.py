"""Initialisers: each fills a Tensor in place, outside of the graph, and returns it.

Sources: Glorot and Bengio 2010 (``xavier``), He et al. 2015 (``kaiming``), Saxe et al. 2013 (``orthogonal``),
Martens 2010 (``sparse``).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from fxtorch.autograd import no_grad
from fxtorch.nn._torch import torch
from fxtorch.ops.dtypes import is_float
from fxtorch.tensor import Tensor, is_tracing, unwrap
from fxtorch.tensor.generator import default_generator

_CONVOLUTIONS = {f"{kind}{n}d" for kind in ("conv", "conv_transpose") for n in (1, 2, 3)}
_GAIN_ONE = {"linear", "sigmoid", *_CONVOLUTIONS}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights before ``nonlinearity`` are scaled up, to keep variances equal over layers.

    1 for linear functions and sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + slope^2)) for leaky_relu,
    3/4 for selu.

    Args:
        nonlinearity: the name of the function in ``nn.functional``.
        param: the slope of leaky_relu; 0.01 by default.

    Raises:
        ValueError: the function is unknown, or the slope is no number.

    >>> calculate_gain("leaky_relu", 0.0) == math.sqrt(2)
    True
    """
    if nonlinearity in _GAIN_ONE:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, int | float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _on_host(tensor: Tensor, make: Callable[[type[Any]], np.ndarray]) -> bool:
    """Set ``tensor`` to ``make(type)``, made by NumPy; False where it is traced or complex and so cannot be.

    An operator would be compiled anew for each shape, which for a model of many shapes takes many seconds.
    """
    array = unwrap(tensor)
    if is_tracing() or not isinstance(array, jax.Array) or isinstance(array, Tracer) or not is_float(array.dtype):
        return False
    values = make(np.float64 if array.dtype == np.float64 else np.float32).astype(array.dtype, copy=False)
    tensor._rebind(jax.device_put(values, array.sharding))
    return True


def _host_generator(generator: Any) -> np.random.Generator:
    """NumPy's generator, started from the next draw of ``generator``."""
    key = (default_generator if generator is None else generator).draw()
    return np.random.Generator(np.random.Philox(key=np.asarray(key).astype(np.uint64)))


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with draws from U(a, b)."""

    def make(kind: Any) -> np.ndarray:
        return _host_generator(generator).random(tensor.shape, kind) * kind(b - a) + kind(a)

    return tensor if _on_host(tensor, make) else tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with draws from N(mean, std^2)."""

    def make(kind: Any) -> np.ndarray:
        return _host_generator(generator).standard_normal(tensor.shape, kind) * kind(std) + kind(mean)

    return tensor if _on_host(tensor, make) else tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Fill with draws from N(mean, std^2) that lie within [a, b], by inverting the distribution function."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    low, high = (math.erf((bound - mean) / std / math.sqrt(2.0)) for bound in (a, b))
    uniform_(tensor, low, high, generator)
    return tensor.erfinv_().mul_(std * math.sqrt(2.0)).add_(mean).clamp_(min=a, max=b)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""

    def make(kind: Any) -> np.ndarray:
        return np.full(tensor.shape, val, kind)

    return tensor if _on_host(tensor, make) else tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity.

    Raises:
        ValueError: the Tensor does not have two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(torch.eye(*tensor.shape, dtype=tensor.dtype))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that it passes as many channels through unchanged as it has.

    Args:
        tensor: of shape (out, in, *kernel) with one to three kernel dimensions.
        groups: each group passes its channels through.

    Raises:
        ValueError: the shape does not fit.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    out, channels, *kernel = tensor.shape
    if out % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    tensor.zero_()
    centre = tuple(size // 2 for size in kernel)
    for group in range(groups):
        for channel in range(min(out // groups, channels)):
            tensor[(group * (out // groups) + channel, channel, *centre)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs reach an output of a weight (out, in, *kernel), and how many outputs an input reaches."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    out, channels, *kernel = tensor.shape
    return channels * math.prod(kernel), out * math.prod(kernel)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """The fan that ``mode``, ``"fan_in"`` or ``"fan_out"``, names."""
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with draws from U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out))."""
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with draws from N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill with draws from U(-b, b), b = gain * sqrt(3 / fan).

    Args:
        tensor: the weight.
        a: the slope, where the nonlinearity is leaky_relu.
        mode: ``"fan_in"`` keeps the variance of the forward, ``"fan_out"`` that of the backward.
        nonlinearity: what follows; it decides the gain.
        generator: where the draws come from.
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    return uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill with draws from N(0, std^2), std = gain / sqrt(fan); arguments as in :func:`kaiming_uniform_`."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a random (semi-)orthogonal matrix times ``gain``; dimensions after the first are taken as one.

    Raises:
        ValueError: the Tensor has fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    flat = torch.empty((rows, columns), dtype=tensor.dtype, device=tensor.device).normal_(0, 1, generator=generator)
    q, r = torch.qr(flat.t() if rows < columns else flat)
    q = q * torch.diag(r).sign()  # makes the distribution uniform over orthogonal matrices
    return tensor.copy_((q.t() if rows < columns else q).reshape(tensor.shape)).mul_(gain)


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix with draws from N(0, std^2), the fraction ``sparsity`` of each column being zero.

    Raises:
        ValueError: the Tensor does not have two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows = tensor.shape[0]
    tensor.normal_(0, std, generator=generator)
    order = torch.rand(tensor.shape, generator=generator).argsort(0).argsort(0)
    return tensor.masked_fill_(order < math.ceil(sparsity * rows), 0)


def _deprecated(new: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The name without underscore, which old programs use."""

    def old(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{new.__name__[:-1]}` is now deprecated in favor of `nn.init.{new.__name__}`.",
            FutureWarning,
            stacklevel=2,
        )
        return new(*args, **kwargs)

    old.__name__ = new.__name__[:-1]
    old.__doc__ = f"The old name of :func:`{new.__name__}`."
    return old


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
