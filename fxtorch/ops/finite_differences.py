"""Derivatives of sampled functions by finite differences."""

from __future__ import annotations

from typing import Any

from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dims
from fxtorch.ops.dtypes import cast, default_float, is_inexact
from fxtorch.ops.table import Array, Arrays, op

Dims = int | tuple[int, ...] | None


def _checked(input: Array, dim: Dims, edge_order: int) -> tuple[Array, tuple[int, ...]]:
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = wrap_dims(dim, input.ndim)
    if any(input.shape[d] < edge_order + 1 for d in dims):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return (input if is_inexact(input.dtype) else cast(input, default_float())), dims


def _check_count(given: int, dims: tuple[int, ...]) -> None:
    if given != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length {len(dims)}, "
            f"but got a list of length {given}"
        )


def _along(f: Array, d: int, h: Array | float, edge_order: int) -> Array:
    """Differences along ``d``; ``h`` is the distance of all neighbours, or an array of those of each pair.

    Inside, the second-order formula for unequal distances (B. Fornberg, Generation of finite difference formulas on
    arbitrarily spaced grids, 1988), at the ends the one-sided formula of order ``edge_order``.
    """
    f = jnp.moveaxis(f, d, -1)
    n = f.shape[-1]
    h = jnp.broadcast_to(cast(h, f.dtype), (n - 1,))
    left, right = h[:-1], h[1:]
    inside = (
        f[..., 2:] * (left / (right * (left + right)))
        + f[..., 1:-1] * ((right - left) / (left * right))
        - f[..., :-2] * (right / (left * (left + right)))
    )

    def end(a: Array, b: Array, c: Array, near: Array, far: Array) -> Array:
        if edge_order == 1:
            return (b - a) / near
        return (
            -a * ((2 * near + far) / (near * (near + far)))
            + b * ((near + far) / (near * far))
            - c * (near / (far * (near + far)))
        )

    other = min(2, n - 1)  # not looked at with edge_order 1
    first = end(f[..., 0], f[..., 1], f[..., other], h[0], h[min(1, n - 2)])
    last = -end(f[..., -1], f[..., -2], f[..., -1 - other], h[-1], h[-min(2, n - 1)])
    parts = [first[..., None], inside, last[..., None]]
    return jnp.moveaxis(lax.concatenate(parts, f.ndim - 1), -1, d)


@op()
def _gradient_spaced(input: Array, spacing: Any = 1, dim: Dims = None, edge_order: int = 1) -> tuple[Array, ...]:
    """The derivatives along ``dim``, neighbours being ``spacing`` apart (a number, or one for each dimension)."""
    x, dims = _checked(input, dim, edge_order)
    spacing = 1 if spacing is None else spacing
    steps = list(spacing) if isinstance(spacing, tuple) else [spacing] * len(dims)
    _check_count(len(steps), dims)
    return tuple(_along(x, d, h, edge_order) for d, h in zip(dims, steps, strict=True))


@op()
def _gradient_at(input: Array, coordinates: Arrays, dim: Dims = None, edge_order: int = 1) -> tuple[Array, ...]:
    """The derivatives along ``dim``, the samples lying at ``coordinates``."""
    x, dims = _checked(input, dim, edge_order)
    _check_count(len(coordinates), dims)
    for d, c in zip(dims, coordinates, strict=True):
        if c.shape != (x.shape[d],):
            raise RuntimeError(
                "torch.gradient expected each tensor to have one dimension, of the length of the input there, but got "
                f"shape {list(c.shape)} for dimension {d} of size {x.shape[d]}"
            )
    return tuple(_along(x, d, jnp.diff(c), edge_order) for d, c in zip(dims, coordinates, strict=True))
