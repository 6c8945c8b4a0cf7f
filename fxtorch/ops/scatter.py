"""Elements written, added or otherwise reduced into an array at positions that an integer array gives."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import at_least_single, cast, is_float
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.indexing import narrow_index
from fxtorch.ops.table import Array, Number, Out, Strict, op


def _places(input: Array, dim: int, index: Array) -> tuple[Array, ...]:
    """Where each element of ``index`` points to, one index array a dimension."""
    grid = [lax.broadcasted_iota(jnp.int32, index.shape, d) for d in range(index.ndim)]
    grid[dim] = narrow_index(index, input.shape[dim])
    return tuple(grid)


def _prepared(input: Array, dim: int, index: Array, src: Any, name: str) -> tuple[int, Array, Array, Array]:
    """``dim`` from the front; input and index of one dimension at least; the part of ``src`` that index covers."""
    dim = wrap_dim(dim, input.ndim)
    base, index = jnp.atleast_1d(input), jnp.atleast_1d(index)
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int64 for index")
    if jnp.ndim(src) == 0:
        return dim, base, index, jnp.broadcast_to(cast(src, input.dtype), index.shape)
    if src.dtype != input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    src = jnp.atleast_1d(src)
    if index.size and (index.ndim != base.ndim or index.ndim != src.ndim):
        other = "self" if index.ndim != base.ndim else "src"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {other} tensor")
    for d, (n, have, given) in enumerate(zip(index.shape, base.shape, src.shape, strict=False)):
        if n > given or (d != dim and n > have):
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(base.shape)} apart from dimension "
                f"{dim} and to be no larger size than src {list(src.shape)}"
            )
    return dim, base, index, lax.slice(src, [0] * src.ndim, index.shape) if index.size else src


@op(method=True, inplace=True, out=Out(typed=True))
def scatter(
    input: Strict, dim: int, index: Strict, src: Array | None = None, *, value: Array | None = None, reduce: Any = None
) -> Array:
    """``input`` with ``input[index[i][j]][j] = src[i][j]`` for ``dim`` 0, and so on.

    Args:
        input: the array that is changed.
        dim: the dimension that ``index`` gives positions of.
        index: integers; no larger than ``src``, nor than ``input`` but in ``dim``.
        src: the elements, of the dtype of ``input``; or a number.
        value: the number, by name.
        reduce: ``"add"`` or ``"multiply"`` instead of replacing.

    Raises:
        RuntimeError: sizes or dtypes do not fit.
    """
    dim, base, index, src = _prepared(input, dim, index, value if src is None else src, "scatter")
    if index.size == 0:
        return input
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if reduce == "multiply":
        return _reduced(base, index, src, dim, "prod", True).reshape(input.shape)
    at = base.at[_places(base, dim, index)]
    change = at.set if reduce is None else at.add
    return change(src, mode="promise_in_bounds").reshape(input.shape)


@op(method=True, inplace=True, out=Out(typed=True))
def scatter_add(input: Strict, dim: int, index: Strict, src: Strict) -> Array:
    """``input`` with ``input[index[i][j]][j] += src[i][j]`` for ``dim`` 0, and so on; repeated positions add up."""
    dim, base, index, src = _prepared(input, dim, index, src, "scatter_add")
    if index.size == 0:
        return input
    if base.dtype == np.bool_:  # whose sum is or
        base, src = cast(base, np.int32), cast(src, np.int32)
    base, src = at_least_single(base), at_least_single(src)
    out = base.at[_places(base, dim, index)].add(src, mode="promise_in_bounds").reshape(input.shape)
    return out != 0 if input.dtype == np.bool_ else cast(out, input.dtype)


@op(method=True, inplace=True, out=Out(typed=True))
def scatter_reduce(
    input: Strict, dim: int, index: Strict, src: Strict, reduce: str, *, include_self: bool = True
) -> Array:
    """The elements of ``src`` that point to one place, reduced: ``sum``, ``prod``, ``mean``, ``amax`` or ``amin``.

    Args:
        input: the array that is changed; its elements take part unless ``include_self`` is false.
        dim: the dimension that ``index`` gives positions of.
        index: integers, no larger than ``src``.
        src: the elements.
        reduce: how.
        include_self: whether the old value counts; places that nothing points to keep it in any case.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    dim, base, index, src = _prepared(input, dim, index, src, "scatter_reduce")
    if index.size == 0:
        return input
    if input.dtype == np.bool_:  # whose product is and, whose sum is or
        wide = _reduced(cast(base, np.int32), index, cast(src, np.int32), dim, reduce, include_self)
        return (wide != 0).reshape(input.shape)
    return _reduced(base, index, src, dim, reduce, include_self).reshape(input.shape)


