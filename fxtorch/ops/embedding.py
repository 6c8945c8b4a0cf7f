"""Rows of a table by index, and sums, means and maxima of bags of them."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.dtypes import at_least_single, cast, type_name
from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.table import Array, Number, Strict, op

_NO_PADDING = -1


def _narrow(index: JaxArray, rows: int) -> JaxArray:
    """Indexes as int32 where the table allows it: half the traffic of int64."""
    return cast(index, "int32") if rows < 2**31 else index


@functools.partial(custom_gradient, static=(2, 3))
def _rows(weight: JaxArray, index: JaxArray, padding: int, by_frequency: bool) -> JaxArray:
    return jnp.take(weight, _narrow(index, weight.shape[0]), axis=0, mode="clip")


def _rows_fwd(
    weight: JaxArray, index: JaxArray, padding: int, by_frequency: bool
) -> tuple[JaxArray, tuple[JaxArray, JaxArray]]:
    return _rows(weight, index, padding, by_frequency), (weight, index)


def _rows_bwd(padding: int, by_frequency: bool, saved: tuple[JaxArray, JaxArray], g: JaxArray) -> tuple[JaxArray, None]:
    """Cotangents added up by row, those of the padding row left out."""
    weight, index = saved
    flat = _narrow(index.reshape(-1), weight.shape[0])
    g = g.reshape(-1, *weight.shape[1:])
    if padding != _NO_PADDING:
        g = jnp.where((flat == padding).reshape(-1, *(1,) * (g.ndim - 1)), 0, g)
    if by_frequency:
        counts = jnp.zeros(weight.shape[0], np.int32).at[flat].add(1, mode="drop")
        g = g / cast(counts[flat], g.dtype).reshape(-1, *(1,) * (g.ndim - 1))
    return jnp.zeros(weight.shape, g.dtype).at[flat].add(g, mode="drop"), None


_rows.defvjp(_rows_fwd, _rows_bwd)


def _padding_row(padding_idx: int | None, rows: int) -> int:
    """The padding row counted from the front, or ``_NO_PADDING``.

    Raises:
        AssertionError: it is not a row.
    """
    if padding_idx is None:
        return _NO_PADDING
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


@op(where=("nn.functional",))
def embedding(
    input: Strict,
    weight: Strict,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """``weight[input]``: the rows of a table.

    Args:
        input: integers of any shape.
        weight: ``(rows, dim)``.
        padding_idx: a row that gets no gradient.
        max_norm: rows used are first scaled down to this norm, in place (done by the caller of this pure function).
        norm_type: the ``p`` of that norm.
        scale_grad_by_freq: divide gradients by how often the row was used.
        sparse: accepted; gradients are dense.

    Raises:
        RuntimeError: ``input`` is not of integers.

    >>> embedding(jnp.array([1, 0]), jnp.array([[1.0], [2.0]])).tolist()
    [[2.0], [1.0]]
    """
    _check_index(input)
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    row = _padding_row(padding_idx, weight.shape[0])
    return _rows(weight, input, row, bool(scale_grad_by_freq))


def _check_index(index: JaxArray) -> None:
    if index.dtype not in (np.dtype("int32"), np.dtype("int64")):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got torch.{type_name(index.dtype)}Tensor instead (while checking arguments for embedding)"
        )


@op(name="_embedding_renorm", where=("nn.functional",), differentiable=False)
def embedding_renorm(weight: Array, indices: Array, max_norm: Number, norm_type: float) -> Array:
    """``weight`` with the rows that ``indices`` name scaled down to a norm of at most ``max_norm``."""
    norms = jnp.linalg.norm(weight, norm_type, axis=1)
    used = jnp.zeros(weight.shape[0], bool).at[indices.reshape(-1)].set(True, mode="drop")
    scale = jnp.where(used & (norms > max_norm), max_norm / (norms + 1e-7), 1)
    return weight * cast(scale, weight.dtype)[:, None]


@op(where=("nn.functional",))
def embedding_bag(
    input: Strict,
    weight: Strict,
    offsets: Strict | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Strict | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Array:
    """The sum, mean or maximum over bags of rows of ``weight``; an empty bag gives zeros.

    Args:
        input: ``(bags, length)``, or ``(total,)`` with ``offsets``.
        weight: ``(rows, dim)``.
        offsets: ``(bags,)``, where each bag starts in ``input``.
        max_norm: see :func:`embedding`.
        norm_type: see :func:`embedding`.
        scale_grad_by_freq: divide gradients by how often the row was used.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: accepted; gradients are dense.
        per_sample_weights: factors of the shape of ``input``, with ``"sum"`` only.
        include_last_offset: whether ``offsets`` ends with the end of the last bag.
        padding_idx: a row that counts as absent.

    Raises:
        ValueError: ``input`` and ``offsets`` do not fit together, or the mode is unknown.
        NotImplementedError: ``per_sample_weights`` with another mode than ``"sum"``.
    """
    _check_index(input)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then it must have "
            f"the same shape as the input ({list(input.shape)})"
        )
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        bags = input.shape[0]
        bag = jnp.repeat(jnp.arange(bags, dtype=np.int32), input.shape[1])
    elif input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        bags = offsets.shape[0] - include_last_offset
        starts = offsets[:bags]
        bag = cast(jnp.searchsorted(starts, jnp.arange(input.shape[0], dtype=starts.dtype), side="right") - 1, "int32")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    index = input.reshape(-1)
    row = _padding_row(padding_idx, weight.shape[0])
    rows = _rows(weight, index, row, bool(scale_grad_by_freq))
    present = index != row
    count = jnp.zeros(bags, np.int32).at[bag].add(cast(present, "int32"))
    if mode == "max":
        return _bag_maxima(rows, present, bag, count)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    rows = at_least_single(jnp.where(present[:, None], rows, 0))
    total = jnp.zeros((bags, weight.shape[1]), rows.dtype).at[bag].add(rows)
    total = total if mode == "sum" else total / cast(jnp.maximum(count, 1), rows.dtype)[:, None]
    return cast(total, weight.dtype)


def _bag_maxima(rows: JaxArray, present: JaxArray, bag: JaxArray, count: JaxArray) -> JaxArray:
    """The maximum of each bag; the first of equal rows gets the gradient."""
    total, bags = rows.shape[0], count.shape[0]
    values = jnp.where(present[:, None], lax.stop_gradient(rows), -jnp.inf)
    best = jnp.full((bags, rows.shape[1]), -jnp.inf, rows.dtype).at[bag].max(values)
    place = jnp.where((values == best[bag]) & present[:, None], jnp.arange(total, dtype=np.int32)[:, None], total)
    first = jnp.full(best.shape, total, np.int32).at[bag].min(place)
    picked = jnp.take_along_axis(rows, jnp.minimum(first, total - 1), axis=0)
    return jnp.where((count > 0)[:, None], picked, 0)
