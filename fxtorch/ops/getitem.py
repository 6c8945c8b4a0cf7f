"""``x[index]`` and ``x[index] = value`` as operators of a parsed index (see :mod:`fxtorch.ops.index_plan`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.ops.bounds import CHECKS, Arguments, on_host
from fxtorch.ops.dtypes import cast
from fxtorch.ops.index_plan import Plan, Spec
from fxtorch.ops.slicing import known
from fxtorch.ops.table import Array, Arrays, View, op
from fxtorch.ops.views import expanded_shape


def _write(base: Array, value: Array, places: Arrays, spec: Spec) -> Array:
    return Plan(base.shape, spec, places).put(base, value)


def is_basic(spec: Spec) -> bool:
    """Whether an index has no arrays among its parts: what it takes is a view."""
    return not any(isinstance(kind, str) and kind.startswith(("index", "mask")) for kind in spec)


def strided(a: np.ndarray, places: Sequence[Any], spec: Spec) -> np.ndarray:
    """The view that a basic index takes of a NumPy array."""
    index: list[Any] = []
    left = iter(places)
    for kind in spec:
        if isinstance(kind, tuple):
            (length, step), start = kind, known(next(left))
            index.append(slice(start, start + (length - 1) * step + 1 if length else start, step))
        else:
            index.append(known(next(left)) if kind == "at" else {"all": slice(None), "new": None}[kind])
    return a[(*index, ...)]


@op(where=(), view=View(write=_write, strides=strided))
def getitem(input: Array, places: Arrays, spec: Any) -> Array:
    """``input[index]`` for a basic index (numbers, slices, ``None``, ``...``): a view.

    >>> spec, places = ("at", (2, 1)), (0, 1)
    >>> getitem(jnp.arange(8, dtype=jnp.int64).reshape(2, 4), places, spec)
    Array([1, 2], dtype=int64)
    """
    return Plan(input.shape, spec, places).take(input)


@op(where=())
def index(input: Array, places: Arrays, spec: Any) -> Array:
    """``input[index]`` with integer arrays among the parts of the index: a copy."""
    plan = Plan(input.shape, spec, places)
    return _at(plan.take(input), plan).get(mode="promise_in_bounds")


def _at(view: Array, plan: Plan) -> Any:
    shapes = [jnp.shape(array) for _, _, array in plan.arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join(str(list(s)) for s in shapes)
        ) from None
    return view.at[plan.indexes()]


@op(where=())
def setitem(input: Array, value: Array, places: Arrays, spec: Any) -> Array:
    """``input`` after ``input[index] = value``; the value is cast, and broadcast, to what the index selects.

    Raises:
        RuntimeError: the value does not broadcast.
    """
    return put(input, value, places, spec, accumulate=False)


def put(input: Array, value: Array, places: Arrays, spec: Spec, accumulate: bool) -> Array:
    """:func:`setitem`, or with ``accumulate`` ``input[index] += value`` that counts repeated positions."""
    value = cast(value, input.dtype)
    plan = Plan(input.shape, spec, places)
    if not plan.arrays:
        shape = _without_leading_ones(value.shape, len(plan.viewed))
        return plan.put(input, jnp.broadcast_to(value.reshape(shape), expanded_shape(shape, plan.viewed)))
    view = plan.take(input)
    dim, kind, mask = plan.arrays[0]
    if kind.startswith("mask"):
        return plan.put(input, _masked(view, dim, mask, value, accumulate))
    at = _at(view, plan)
    region = jax.eval_shape(at.get).shape
    shape = _without_leading_ones(value.shape, len(region))
    try:
        value = jnp.broadcast_to(value.reshape(shape), region)
    except ValueError:
        raise mismatch(shape, region) from None
    changed = at.set if not accumulate else at.max if input.dtype == np.bool_ else at.add
    return plan.put(input, changed(value, mode="promise_in_bounds"))


def _check_rows(a: Arguments) -> None:
    """As many rows are assigned as the mask selects."""
    plan = Plan(a["input"].shape, a["spec"], a["places"])
    if len(plan.arrays) != 1 or not plan.arrays[0][1].startswith("mask"):
        return
    dim, _, mask = plan.arrays[0]
    seen = on_host(mask)
    region = [*plan.viewed[:dim], -1, *plan.viewed[dim + max(mask.ndim, 1) :]]
    shape = _without_leading_ones(np.shape(a["value"]), len(region))
    place = len(shape) - (len(region) - dim)
    if seen is None or place < 0:
        return
    region[dim] = int(seen.sum())
    if shape[place] not in (1, region[dim]):
        raise mismatch(np.shape(a["value"]), region)


CHECKS["setitem"] = _check_rows


def mismatch(value: Sequence[int], region: Sequence[int]) -> RuntimeError:
    """torch's error for an assigned value of a wrong shape."""
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(value)} cannot be broadcast to indexing result of shape "
        f"{list(region)}"
    )


def _without_leading_ones(shape: Sequence[int], ndim: int) -> tuple[int, ...]:
    shape = tuple(shape)
    while len(shape) > ndim and shape[0] == 1:
        shape = shape[1:]
    return shape


def _masked(view: Array, dim: int, mask: Array, value: Array, accumulate: bool) -> Array:
    """``view`` with ``value`` where ``mask``, which stands for the dimensions from ``dim`` on, is true.

    One row of ``value`` for each true element is found through its rank among them, so that their number need not be
    known.
    """
    mask = jnp.reshape(mask, mask.shape or (1,))
    tail = view.shape[dim + mask.ndim :]
    region = (*view.shape[:dim], -1, *tail)
    shape = _without_leading_ones(value.shape, len(region))
    shape = (1,) * (len(region) - len(shape)) + shape
    if len(shape) > len(region) or any(n not in (1, r) and r != -1 for n, r in zip(shape, region, strict=True)):
        count = on_host(mask)
        raise mismatch(value.shape, [n if n >= 0 or count is None else int(count.sum()) for n in region])
    value = value.reshape(shape)
    if shape[dim] == 0:
        return view
    if shape[dim] > 1:
        rank = jnp.cumsum(mask.reshape(-1), dtype=jnp.int32) - 1
        value = jnp.take(value, rank, axis=dim, mode="clip")
        value = value.reshape((*shape[:dim], *mask.shape, *shape[dim + 1 :]))
    else:
        value = value.reshape((*shape[:dim], *(1,) * mask.ndim, *shape[dim + 1 :]))
    hit = mask.reshape((*mask.shape, *(1,) * len(tail)))
    return jnp.where(hit, view + value if accumulate else value, view)
