"""New arrays of given values: zeros, ranges, identity."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.dtypes import cast, default_float, is_inexact, result_type
from fxtorch.ops.table import Array, Number, Strict, op


def _checked(size: Sequence[int], name: str) -> tuple[int, ...]:
    if any(n < 0 for n in size):
        raise RuntimeError(f"{name}: Dimension size must be non-negative.")
    return tuple(size)


@op(factory=True, out=True, variadic="size")
def zeros(size: tuple[int, ...], *, dtype: np.dtype | None = None) -> Array:
    """An array of zeros.

    >>> zeros((2,), dtype=np.dtype("int64"))
    Array([0, 0], dtype=int64)
    """
    return jnp.zeros(_checked(size, "zeros"), dtype=dtype or default_float())


@op(factory=True, out=True, variadic="size")
def ones(size: tuple[int, ...], *, dtype: np.dtype | None = None) -> Array:
    """An array of ones."""
    return jnp.ones(_checked(size, "ones"), dtype=dtype or default_float())


@op(factory=True, out=True, variadic="size")
def empty(size: tuple[int, ...], *, dtype: np.dtype | None = None) -> Array:
    """An array whose values do not matter; they are zeros."""
    return jnp.zeros(_checked(size, "empty"), dtype=dtype or default_float())


@op(factory=True, out=True)
def full(size: tuple[int, ...], fill_value: Array, *, dtype: np.dtype | None = None) -> Array:
    """An array of one value; its dtype is that of the value: bool, int64 or the default float."""
    chosen = np.dtype(dtype) if dtype is not None else result_type(fill_value)
    return jnp.broadcast_to(_filled(fill_value, chosen), _checked(size, "full"))


def _filled(value: Any, dtype: np.dtype) -> Array:
    """A number as an array, wrapped around where an unsigned type cannot hold it."""
    return jnp.reshape(cast(value, dtype), ())


@op(factory=True, differentiable=False)
def zeros_like(input: Strict, *, dtype: np.dtype | None = None) -> Array:
    """Zeros with the shape, and by default the dtype, of ``input``."""
    return jnp.zeros(input.shape, dtype=dtype or input.dtype)


@op(factory=True, differentiable=False)
def ones_like(input: Strict, *, dtype: np.dtype | None = None) -> Array:
    """Ones with the shape, and by default the dtype, of ``input``."""
    return jnp.ones(input.shape, dtype=dtype or input.dtype)


@op(factory=True, differentiable=False)
def empty_like(input: Strict, *, dtype: np.dtype | None = None) -> Array:
    """Values that do not matter (zeros), with the shape, and by default the dtype, of ``input``."""
    return jnp.zeros(input.shape, dtype=dtype or input.dtype)


@op(factory=True, differentiable=False)
def full_like(input: Strict, fill_value: Number, *, dtype: np.dtype | None = None) -> Array:
    """One value, with the shape, and by default the dtype, of ``input``."""
    return jnp.broadcast_to(_filled(fill_value, np.dtype(dtype or input.dtype)), input.shape)


def _range_dtype(*numbers: Any) -> np.dtype:
    floating = any(isinstance(x, float | np.floating) for x in numbers)
    return default_float() if floating else np.dtype("int64")


def _steps(start: Any, step: Any, count: int, dtype: np.dtype) -> Array:
    """``start + i * step`` for ``i`` below ``count``, each computed on its own in double precision."""
    wide = np.int64 if np.issubdtype(np.asarray(start).dtype, np.integer) and isinstance(step, int) else np.float64
    return cast(np.asarray(start, wide) + lax.iota(wide, count) * np.asarray(step, wide), dtype)


@op(factory=True, out=True)
def arange(start: Any = None, end: Any = None, step: Any = 1, *, dtype: np.dtype | None = None) -> Array:
    """``start, start + step, ...`` up to but not including ``end``; with one argument, from 0 up to it.

    >>> arange(1, 6, 2)
    Array([1, 3, 5], dtype=int64)

    Raises:
        TypeError: neither ``start`` nor ``end`` is given.
        RuntimeError: the step is 0 or leads away from ``end``.
    """
    if start is None and end is None:
        raise TypeError('arange() missing 1 required positional arguments: "end"')
    start, end = (0, start) if end is None else (0 if start is None else start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if any(isinstance(x, float) and not math.isfinite(x) for x in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    natural = _range_dtype(start, end, step)
    chosen = np.dtype(dtype or natural)
    if np.issubdtype(chosen, np.integer):  # which torch counts in, whatever the arguments are
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero")
    whole = all(isinstance(x, int) for x in (start, end, step))
    count = len(range(start, end, step)) if whole else math.ceil((end - start) / step)
    return _steps(start, step, count, chosen)


@op(name="range", factory=True, out=True)
def range_(start: Any, end: Any = None, step: Any = 1, *, dtype: np.dtype | None = None) -> Array:
    """:func:`arange` with ``end`` included and of floating dtype."""
    start, end = (0, start) if end is None else (start, end)
    return _steps(start, step, math.floor((end - start) / step) + 1, np.dtype(dtype or default_float()))


def _spaced(start: Any, end: Any, steps: int, chosen: np.dtype) -> Array:
    """Evenly spaced values, counted from the nearer end so that both ends are exact.

    For a result of integers both ends are cut to integers, and what lies between is computed in float64.
    """
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    working = chosen if is_inexact(chosen) else np.dtype("float64")
    start, end = (cast(cast(x, chosen), working) for x in (start, end))
    if steps == 1:
        return jnp.expand_dims(start, -1) if jnp.ndim(start) else jnp.reshape(start, (1,))
    i = lax.iota(jnp.int64, steps)
    step = (end - start) / np.asarray(max(steps - 1, 1), working)
    return jnp.where(i < steps // 2, start + step * cast(i, working), end - step * cast(steps - 1 - i, working))


def _check_spaced(name: str, start: Any, end: Any, steps: Any) -> None:
    if jnp.ndim(start) or jnp.ndim(end):
        raise RuntimeError(
            f"{name} only supports 0-dimensional start and end tensors, but got start with {jnp.ndim(start)} "
            f"dimension(s) and end with {jnp.ndim(end)} dimension(s)."
        )
    if not isinstance(steps, int):
        raise TypeError(f"{name}(): argument 'steps' must be int, not {type(steps).__name__}")


def _spaced_dtype(start: Any, end: Any, dtype: Any) -> np.dtype:
    if dtype is not None:
        return np.dtype(dtype)
    given = result_type(start, end)
    return given if is_inexact(given) else default_float()


@op(factory=True, out=True)
def linspace(start: Array, end: Array, steps: int, *, dtype: np.dtype | None = None) -> Array:
    """``steps`` evenly spaced values from ``start`` to ``end``, both included."""
    _check_spaced("linspace", start, end, steps)
    chosen = _spaced_dtype(start, end, dtype)
    return cast(_spaced(start, end, steps, chosen), chosen)


@op(factory=True, out=True)
def logspace(start: Array, end: Array, steps: int, base: Number = 10.0, *, dtype: np.dtype | None = None) -> Array:
    """``base`` to the power of evenly spaced exponents from ``start`` to ``end``."""
    _check_spaced("logspace", start, end, steps)
    chosen = _spaced_dtype(start, end, dtype)
    exponents = _spaced(start, end, steps, chosen)
    return cast(jnp.power(cast(base, exponents.dtype), exponents), chosen)


@op(factory=True, out=True)
def eye(n: int, m: int | None = None, *, dtype: np.dtype | None = None) -> Array:
    """The ``n`` by ``m`` (by default square) matrix with ones on its diagonal."""
    for which, size in (("n", n), ("m", n if m is None else m)):
        if size < 0:
            raise RuntimeError(f"{which} must be greater or equal to 0, got {size}")
    return jnp.eye(n, m, dtype=dtype or default_float())


def _triangle(row: int, col: int, offset: int, upper: builtins.bool, dtype: Any) -> Array:
    mask = np.tri(row, col, offset - upper, dtype=bool)
    return jnp.asarray(np.stack(np.nonzero(~mask if upper else mask)), dtype=dtype or np.dtype("int64"))


@op(factory=True)
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: np.dtype | None = None) -> Array:
    """The positions of the lower triangle of a ``row`` by ``col`` matrix, ``(2, count)``, row by row."""
    return _triangle(row, col, offset, False, dtype)


@op(factory=True)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: np.dtype | None = None) -> Array:
    """The positions of the upper triangle of a ``row`` by ``col`` matrix, ``(2, count)``, row by row."""
    return _triangle(row, col, offset, True, dtype)