def _identity(reduce: str, dtype: Any) -> Any:
    if reduce in ("sum", "mean", "prod"):
        return np.asarray(reduce == "prod", dtype)
    if is_float(dtype):
        return np.asarray(-np.inf if reduce == "amax" else np.inf, dtype)
    if dtype == np.bool_:
        return np.asarray(reduce == "amin")
    return np.asarray(jnp.iinfo(dtype).min if reduce == "amax" else jnp.iinfo(dtype).max, dtype)


def _count(base: Array, at: Any, include_self: bool, dtype: Any) -> Array:
    """How many elements each place reduces, at least 1."""
    hits = jnp.full(base.shape, include_self, dtype=dtype)
    return jnp.maximum(hits.at[at].add(np.ones((), dtype), mode="promise_in_bounds"), np.ones((), dtype))


def _reduced_plain(base: Array, index: Array, src: Array, dim: int, reduce: str, include_self: bool) -> Array:
    at = _places(base, dim, index)
    start = base
    if not include_self:
        start = base.at[at].set(_identity(reduce, base.dtype), mode="promise_in_bounds")
    to = start.at[at]
    change = {"sum": to.add, "mean": to.add, "prod": to.multiply, "amax": to.max, "amin": to.min}[reduce]
    out = change(src, mode="promise_in_bounds")
    if reduce != "mean":
        return out
    count = _count(base, at, include_self, jnp.int64)
    return out / cast(count, out.dtype) if is_float(out.dtype) else cast(out // count, out.dtype)


_reduced = custom_gradient(_reduced_plain, static=(3, 4, 5))


def _reduced_fwd(base: Array, index: Array, src: Array, dim: int, reduce: str, include_self: bool) -> Any:
    out = _reduced(base, index, src, dim, reduce, include_self)  # the derivative of this line is asked for in turn
    return out, (base, index, src, out)


def _reduced_bwd(dim: int, reduce: str, include_self: bool, saved: Any, g: Array) -> Any:
    """Each element's share: all of it (sum), one part (mean), that of the ties (amax, amin), the others' product."""
    base, index, src, out = saved
    at = _places(base, dim, index)
    zero, one = np.zeros((), base.dtype), np.ones((), base.dtype)

    def back(x: Array) -> Array:
        return x.at[at].get(mode="promise_in_bounds")

    def forth(x: Array, counted: Array) -> Array:
        return counted.at[at].add(x, mode="promise_in_bounds")

    free = jnp.ones(base.shape, dtype=bool).at[at].set(include_self, mode="promise_in_bounds")
    if reduce in ("sum", "mean"):
        share = g / cast(_count(base, at, include_self, jnp.int64), g.dtype) if reduce == "mean" else g
        return jnp.where(free, share, zero), None, back(share)
    if reduce in ("amax", "amin"):
        mine, theirs = base == out, src == back(out)  # PyTorch counts the old value too where it does not take part
        share = g / jnp.maximum(forth(cast(theirs, g.dtype), cast(mine, g.dtype)), one)
        return jnp.where(mine & free, share, zero), None, jnp.where(theirs, back(share), zero)
    empty, none = (base == 0) & free, src == 0
    zeros = forth(cast(none, jnp.int32), cast(empty, jnp.int32))
    rest = _reduced(jnp.where(empty | ~free, one, base), index, jnp.where(none, one, src), dim, "prod", True)

    def others(x: Array, is_zero: Array, zeros: Array, rest: Array) -> Array:
        """The product of all the others at the place of ``x``."""
        return jnp.where(zeros - is_zero > 0, zero, rest / jnp.where(is_zero, one, x))

    mine = jnp.where(free, g * others(base, empty, zeros, rest), zero)
    return mine, None, back(g) * others(src, none, back(zeros), back(rest))


_reduced.defvjp(_reduced_fwd, _reduced_bwd)


def _rows(input: Array, dim: int, index: Array, source: Array, name: str) -> tuple[Array, Any, Array]:
    """``input`` of one dimension at least, its slices ``index`` of ``dim``, and ``source`` to match."""
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index should have dimension 1 or 0 (got {index.ndim})")
    dim = wrap_dim(dim, input.ndim)
    base, index, source = jnp.atleast_1d(input), index.reshape(-1), jnp.atleast_1d(source)
    if source.dtype != input.dtype:
        raise RuntimeError(f"{name}(): self ({input.dtype}) and source ({source.dtype}) must have the same scalar type")
    if source.ndim != base.ndim:
        raise RuntimeError(
            f"{name}(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({source.ndim}), destination dimensionality ({base.ndim})"
        )
    if source.shape[dim] != index.size:
        raise RuntimeError(
            f"{name}(): Number of indices ({index.size}) should be equal to source.size(dim): "
            f"({source.shape[dim]}), for dim: {dim}"
        )
    for d, (a, b) in enumerate(zip(base.shape, source.shape, strict=True)):
        if d != dim and a != b:
            raise RuntimeError(
                "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
                f"self.shape = {list(base.shape)} source.shape = {list(source.shape)}"
            )
    return base, base.at[(slice(None),) * dim + (narrow_index(index, base.shape[dim]),)], source


@op(method=True, inplace=True, out=Out(typed=True))
def index_add(input: Strict, dim: int, index: Strict, source: Strict, *, alpha: Number = 1) -> Array:
    """``input`` with ``alpha`` times the slices of ``source`` added to its slices ``index``."""
    if input.dtype == np.bool_:  # whose sum is or
        wide = index_add(cast(input, np.int32), dim, index, cast(source, np.int32), alpha=cast(alpha, np.bool_))
        return wide != 0
    base = input
    if source.dtype == input.dtype:
        base, source = at_least_single(input), at_least_single(source)
    _, at, source = _rows(base, dim, index, source, "index_add_")
    out = at.add(source * cast(alpha, source.dtype), mode="promise_in_bounds").reshape(input.shape)
    return cast(out, input.dtype)


@op(method=True, inplace=True, out=Out(typed=True))
def index_copy(input: Strict, dim: int, index: Strict, source: Strict) -> Array:
    """``input`` with its slices ``index`` replaced by the slices of ``source``."""
    _, at, source = _rows(input, dim, index, source, "index_copy_")
    return at.set(source, mode="promise_in_bounds").reshape(input.shape)


@op(method=True, inplace=True, out=Out(typed=True))
def index_reduce(
    input: Strict, dim: int, index: Strict, source: Strict, reduce: str, *, include_self: bool = True
) -> Array:
    """:func:`scatter_reduce` of whole slices: ``prod``, ``mean``, ``amax`` or ``amin``."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    base, _, source = _rows(input, dim, index, source, "index_reduce_")
    at = wrap_dim(dim, input.ndim)
    spread = index.reshape((-1,) + (1,) * (base.ndim - 1 - at))
    out = _reduced(base, jnp.broadcast_to(spread, source.shape), source, at, reduce, include_self)
    return out.reshape(input.shape)


@op(where=(), inplace=True)
def fill_diagonal(input: Strict, fill_value: Number, wrap: bool = False) -> Array:
    """``input`` with its main diagonal filled; with ``wrap`` that of a tall matrix starts again below."""
    if input.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if input.ndim > 2 and len(set(input.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    width = input.shape[-1]
    step = sum(math.prod(input.shape[i + 1 :]) for i in range(input.ndim))
    end = input.size if wrap or input.ndim > 2 else min(input.size, width * width)
    hit = np.zeros(input.size, bool)
    hit[:end:step] = True
    return jnp.where(hit.reshape(input.shape), cast(fill_value, input.dtype), input)
