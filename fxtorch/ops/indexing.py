"""Reading and replacing elements through integer arrays and boolean masks."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops import getitem
from fxtorch.ops.checks import check_broadcast, check_concrete, wrap_dim
from fxtorch.ops.dtypes import cast, cpp_name, type_name
from fxtorch.ops.table import Array, Arrays, Out, Strict, op


def narrow_index(index: Array, size: int) -> Array:
    """``index`` in 32 bits where the size allows: gathers and scatters then move half as many index bytes."""
    return lax.convert_element_type(index, jnp.int32 if size < 2**31 else jnp.int64)


def _check_integers(index: Array, name: str) -> None:
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")


def _check_vector(index: Array, name: str) -> Array:
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    return index.reshape(-1)


@op(method=True, out=Out(typed=True, apart=True))
def gather(input: Strict, dim: int, index: Strict, *, sparse_grad: bool = False) -> Array:
    """``out[i][j] = input[index[i][j]][j]`` for ``dim`` 0, and so on; as large as ``index``.

    Raises:
        RuntimeError: ``index`` has other dimensions than ``input``, or is larger in one that is not ``dim``.
    """
    dim = wrap_dim(dim, input.ndim)
    if index.size == 0:  # of any type, as in torch
        return jnp.zeros(index.shape, dtype=input.dtype)
    _check_integers(index, "gather")
    scalar = index.ndim == 0
    if input.ndim == 0 or scalar:
        input, index = jnp.atleast_1d(input), jnp.atleast_1d(index)
    if index.ndim != input.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for d, (n, have) in enumerate(zip(index.shape, input.shape, strict=True)):
        if d != dim and n > have:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {dim}"
            )
    limits = [have if d == dim else n for d, (n, have) in enumerate(zip(index.shape, input.shape, strict=True))]
    rows = lax.slice(input, [0] * input.ndim, limits)
    out = jnp.take_along_axis(rows, narrow_index(index, input.shape[dim]), axis=dim, mode="promise_in_bounds")
    return out.reshape(()) if scalar else out


@op(method=True, out=Out(typed=True, apart=True))
def take(input: Strict, index: Strict) -> Array:
    """The elements at the positions ``index`` of ``input`` flattened."""
    _check_integers(index, "take")
    flat = input.reshape(-1)
    return flat.at[narrow_index(index, flat.size)].get(mode="promise_in_bounds")


@op(method=True, out=True)
def take_along_dim(input: Strict, indices: Strict, dim: int | None = None) -> Array:
    """:func:`gather` with the other dimensions broadcast; without ``dim``, :func:`take`."""
    _check_integers(indices, "torch.take_along_dim")
    if dim is None:
        return take(input, indices.reshape(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = wrap_dim(dim, input.ndim)
    check_broadcast(*((*x.shape[:dim], *x.shape[dim + 1 :]) for x in (input, indices)))
    index = narrow_index(indices, input.shape[dim])
    index = jnp.where(index < 0, index + input.shape[dim], index)
    return jnp.take_along_axis(input, index, axis=dim, mode="promise_in_bounds")


@op(method=True, out=Out(typed=True, apart=True))
def index_select(input: Strict, dim: int, index: Strict) -> Array:
    """The slices ``index`` of dimension ``dim``, in that order."""
    index = _check_vector(index, "index_select")
    _check_integers(index, "index_select")
    if input.ndim == 0:
        return input
    dim = wrap_dim(dim, input.ndim)
    at = input.at[(slice(None),) * dim + (narrow_index(index, input.shape[dim]),)]
    return at.get(mode="promise_in_bounds")


@op(method=True, inplace=True)
def index_fill(input: Strict, dim: int, index: Strict, value: Array) -> Array:
    """``input`` with the slices ``index`` of dimension ``dim`` filled with ``value``."""
    if jnp.ndim(value):
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {jnp.ndim(value)} "
            "dimension(s)."
        )
    index = _check_vector(index, "index_fill")
    at = jnp.atleast_1d(input).at[(slice(None),) * wrap_dim(dim, input.ndim) + (index,)]
    return at.set(cast(value, input.dtype), mode="promise_in_bounds").reshape(input.shape)


@op(method=True, inplace=True)
def index_put(input: Strict, indices: Arrays, values: Strict, accumulate: bool = False) -> Array:
    """``input`` after ``input[indices] = values`` (or ``+=``, repeated positions adding up)."""
    spec = tuple(f"mask{i.ndim}" if i.dtype == np.bool_ else "index" for i in indices)
    if len(indices) > 1 and any(kind != "index" for kind in spec):
        check_concrete("index_put", "give a single mask", *(i for i in indices if i.dtype == np.bool_))
        positions = [np.nonzero(np.asarray(i)) if i.dtype == np.bool_ else (i,) for i in indices]
        indices = tuple(jnp.asarray(i) for each in positions for i in each)
        spec = ("index",) * len(indices)
    return getitem.put(input, values, indices, spec, accumulate)


@op(method=True, inplace=True)
def masked_fill(input: Strict, mask: Strict, value: Array) -> Array:
    """``input`` with ``value`` where ``mask`` is true; the two broadcast.

    Raises:
        RuntimeError: the mask is not boolean, or the value not a single one.
    """
    if mask.dtype != np.bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {cpp_name(mask.dtype)}")
    if jnp.ndim(value):
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {jnp.ndim(value)} "
            "dimension(s)."
        )
    check_broadcast(input.shape, mask.shape)
    return jnp.where(mask, cast(value, input.dtype), input)


@op(method=True, inplace=True)
def masked_scatter(input: Strict, mask: Strict, source: Strict) -> Array:
    """``input`` with the elements of ``source``, in order, where ``mask`` is true."""
    if mask.dtype != np.bool_:
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype {type_name(mask.dtype)}"
        )
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}"
        )
    check_broadcast(input.shape, mask.shape)
    shape = jnp.broadcast_shapes(input.shape, mask.shape)
    flat = jnp.broadcast_to(mask, shape).reshape(-1)
    if source.size == 0:
        return jnp.broadcast_to(input, shape)
    rank = jnp.cumsum(flat, dtype=jnp.int32 if flat.size < 2**31 else jnp.int64) - 1
    given = jnp.take(source.reshape(-1), rank, mode="clip").reshape(shape)
    return jnp.where(mask, given, input)


_WHERE = "use torch.where, or masked_fill, which keep the shape"


@op(method=True, out=Out(typed=True, apart=True), dynamic=True)
def masked_select(input: Strict, mask: Strict) -> Array:
    """The elements of ``input`` where ``mask`` is true, in one dimension.

    Raises:
        RuntimeError: under a trace, where their number is not known.
    """
    check_concrete("masked_select", _WHERE, mask)
    if mask.dtype != np.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    check_broadcast(input.shape, mask.shape)
    shape = jnp.broadcast_shapes(input.shape, mask.shape)
    positions = np.flatnonzero(np.broadcast_to(np.asarray(mask), shape))
    return jnp.take(jnp.broadcast_to(input, shape).reshape(-1), positions, mode="clip")


@op(method=True, dynamic=True, differentiable=False, out=True)
def nonzero(input: Strict, *, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not zero: one a row, or as one index array for each dimension.

    Raises:
        RuntimeError: under a trace, where their number is not known.
    """
    check_concrete("nonzero", _WHERE, input)
    seen = np.asarray(input)
    if as_tuple:
        return tuple(jnp.asarray(i, dtype=jnp.int64) for i in np.nonzero(np.atleast_1d(seen)))
    return jnp.asarray(np.argwhere(seen), dtype=jnp.int64)


