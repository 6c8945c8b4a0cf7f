"""Sizes and checks that sliding windows share: convolution, pooling, unfold."""

from __future__ import annotations

from collections.abc import Sequence

import jax

Sizes = int | tuple[int, ...]


def expand(value: int | Sequence[int], n: int, name: str) -> tuple[int, ...]:
    """One number for every spatial dimension, or exactly ``n`` of them.

    >>> expand(3, 2, "kernel_size")
    (3, 3)

    Raises:
        RuntimeError: ``value`` has neither one nor ``n`` entries.
    """
    if isinstance(value, int):
        return (value,) * n
    if len(value) == 1:
        return (int(value[0]),) * n
    if len(value) != n:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {n} values, got {list(value)}")
    return tuple(int(v) for v in value)


def times(sizes: Sequence[int]) -> str:
    """``2 x 3``, the way torch writes spatial sizes in its errors."""
    return " x ".join(map(str, sizes))


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> int:
    """How many windows fit in one dimension; with ``ceil_mode`` the last may overhang, but must start inside."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


def batched(x: jax.Array, n: int) -> tuple[jax.Array, bool]:
    """``x`` with a batch dimension in front of its channel and ``n`` spatial dimensions, and whether it had none."""
    return (x[None], True) if x.ndim == n + 1 else (x, False)


def strided_slice(x: jax.Array, start: Sequence[int], count: Sequence[int], stride: Sequence[int]) -> jax.Array:
    """``count`` elements, ``stride`` apart, of each dimension from ``start`` on."""
    limit = [s + (c - 1) * t + 1 for s, c, t in zip(start, count, stride, strict=True)]
    return jax.lax.slice(x, start, limit, stride)
