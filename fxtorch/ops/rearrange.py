"""Elements put in another order, repeated, or surrounded: flip, roll, rot90, tile, repeat, pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import check_concrete, wrap_dim, wrap_dims
from fxtorch.ops.dtypes import cast
from fxtorch.ops.table import Array, Number, op


@op(method=True, variadic="dims")
def flip(input: Array, dims: tuple[int, ...]) -> Array:
    """The elements in opposite order along each of ``dims``."""
    dims = (dims,) if isinstance(dims, int) else dims
    return lax.rev(input, wrap_dims(dims, input.ndim)) if dims else input


@op(method=True)
def fliplr(input: Array) -> Array:
    """The columns in opposite order."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return lax.rev(input, (1,))


@op(method=True)
def flipud(input: Array) -> Array:
    """The rows in opposite order."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return lax.rev(input, (0,))


@op(method=True)
def rot90(input: Array, k: int = 1, dims: tuple[int, ...] = (0, 1)) -> Array:
    """Turned ``k`` times by 90 degrees in the plane of ``dims``, from the first towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    i, j = (wrap_dim(d, input.ndim) for d in dims)
    if i == j:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return jnp.rot90(input, k, (i, j))


@op(method=True)
def roll(input: Array, shifts: Any, dims: Any = ()) -> Array:
    """The elements moved on by ``shifts`` along ``dims``, those at the end coming round; without dims, flattened."""
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if dims and input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if not dims and len(shifts) == 1:
        return jnp.roll(input.reshape(-1), shifts[0]).reshape(input.shape)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    return jnp.roll(input, shifts, tuple(wrap_dim(d, input.ndim) for d in dims))


def _repeated(input: Array, repeats: Sequence[int]) -> Array:
    if any(n < 0 for n in repeats):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}: {list(repeats)}")
    return jnp.tile(input, tuple(repeats))


@op(where=(), method=True, variadic="repeats")
def repeat(input: Array, repeats: tuple[int, ...]) -> Array:
    """The array laid ``repeats`` times along each dimension, new ones in front."""
    repeats = (repeats,) if isinstance(repeats, int) else repeats
    if len(repeats) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return _repeated(input, repeats)


@op(method=True, variadic="dims")
def tile(input: Array, dims: tuple[int, ...]) -> Array:
    """:func:`repeat`, where missing leading repeats count as 1."""
    return _repeated(input, (dims,) if isinstance(dims, int) else dims)


def _counts_decide(input: Any, repeats: Any, dim: Any, output_size: Any) -> bool:
    """Whether the result is as large as the values of ``repeats`` (or of ``input``) say."""
    return output_size is None and not isinstance(repeats, int)


@op(method=True, dynamic=_counts_decide)
def repeat_interleave(
    input: Array, repeats: Array | int | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Array:
    """Each slice of ``dim`` (each element, flattened, without it) several times in a row.

    With one argument it holds counts, and the result is each index as often as its count says.

    Args:
        input: the slices, or the counts.
        repeats: one number for all slices, or one for each.
        dim: the dimension that grows.
        output_size: its new size; must be given where ``repeats`` is traced.
    """
    if repeats is None:
        input, repeats, dim = lax.iota(jnp.int64, input.shape[0]), input, 0
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = wrap_dim(dim, input.ndim)
    have = input.shape[dim] if input.ndim else 1
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("repeats can not be negative")
        return jnp.repeat(jnp.atleast_1d(input), repeats, axis=dim)
    if repeats.ndim > 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if repeats.size not in (1, have):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {repeats.size} and "
            f"input.size({dim}) = {have}"
        )
    if output_size is not None:
        return jnp.repeat(input, repeats, axis=dim, total_repeat_length=output_size)
    check_concrete("repeat_interleave", "give output_size=", repeats)
    counts = np.asarray(repeats)
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return jnp.take(input, np.repeat(np.arange(have), counts), axis=dim, mode="clip")


def _pad_pairs(input: Array, pad: Sequence[int]) -> list[tuple[int, int]]:
    """The padding before and after each dimension; ``pad`` starts with the last one."""
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    return [(0, 0)] * (input.ndim - len(pairs)) + pairs


