"""Blocks of an array at a stride: the two primitives, and the views cut along one dimension.

Where a block starts is traced, how long it is stays static: ``x[i]`` and ``x[i : i + n]`` in a loop compile once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import cast
from fxtorch.ops.table import Array, View, op
from fxtorch.ops.views import as_strided, scatter_back


def _starts(x: Array, starts: Sequence[Any]) -> list[Any]:
    """``starts`` counted from the front, all of one integer type."""
    wide = jnp.int32 if max(x.shape, default=0) < 2**31 else jnp.int64
    out = []
    for start, size in zip(starts, x.shape, strict=True):
        if isinstance(start, int | np.integer):
            out.append(np.asarray(start + size if start < 0 else start, wide))
        else:
            start = lax.convert_element_type(start, wide).reshape(())
            out.append(jnp.where(start < 0, start + np.asarray(size, wide), start))
    return out


def take_block(x: Array, starts: Sequence[Any], sizes: Sequence[int], steps: Sequence[int]) -> Array:
    """The elements ``starts + k * steps`` of ``x``, ``sizes`` of them in each dimension."""
    spans = [(n - 1) * step + 1 if n else 0 for n, step in zip(sizes, steps, strict=True)]
    begins = _starts(x, starts)
    if all(isinstance(b, np.ndarray) for b in begins):
        begins = [int(b) for b in begins]
        return lax.slice(x, begins, [b + s for b, s in zip(begins, spans, strict=True)], steps)
    block = lax.dynamic_slice(x, begins, spans)
    return block if max(steps) == 1 else lax.slice(block, [0] * x.ndim, spans, steps)


def put_block(x: Array, block: Array, starts: Sequence[Any], steps: Sequence[int]) -> Array:
    """``x`` with the elements ``starts + k * steps`` replaced by ``block``."""
    if block.size == 0:
        return x
    begins = _starts(x, starts)
    if x.ndim and max(steps) > 1:
        spans = [(n - 1) * step + 1 for n, step in zip(block.shape, steps, strict=True)]
        region = lax.dynamic_slice(x, begins, spans)
        apart = lax.pad(block, jnp.zeros((), dtype=x.dtype), [(0, 0, step - 1) for step in steps])
        hit = np.ones((), bool)
        for n, step in zip(spans, steps, strict=True):
            hit = hit[..., None] & (np.arange(n) % step == 0)
        block = jnp.where(hit, apart, region)
    return lax.dynamic_update_slice(x, block, begins)


def _along(x: Any, dim: int, start: Any) -> list[Any]:
    return [start if i == dim else 0 for i in range(x.ndim)]


def _select(input: Array, dim: int, index: Any) -> Array:
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input.ndim)
    sizes = [1 if i == dim else n for i, n in enumerate(input.shape)]
    block = take_block(input, _along(input, dim, index), sizes, [1] * input.ndim)
    return lax.squeeze(block, (dim,))


def _select_back(base: Array, value: Array, dim: int, index: Any) -> Array:
    dim = wrap_dim(dim, base.ndim)
    return put_block(base, jnp.expand_dims(value, dim), _along(base, dim, index), [1] * base.ndim)


def known(start: Any) -> int:
    """Where a block starts, for NumPy's twin of a view: 0 where that is an array, which moves no stride."""
    return start if isinstance(start, int) else 0


def _np_select(a: np.ndarray, dim: int, index: Any) -> np.ndarray:
    return a[(slice(None),) * (dim % a.ndim) + (known(index),)]


@op(method=True, view=View(write=_select_back, strides=_np_select))
def select(input: Array, dim: int, index: Array) -> Array:
    """The slice ``index`` of dimension ``dim``, which disappears."""
    return _select(input, dim, index)


def _narrow(input: Any, dim: int, length: int) -> int:
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = wrap_dim(dim, input.ndim)
    if length > input.shape[dim]:
        raise RuntimeError(f"start (0) + length ({length}) exceeds dimension size ({input.shape[dim]}).")
    return dim


def _narrow_back(base: Array, value: Array, dim: int, start: Any, length: int) -> Array:
    return put_block(base, value, _along(base, _narrow(base, dim, length), start), [1] * base.ndim)


def _np_narrow(a: np.ndarray, dim: int, start: Any, length: int) -> np.ndarray:
    begin = known(start) % max(a.shape[dim], 1)
    return a[(slice(None),) * (dim % a.ndim) + (slice(begin, begin + length),)]


