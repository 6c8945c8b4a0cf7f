"""Reductions of consecutive stretches."""

from __future__ import annotations

import functools

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.dtypes import cast, is_float, type_name
from fxtorch.ops.table import Array, op

NEUTRAL = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}


def _reduce(data: Array, starts: Array, reduce: str, initial: float | None) -> Array:
    """The stretches ``starts[i]`` to ``starts[i + 1]`` of the first dimension, each reduced."""
    count = starts.shape[0] - 1
    at = lax.iota(starts.dtype, data.shape[0])
    owner = jnp.searchsorted(starts[1:], at, side="right")
    owner = jnp.where((at >= starts[0]) & (owner < count), owner, count)  # one more, for what no stretch owns
    begin = cast(NEUTRAL[reduce] if initial is None else initial, data.dtype)
    lengths = jnp.diff(starts).reshape(-1, *[1] * (data.ndim - 1))
    total = functools.partial(jax.ops.segment_sum, segment_ids=owner, num_segments=count + 1)
    if reduce in ("sum", "mean"):
        result = total(data)[:count] + begin
        if reduce == "sum":
            return result
        empty = begin if initial is not None else cast(np.nan, data.dtype)
        return jnp.where(lengths == 0, empty, result / jnp.where(lengths == 0, 1, cast(lengths, data.dtype)))
    if reduce == "prod":
        mine = jnp.arange(count, dtype=owner.dtype)[:, None] == owner
        mine = mine.reshape(mine.shape + (1,) * (data.ndim - 1))
        return jnp.prod(jnp.where(mine, data, 1), axis=1) * begin
    segment, choose = {"max": (jax.ops.segment_max, jnp.maximum), "min": (jax.ops.segment_min, jnp.minimum)}[reduce]
    fixed = lax.stop_gradient(data)
    best = choose(segment(fixed, owner, count + 1), begin)[:count]
    best = jnp.where(lengths == 0, begin, best)
    hit = fixed == jnp.pad(best, [(0, 1)] + [(0, 0)] * (data.ndim - 1))[owner]
    ties = total(cast(hit, data.dtype))[:count]
    shared = total(jnp.where(hit, data, 0))[:count] / jnp.where(ties == 0, 1, ties)  # carries the gradient
    return jnp.where(jnp.isfinite(best), best + (shared - lax.stop_gradient(shared)), best)


@op(out=True)
def segment_reduce(
    data: Array,
    reduce: str,
    *,
    lengths: Array | None = None,
    indices: Array | None = None,
    offsets: Array | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Array:
    """Stretches of the dimension ``axis``, one after the other, each reduced to one element.

    Args:
        data: floating.
        reduce: ``"sum"``, ``"mean"``, ``"max"``, ``"min"`` or ``"prod"``.
        lengths: (..., n): how long each stretch is; the dimensions in front are those of ``data``.
        indices: not supported, as in torch.
        offsets: (..., n + 1) instead: where each begins, and where the last ends.
        axis: the dimension.
        unsafe: do not check that the lengths fit.
        initial: what each stretch begins with; without it an empty one gives 0, 1, an infinity, or NaN (mean).

    Raises:
        RuntimeError: neither lengths nor offsets are given, or they do not fit.
    """
    if reduce not in NEUTRAL:
        raise RuntimeError(f"unsupported reduction given! {reduce}")
    if not is_float(data.dtype):
        raise RuntimeError(f"\"segment_reduce\" not implemented for '{type_name(data.dtype)}'")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if lengths is not None:
        zero = jnp.zeros((*lengths.shape[:-1], 1), dtype=lengths.dtype)
        offsets = jnp.concatenate([zero, jnp.cumsum(lengths, axis=-1)], axis=-1)
    assert offsets is not None
    if offsets.ndim != axis + 1 or offsets.shape[:-1] != data.shape[:axis]:
        raise RuntimeError("segment_reduce(): Expected the dimensions of lengths up to axis to be those of data.")
    one = functools.partial(_reduce, reduce=reduce, initial=initial)
    for _ in range(axis):
        one = jax.vmap(one)
    return one(data, offsets)
