"""Arrays put together: cat, stack and their kin, grids, and shapes made alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import check_broadcast, wrap_dim
from fxtorch.ops.dtypes import cast, result_type
from fxtorch.ops.table import Array, Arrays, Out, op


def _common(tensors: Arrays) -> list[Array]:
    dtype = result_type(*tensors)
    return [cast(x, dtype) for x in tensors]


def _join(tensors: list[Array], dim: int) -> Array:
    """Concatenate, with torch's checks; empty 1-dim arrays are skipped, as torch does."""
    real = [(i, x) for i, x in enumerate(tensors) if x.shape != (0,)]
    if not real:
        return tensors[0]
    first, lead = real[0]
    if lead.ndim == 0:
        raise RuntimeError(f"zero-dimensional tensor (at position {first}) cannot be concatenated")
    dim = wrap_dim(dim, lead.ndim)
    for i, x in real:
        if x.ndim != lead.ndim:
            if x.ndim == 0:
                raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
            raise RuntimeError(f"Tensors must have same number of dimensions: got {lead.ndim} and {x.ndim}")
        for d, (a, b) in enumerate(zip(lead.shape, x.shape, strict=True)):
            if d != dim and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a} but got size {b} for "
                    f"tensor number {i} in the list."
                )
    return lax.concatenate([x for _, x in real], dim)


@op(out=Out(apart=True), aliases=("concat", "concatenate"))
def cat(tensors: Arrays, dim: int = 0) -> Array:
    """The arrays one after another along an existing dimension, in their common dtype.

    Raises:
        ValueError: the list is empty.
        RuntimeError: the other dimensions differ.
    """
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    return _join(_common(tensors), dim)


@op(out=Out(apart=True))
def stack(tensors: Arrays, dim: int = 0) -> Array:
    """The arrays, all of one shape, side by side along a new dimension."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].shape
    for i, x in enumerate(tensors):
        if x.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(x.shape)} "
                f"at entry {i}"
            )
    dim = wrap_dim(dim, len(shape) + 1)
    return lax.concatenate([jnp.expand_dims(x, dim) for x in _common(tensors)], dim)


def _stacked(tensors: Arrays, name: str, grow: Callable[[Array], Array], dim: Callable[[int], int]) -> Array:
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    grown = [grow(x) for x in _common(tensors)]
    return _join(grown, dim(grown[0].ndim))


def _grown_1d(x: Array) -> Array:
    return x.reshape(1) if x.ndim == 0 else x


def _grown_2d(x: Array) -> Array:
    return x.reshape(1, -1) if x.ndim < 2 else x


def _grown_3d(x: Array) -> Array:
    return jnp.expand_dims(_grown_2d(x), 2) if x.ndim < 3 else x


@op(out=True)
def hstack(tensors: Arrays) -> Array:
    """Joined along the second dimension, or the first of 1-dim arrays."""
    return _stacked(tensors, "hstack", _grown_1d, lambda ndim: 0 if ndim == 1 else 1)


@op(out=True, aliases=("row_stack",))
def vstack(tensors: Arrays) -> Array:
    """Joined as rows."""
    return _stacked(tensors, "vstack", _grown_2d, lambda ndim: 0)


@op(out=True)
def dstack(tensors: Arrays) -> Array:
    """Joined along the third dimension."""
    return _stacked(tensors, "dstack", _grown_3d, lambda ndim: 2)


@op(out=True)
def column_stack(tensors: Arrays) -> Array:
    """1-dim arrays as the columns of a matrix, others joined along the second dimension."""
    return _stacked(tensors, "column_stack", lambda x: x.reshape(-1, 1) if x.ndim <= 1 else x, lambda ndim: 1)


@op(variadic="tensors")
def block_diag(tensors: Arrays) -> Array:
    """The matrices along the diagonal of one large matrix, zeros elsewhere."""
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.ndim} dimensions"
            )
    matrices = [_grown_2d(x) for x in _common(tensors)]
    width = sum(x.shape[1] for x in matrices)
    rows = []
    left = 0
    for x in matrices:
        rows.append(jnp.pad(x, ((0, 0), (left, width - left - x.shape[1]))))
        left += x.shape[1]
    return lax.concatenate(rows, 0)


def _each(tensors: Arrays, grow: Callable[[Array], Array]) -> Any:
    out = tuple(grow(x) for x in tensors)
    return out[0] if len(out) == 1 else out


@op(variadic="tensors")
def atleast_1d(tensors: Arrays) -> Any:
    """Each array with at least one dimension."""
    return _each(tensors, _grown_1d)


@op(variadic="tensors")
def atleast_2d(tensors: Arrays) -> Any:
    """Each array with at least two dimensions, new ones in front."""
    return _each(tensors, _grown_2d)


@op(variadic="tensors")
def atleast_3d(tensors: Arrays) -> Any:
    """Each array with at least three dimensions; a matrix gets a third one at the end."""
    return _each(tensors, _grown_3d)


@op(variadic="tensors")
def broadcast_tensors(tensors: Arrays) -> tuple[Array, ...]:
    """The arrays, each expanded to the shape to which all broadcast."""
    check_broadcast(*(x.shape for x in tensors))
    shape = jnp.broadcast_shapes(*(x.shape for x in tensors))
    return tuple(jnp.broadcast_to(x, shape) for x in tensors)


@op(variadic="tensors")
def meshgrid(tensors: Arrays, indexing: str | None = None) -> tuple[Array, ...]:
    """One array of coordinates for each 1-dim input, on the grid of them all; ``"xy"`` has the second input first.

    Raises:
        RuntimeError: an input has two dimensions or more.
    """
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for x in tensors:
        if x.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(x.shape)}")
    return tuple(jnp.meshgrid(*map(jnp.ravel, tensors), indexing=indexing or "ij"))


@op(variadic="tensors")
def cartesian_prod(tensors: Arrays) -> Array:
    """All combinations of one element from each 1-dim array, one a row; a single array as it is."""
    if len(tensors) == 1:
        return tensors[0]
    grid = jnp.meshgrid(*_common(tensors), indexing="ij")
    return jnp.stack([x.reshape(-1) for x in grid], axis=1)


@op()
def combinations(input: Array, r: int = 2, with_replacement: bool = False) -> Array:
    """All choices of ``r`` elements of a 1-dim array, one a row, in order."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.shape[0]), r)), np.int32).reshape(-1, r)
    return input[rows] if r else jnp.zeros((0,), dtype=input.dtype)