@op(method=True, view=View(write=_narrow_back, strides=_np_narrow))
def narrow(input: Array, dim: int, start: Array, length: int) -> Array:
    """``length`` slices of dimension ``dim``, the first of them ``start``."""
    if jnp.ndim(start) or jnp.result_type(start) == np.bool_:
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim = _narrow(input, dim, length)
    sizes = [length if i == dim else n for i, n in enumerate(input.shape)]
    return take_block(input, _along(input, dim, start), sizes, [1] * input.ndim)


Pieces = tuple[int, list[int], list[int]]


def _split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Pieces:
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, input.ndim)
    have, size = input.shape[dim], split_size_or_sections
    if not isinstance(size, int | np.integer):
        return _with_sizes(input, tuple(size), dim)
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and have:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {have}")
    starts = list(range(0, have, size)) if have else [0]
    return dim, starts, [min(size, have - s) for s in starts]


def _with_sizes(input: Any, split_sizes: Sequence[int], dim: int = 0) -> Pieces:
    dim = wrap_dim(dim, input.ndim)
    have, sizes = input.shape[dim], list(split_sizes)
    if sum(sizes) != have:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {have} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={sizes}"
        )
    if min(sizes, default=0) < 0:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}"
        )
    return dim, [sum(sizes[:i]) for i in range(len(sizes))], sizes


def _chunk(input: Any, chunks: int, dim: int = 0) -> Pieces:
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, input.ndim)
    have = input.shape[dim]
    return (dim, [0] * chunks, [0] * chunks) if have == 0 else _split(input, -(-have // chunks), dim)


def _tensor_split(
    input: Any, indices_or_sections: Any = None, dim: int = 0, indices: Any = None, sections: Any = None
) -> Pieces:
    if input.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, input.ndim)
    have, cut = input.shape[dim], _one_of("tensor_split", indices_or_sections, indices, sections)
    if isinstance(cut, int | np.integer):
        if cut <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {cut}")
        sizes = [have // cut + (i < have % cut) for i in range(cut)]
        return dim, [sum(sizes[:i]) for i in range(cut)], sizes
    spans = [slice(a, b).indices(have) for a, b in zip((0, *cut), (*cut, have), strict=True)]
    return dim, [min(a, have) for a, _, _ in spans], [max(b - a, 0) for a, b, _ in spans]


def _one_of(name: str, *given: Any) -> Any:
    """Where to cut, which has three names."""
    said = [cut for cut in given if cut is not None]
    if len(said) != 1:
        raise TypeError(f"{name}() takes one of indices_or_sections, indices and sections")
    return said[0]


def _named_split(name: str, dim_of: Callable[[int], int], least: int) -> Callable[..., Pieces]:
    def pieces(input: Any, indices_or_sections: Any = None, indices: Any = None, sections: Any = None) -> Pieces:
        if input.ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, "
                f"but got a tensor with {input.ndim} dimensions!"
            )
        dim, cut = dim_of(input.ndim), _one_of(name, indices_or_sections, indices, sections)
        if isinstance(cut, int) and (cut <= 0 or input.shape[dim] % cut):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                f"{input.shape[dim]} is not divisible by the split_size {cut}!"
            )
        return _tensor_split(input, cut, dim)

    return pieces


_hsplit = _named_split("hsplit", lambda ndim: 0 if ndim == 1 else 1, 1)
_vsplit = _named_split("vsplit", lambda ndim: 0, 2)
_dsplit = _named_split("dsplit", lambda ndim: 2, 3)


def _cut(input: Array, pieces: Pieces) -> tuple[Array, ...]:
    dim, starts, sizes = pieces
    return tuple(lax.slice_in_dim(input, a, a + n, axis=dim) for a, n in zip(starts, sizes, strict=True))


