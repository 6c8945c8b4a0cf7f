"""Random operators.  Each takes the raw data of a key; where the key comes from is the Generator's business.

The implementation is JAX's counter-based ``threefry2x32``: it gives the same numbers on every device, with and without
jit and vmap.  The hardware generator (``rbg``) promises none of that and, measured on a 2-core CPU under jit, is not
faster: 4 million uniforms take 31 ms against 34, normals 37 against 68.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.dtypes import cast, default_float, is_float, is_inexact, type_name
from fxtorch.ops.random_bits import random_floats
from fxtorch.ops.table import Array, Key, Number, Out, Strict, op

IMPLEMENTATION = "threefry2x32"


def make_key(seed: int) -> Array:
    """The raw key data that ``seed`` stands for (its two 32-bit halves); any 64-bit seed, negative ones too."""
    return jnp.asarray(np.array([seed % 2**64 >> 32, seed % 2**32], np.uint32))


def wrap_key(key: Key) -> Array:
    """A typed JAX key of raw key data: what the functions of ``jax.random`` take."""
    return jax.random.wrap_key_data(key, impl=IMPLEMENTATION)


def split(key: Key, num: int = 2) -> Array:
    """``num`` independent raw keys, stacked in the first dimension.

    >>> split(make_key(0), 3).shape
    (3, 2)
    """
    return jax.random.key_data(jax.random.split(wrap_key(key), num))


def _uniform01(key: Key, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Uniform draws in ``[0, 1)``."""
    if jnp.issubdtype(dtype, jnp.complexfloating):
        part = np.dtype("float32") if dtype == np.complex64 else np.dtype("float64")
        return lax.complex(*jax.random.uniform(wrap_key(key), (2, *shape), part))
    return random_floats(key, shape) if dtype == np.float32 else jax.random.uniform(wrap_key(key), shape, dtype)