@op(method=True, out=True, differentiable=False)
def nonzero_static(input: Strict, *, size: int, fill_value: int = -1) -> Array:
    """The positions of the first ``size`` elements that are not zero, one a row; rows too many hold ``fill_value``.

    Raises:
        RuntimeError: ``size`` is negative.
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    if input.ndim == 0 or input.size == 0:
        return jnp.full((size, input.ndim), fill_value, dtype=jnp.int64)
    found = jnp.nonzero(input, size=size, fill_value=fill_value)
    return jnp.stack([i.astype(jnp.int64) for i in found], axis=1)


@op(method=True, dynamic=True, differentiable=False)
def argwhere(input: Strict) -> Array:
    """:func:`nonzero`, one position a row."""
    return nonzero(input)


@op(where=("nn.functional",), dynamic=lambda input, num_classes: num_classes == -1, differentiable=False)
def one_hot(input: Strict, num_classes: int = -1) -> Array:
    """A new last dimension of zeros, with a 1 at the place that each integer of ``input`` gives.

    Args:
        input: int64, non-negative.
        num_classes: the size of the new dimension; -1 takes the largest integer plus 1, which needs concrete values.
    """
    if input.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if num_classes == -1:
        check_concrete("one_hot", "give num_classes", input)
        if input.size == 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(np.max(np.asarray(input))) + 1
    return cast(input[..., None] == lax.iota(input.dtype, num_classes), jnp.int64)


@op()
def unravel_index(indices: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    """The coordinates, one array a dimension, of positions in a flattened array of ``shape``."""
    shape = (shape,) if isinstance(shape, int) else shape
    out = []
    rest = indices
    for n in reversed(shape):
        out.append(rest % n)
        rest = rest // n
    return tuple(out[::-1])


@op(method=True, inplace=True)
def put(input: Strict, index: Strict, source: Strict, accumulate: bool = False) -> Array:
    """``input`` with the elements at the positions ``index``, flattened, replaced by (or increased by) ``source``."""
    if index.size != source.size:
        raise RuntimeError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {index.size}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {input.dtype} and "
            f"source.dtype = {source.dtype}"
        )
    base = input.reshape(-1)
    if accumulate and input.dtype == np.bool_:  # whose sum is or
        base, source = cast(base, np.int32), cast(source, np.int32)
    at = base.at[index.reshape(-1)]
    change = at.add if accumulate else at.set
    return cast(change(source.reshape(-1), mode="promise_in_bounds").reshape(input.shape), input.dtype)