def _in_pieces(pieces_of: Callable[..., Pieces]) -> View:
    def write(base: Array, value: Array, *args: Any, index: int, **kwargs: Any) -> Array:
        dim, starts, _ = pieces_of(base, *args, **kwargs)
        return put_block(base, value, _along(base, dim, starts[index]), [1] * base.ndim)

    def strides(a: np.ndarray, *args: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
        dim, starts, sizes = pieces_of(a, *args, **kwargs)
        lead = (slice(None),) * dim
        return tuple(a[(*lead, slice(s, s + n))] for s, n in zip(starts, sizes, strict=True))

    return View(write=write, strides=strides)


@op(method=True, view=_in_pieces(_split))
def split(input: Array, split_size_or_sections: Any, dim: int = 0) -> tuple[Array, ...]:
    """Pieces of ``split_size`` slices each (the last may be smaller), or of the sizes listed."""
    return _cut(input, _split(input, split_size_or_sections, dim))


@op(method=True, view=_in_pieces(_with_sizes))
def split_with_sizes(input: Array, split_sizes: tuple[int, ...], dim: int = 0) -> tuple[Array, ...]:
    """Pieces of the sizes listed, which add up to the size of ``dim``."""
    return _cut(input, _with_sizes(input, split_sizes, dim))


@op(method=True, view=_in_pieces(_chunk))
def chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """At most ``chunks`` pieces of equal size, but for the last."""
    return _cut(input, _chunk(input, chunks, dim))


@op(method=True, view=_in_pieces(_tensor_split))
def tensor_split(
    input: Array, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None
) -> tuple[Array, ...]:
    """Exactly so many pieces, whose sizes differ by at most 1; or pieces cut at the indices listed."""
    return _cut(input, _tensor_split(input, indices_or_sections, dim, indices=indices, sections=sections))


@op(method=True, view=_in_pieces(_hsplit))
def hsplit(
    input: Array, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
) -> tuple[Array, ...]:
    """:func:`tensor_split` into equal columns."""
    return _cut(input, _hsplit(input, indices_or_sections, indices=indices, sections=sections))


@op(method=True, view=_in_pieces(_vsplit))
def vsplit(
    input: Array, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
) -> tuple[Array, ...]:
    """:func:`tensor_split` into equal rows."""
    return _cut(input, _vsplit(input, indices_or_sections, indices=indices, sections=sections))


@op(method=True, view=_in_pieces(_dsplit))
def dsplit(
    input: Array, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
) -> tuple[Array, ...]:
    """:func:`tensor_split` along the third dimension."""
    return _cut(input, _dsplit(input, indices_or_sections, indices=indices, sections=sections))


def _unbind_back(base: Array, value: Array, dim: int = 0, *, index: int) -> Array:
    return _select_back(base, value, dim, index)


@op(method=True, view=View(write=_unbind_back, strides=lambda a, dim=0: tuple(np.moveaxis(a, dim, 0))))
def unbind(input: Array, dim: int = 0) -> tuple[Array, ...]:
    """All slices of dimension ``dim``, one array each."""
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return tuple(_select(input, dim, i) for i in range(input.shape[wrap_dim(dim, input.ndim)]))


def _check_src(src: Array, region: Sequence[int]) -> None:
    if src.shape != tuple(region):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. "
            f"src size = {list(src.shape)}, slice size = {list(region)}"
        )


@op(method=True)
def select_scatter(input: Array, src: Array, dim: int, index: Array) -> Array:
    """``input`` with the slice ``index`` of dimension ``dim`` replaced by ``src``."""
    dim = wrap_dim(dim, input.ndim)
    _check_src(src, (*input.shape[:dim], *input.shape[dim + 1 :]))
    return _select_back(input, cast(src, input.dtype), dim, index)


@op(method=True, out=True)
def slice_scatter(
    input: Array, src: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """``input`` with the slices ``start:end:step`` of dimension ``dim`` replaced by ``src``."""
    dim = wrap_dim(dim, input.ndim)
    begin, stop, step = slice(start, end, step).indices(input.shape[dim])
    _check_src(src, [len(range(begin, stop, step)) if i == dim else n for i, n in enumerate(input.shape)])
    steps = [step if i == dim else 1 for i in range(input.ndim)]
    return put_block(input, cast(src, input.dtype), _along(input, dim, begin), steps)


@op(method=True)
def diagonal_scatter(input: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """``input`` with the diagonal of each of its matrices replaced by ``src``."""
    diagonals = lambda x: jnp.diagonal(x, offset, wrap_dim(dim1, x.ndim), wrap_dim(dim2, x.ndim))  # noqa: E731
    _check_src(src, np.diagonal(np.broadcast_to(np.zeros((), bool), input.shape), offset, dim1, dim2).shape)
    return scatter_back(diagonals)(input, cast(src, input.dtype))


@op(method=True)
def as_strided_scatter(
    input: Array, src: Array, size: tuple[int, ...], stride: tuple[int, ...], storage_offset: int | None = None
) -> Array:
    """``input`` with the elements that :func:`as_strided` would take replaced by ``src``."""
    _check_src(src, size)
    return scatter_back(as_strided)(input, cast(src, input.dtype), size, stride, storage_offset)