def _positive01(key: Key, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Uniform draws in ``(0, 1]``: their logarithm is finite."""
    return 1 - _uniform01(key, shape, dtype)


def _floating(dtype: Any, like: Any = None, what: str = "rand") -> np.dtype:
    chosen = np.dtype(dtype or (default_float() if like is None else like.dtype))
    if not is_inexact(chosen):
        raise NotImplementedError(f"\"{what}\" not implemented for '{type_name(chosen)}': give a floating dtype=")
    return chosen


def _integers(key: Key, low: Any, high: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Integers in ``[low, high)`` as ``dtype``."""
    drawn = jnp.dtype(dtype) if jnp.issubdtype(dtype, jnp.signedinteger) else jnp.dtype("int64")
    return cast(jax.random.randint(wrap_key(key), shape, low, high, drawn), dtype)


def _check_range(low: int, high: int) -> None:
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")


@op(factory=True, out=True, variadic="size")
def rand(size: tuple[int, ...], *, key: Key, dtype: np.dtype | None = None) -> Array:
    """Uniform draws in ``[0, 1)`` of shape ``size``."""
    return _uniform01(key, size, _floating(dtype))


@op(factory=True, out=True, variadic="size")
def randn(size: tuple[int, ...], *, key: Key, dtype: np.dtype | None = None) -> Array:
    """Standard normal draws of shape ``size``; complex ones have variance 1 in all."""
    return jax.random.normal(wrap_key(key), size, _floating(dtype, what="normal_kernel_cpu"))


@op(factory=True, differentiable=False)
def rand_like(input: Strict, *, key: Key, dtype: np.dtype | None = None) -> Array:
    """Uniform draws in ``[0, 1)`` with the shape, and by default the dtype, of ``input``."""
    return _uniform01(key, input.shape, _floating(dtype, input))


@op(factory=True, differentiable=False)
def randn_like(input: Strict, *, key: Key, dtype: np.dtype | None = None) -> Array:
    """Standard normal draws with the shape, and by default the dtype, of ``input``."""
    return jax.random.normal(wrap_key(key), input.shape, _floating(dtype, input, "normal_kernel_cpu"))


@op(factory=True, out=True)
def randint(low: int, high: Any = None, size: Any = None, *, key: Key, dtype: np.dtype | None = None) -> Array:
    """Integers drawn uniformly from ``[low, high)``: ``randint(high, size)`` or ``randint(low, high, size)``.

    Raises:
        RuntimeError: the range is empty.
    """
    if not isinstance(high, int | np.integer):
        size = high if size is None else size
        low, high = 0, low
    low, high = int(low), int(high)
    _check_range(low, high)
    return _integers(key, low, high, tuple(size), dtype or np.dtype("int64"))


@op(factory=True, differentiable=False)
def randint_like(input: Strict, low: int, high: int | None = None, *, key: Key, dtype: np.dtype | None = None) -> Array:
    """Integers from ``[low, high)`` (``[0, low)`` with one bound), with the shape and dtype of ``input``."""
    low, high = (0, low) if high is None else (low, high)
    _check_range(low, high)
    return _integers(key, low, high, input.shape, dtype or input.dtype)


@op(factory=True, out=True)
def randperm(n: int, *, key: Key, dtype: np.dtype | None = None) -> Array:
    """The integers ``0 .. n - 1`` in random order."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    return cast(jax.random.permutation(wrap_key(key), lax.iota(jnp.int64, n)), dtype or np.dtype("int64"))


@op(factory=True, out=True)
def normal(mean: Array, std: Array = 1.0, size: Any = None, *, key: Key, dtype: np.dtype | None = None) -> Array:  # type: ignore[assignment]
    """Normal draws, elementwise with ``mean`` and ``std``; two numbers need a ``size``."""
    dimensioned = [x.dtype for x in (mean, std) if not getattr(x, "weak_type", True)]
    chosen = np.dtype(dtype or (dimensioned[0] if dimensioned else default_float()))
    shape = jnp.broadcast_shapes(jnp.shape(mean), jnp.shape(std)) if size is None else tuple(size)
    return jax.random.normal(wrap_key(key), shape, chosen) * cast(std, chosen) + cast(mean, chosen)


@op(method=True, out=True)
def bernoulli(input: Strict, p: Array | None = None, *, key: Key) -> Array:
    """1 with probability ``input`` (or ``p``, if given), else 0, in the dtype of ``input``."""
    probability = input if p is None else p
    drawn = probability.dtype if is_float(jnp.result_type(probability)) else default_float()
    return cast(_uniform01(key, input.shape, drawn) < cast(probability, drawn), input.dtype)


@op(method=True, out=Out(typed=True), differentiable=False)
def multinomial(input: Strict, num_samples: int, replacement: builtins.bool = False, *, key: Key) -> Array:
    """Indexes drawn with the probabilities in each row of ``input``, which need not sum to 1.

    With replacement the cumulative sums are inverted; without, the largest of ``p / e`` with exponential ``e`` win.

    Args:
        input: ``(classes,)`` or ``(rows, classes)``, floating and non-negative.
        num_samples: draws in a row.
        replacement: whether an index may come twice.
        key: the random key.

    Raises:
        RuntimeError: wrong dimensions, or more draws than classes without replacement.
    """
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not is_float(input.dtype):
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype.name}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not replacement:
        waiting = -jnp.log(_positive01(key, input.shape, input.dtype))
        return cast(lax.top_k(input / waiting, num_samples)[1], jnp.int64)
    cumulative = jnp.cumsum(input, axis=-1, dtype=input.dtype)
    drawn = _uniform01(key, (*input.shape[:-1], num_samples), input.dtype) * cumulative[..., -1:]
    last = input.shape[-1] - 1 - jnp.argmax(input[..., ::-1] > 0, axis=-1, keepdims=True)
    search = lambda row, at: jnp.searchsorted(row, at, side="right")  # noqa: E731
    found = search(cumulative, drawn) if input.ndim == 1 else jax.vmap(search)(cumulative, drawn)
    return cast(jnp.minimum(found, last), jnp.int64)


@op()
def poisson(input: Array, *, key: Key) -> Array:
    """Poisson draws with the rates ``input``, in its dtype."""
    return cast(jax.random.poisson(wrap_key(key), lax.stop_gradient(input), dtype=jnp.int64), input.dtype)


def _fill_dtype(input: Array, name: str) -> np.dtype:
    if not is_inexact(input.dtype):
        raise RuntimeError(f'"{name}" not implemented for {input.dtype.name!r}')
    return input.dtype


@op(where=(), inplace=True)
def uniform(input: Array, from_: Number = 0.0, to: Number = 1.0, *, key: Key) -> Array:
    """``input`` refilled with draws from ``[from_, to)``."""
    dtype = _fill_dtype(input, "uniform")
    low, high = cast(from_, dtype), cast(to, dtype)
    return _uniform01(key, input.shape, dtype) * (high - low) + low


@op(name="normal", where=(), inplace=True)
def normal_(input: Array, mean: Number = 0.0, std: Number = 1.0, *, key: Key) -> Array:
    """``input`` refilled with normal draws."""
    dtype = _fill_dtype(input, "normal_kernel_cpu")
    return jax.random.normal(wrap_key(key), input.shape, dtype) * cast(std, dtype) + cast(mean, dtype)


@op(name="bernoulli", where=(), inplace=True)
def bernoulli_(input: Array, p: Array = 0.5, *, key: Key) -> Array:  # type: ignore[assignment]
    """``input`` refilled with 1 (with probability ``p``) and 0."""
    drawn = p.dtype if is_float(jnp.result_type(p)) and not getattr(p, "weak_type", True) else default_float()
    return cast(_uniform01(key, input.shape, drawn) < cast(p, drawn), input.dtype)


@op(where=(), inplace=True)
def exponential(input: Array, lambd: Number = 1.0, *, key: Key) -> Array:
    """``input`` refilled with draws of density ``lambd exp(-lambd x)``."""
    dtype = _fill_dtype(input, "exponential")
    return -jnp.log(_positive01(key, input.shape, dtype)) / cast(lambd, dtype)


@op(where=(), inplace=True)
def cauchy(input: Array, median: Number = 0.0, sigma: Number = 1.0, *, key: Key) -> Array:
    """``input`` refilled with Cauchy draws: ``median + sigma tan(pi (u - 1/2))``."""
    dtype = _fill_dtype(input, "cauchy")
    angle = (_uniform01(key, input.shape, dtype) - 0.5) * np.asarray(math.pi, dtype)
    return cast(median, dtype) + cast(sigma, dtype) * jnp.tan(angle)


@op(where=(), inplace=True)
def geometric(input: Array, p: Number, *, key: Key) -> Array:
    """``input`` refilled with the number of trials up to the first success of probability ``p``."""
    drawn = input.dtype if is_float(input.dtype) else default_float()
    trials = jnp.ceil(jnp.log(_positive01(key, input.shape, drawn)) / jnp.log1p(-cast(p, drawn)))
    return cast(jnp.maximum(trials, 1), input.dtype)


@op(where=(), inplace=True)
def log_normal(input: Array, mean: Number = 1.0, std: Number = 2.0, *, key: Key) -> Array:
    """``input`` refilled with the exponentials of normal draws."""
    dtype = _fill_dtype(input, "log_normal")
    return jnp.exp(jax.random.normal(wrap_key(key), input.shape, dtype) * cast(std, dtype) + cast(mean, dtype))


@op(where=(), inplace=True)
def random(input: Array, from_: int | None = None, to: int | None = None, *, key: Key) -> Array:
    """``input`` refilled with integers from ``[from_, to)``.

    ``random_(to)`` starts at 0; ``random_()`` takes all non-negative values that the dtype holds exactly.
    """
    if to is None and from_ is not None:
        from_, to = 0, from_
    if to is None:
        dtype = input.dtype
        to = 2 ** (jnp.finfo(dtype).nmant + 1) + 1 if is_float(dtype) else 2 if dtype == np.bool_ else None
        to = min(jnp.iinfo(dtype).max + 1, 2**63 - 1) if to is None else to
    low = from_ or 0
    _check_range(low, to)
    return _integers(key, low, to, input.shape, input.dtype)