@op(name="pad", where=("nn.functional",))
def pad(input: Array, pad: tuple[int, ...], mode: str = "constant", value: Number | None = None) -> Array:
    """``input`` with more elements, or (for negative numbers) fewer, at the ends of its last dimensions.

    Args:
        input: any array; the modes other than ``"constant"`` pad the last 1 to 3 dimensions of one that has, batch
            left out or not, channels before them.
        pad: ``(left, right, top, bottom, ...)``, last dimension first.
        mode: ``"constant"``, ``"reflect"`` (without the edge), ``"replicate"`` (the edge) or ``"circular"``.
        value: what ``"constant"`` fills in, 0 by default.

    Raises:
        RuntimeError: the numbers do not fit the dimensions or, reflecting and wrapping, their sizes.
        NotImplementedError: an unknown mode, or one that does not pad so many dimensions.

    >>> pad(jnp.arange(3, dtype=jnp.int64), (1, 1), "constant", 7)
    Array([7, 0, 1, 2, 7], dtype=int64)
    """
    pairs = _pad_pairs(input, pad)
    if mode == "constant":
        return _constant(input, pairs, value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if len(pad) not in (2, 4, 6) or input.ndim not in (len(pad) // 2 + 1, len(pad) // 2 + 2):
        raise NotImplementedError(f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.")
    for dim, (lo, hi) in enumerate(pairs):
        size = input.shape[dim]
        if mode == "reflect" and max(lo, hi) >= size and (lo, hi) != (0, 0):
            raise RuntimeError(
                f"Argument #{2 * (input.ndim - dim) + 2}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({lo}, {hi}) at dimension {dim} of input {list(input.shape)}"
            )
        if mode == "circular" and max(lo, hi) > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")
    if mode == "replicate" and min(pad) < 0 and 0 not in input.shape:
        return _nearest(input, pairs)
    trimmed = lax.pad(input, jnp.zeros((), dtype=input.dtype), [(min(lo, 0), min(hi, 0), 0) for lo, hi in pairs])
    grown = [(max(lo, 0), max(hi, 0)) for lo, hi in pairs]
    return jnp.pad(trimmed, grown, mode={"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])


@op()
def constant_pad_nd(input: Array, pad: tuple[int, ...], value: Number = 0) -> Array:
    """:func:`pad` with one value."""
    return _constant(input, _pad_pairs(input, pad), value)


def _constant(input: Array, pairs: Sequence[tuple[int, int]], value: Number | None) -> Array:
    _check_left(input, pairs)
    fill = jnp.reshape(cast(0 if value is None else value, input.dtype), ())
    return lax.pad(input, fill, [(lo, hi, 0) for lo, hi in pairs])


def _nearest(input: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """Replicating where some ends are trimmed, maybe past the other end: each place reads the nearest of the input."""
    for dim, ((lo, hi), size) in enumerate(zip(pairs, input.shape, strict=True)):
        input = jnp.take(input, np.clip(np.arange(-lo, size + hi), 0, size - 1), axis=dim)
    return input


def _check_left(input: Array, pairs: Sequence[tuple[int, int]]) -> None:
    for dim, ((lo, hi), size) in enumerate(zip(pairs, input.shape, strict=True)):
        if size + lo + hi < 0:
            raise RuntimeError(
                f"The input size {size}, plus negative padding {lo} and {hi}, resulted in a negative output size, "
                f"which is invalid. Check dimension {dim} of your input."
            )


@op(method=True, out=True)
def diag(input: Array, diagonal: int = 0) -> Array:
    """The diagonal of a matrix, or the matrix with a given diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return jnp.diag(input, diagonal)


@op(method=True)
def diagflat(input: Array, offset: int = 0) -> Array:
    """The matrix whose diagonal has all elements of ``input``."""
    return jnp.diag(input.reshape(-1), offset)


@op(method=True)
def diag_embed(input: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """Each row of the last dimension as the diagonal of a matrix, in the new dimensions ``dim1`` and ``dim2``."""
    i, j = wrap_dim(dim1, input.ndim + 1), wrap_dim(dim2, input.ndim + 1)
    if i == j:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    size = input.shape[-1] + abs(offset)
    zero = jnp.zeros((), dtype=input.dtype)
    rows = lax.pad(input, zero, [(0, 0, 0)] * (input.ndim - 1) + [(max(-offset, 0), max(offset, 0), 0)])
    matrix = jnp.where(np.eye(size, k=offset, dtype=bool), rows[..., :, None], zero)
    return jnp.moveaxis(matrix, (-2, -1), (i, j))
