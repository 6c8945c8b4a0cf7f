"""``x[index]`` and ``x[index] = value``: a parser of what users write, and the operators it leads to.

A parsed index is a static ``spec``, one item for each part of the index, and the ``places``, the values that travel
traced:

- ``"all"``: a whole dimension; takes no place.
- ``"new"``: a new dimension (``None``); takes no place.
- ``"at"``: one position, which removes the dimension; its place is a number or a 0-dim integer array.
- ``(length, step)``: a slice; its place is the number where it starts.
- ``"index"``: an integer array.
- ``"mask0"``, ``"mask1"``, ...: a boolean array of so many dimensions, kept as it is where values are set.

As in torch the basic parts come first, as a view; the arrays then index its dimensions.  So ``x[0, :, i]`` has the
dimension of ``i`` last, where NumPy has it first.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from fxtorch.ops.bounds import CHECKS, Arguments, check_index_bounds, on_host, out_of_bounds
from fxtorch.ops.dtypes import cast
from fxtorch.ops.slicing import known, put_block, take_block
from fxtorch.ops.table import Array, Arrays, View, op
from fxtorch.ops.views import expanded_shape

Spec = tuple[Any, ...]


class Index(NamedTuple):
    """A parsed index.

    Attributes:
        spec: the static part, see the module's text.
        places: the traced values, in the order of the items that take one.
        basic: whether ``x[index]`` is a view.
    """

    spec: Spec
    places: tuple[Any, ...]
    basic: bool


def parse_index(index: Any, shape: Sequence[int], as_array: Callable[[Any], Any], *, keep_mask: bool = False) -> Index:
    """Turn what stands between the brackets into an :class:`Index`.

    Args:
        index: any index that torch takes.
        shape: the shape of the indexed array.
        as_array: gives the JAX array of a Tensor, and ``None`` for anything else.
        keep_mask: leave a single boolean mask as it is (for :func:`setitem`) instead of looking up where it is true.

    Raises:
        IndexError: a position, a mask or the number of dimensions does not fit; a type is no index.
        ValueError: a slice goes backwards.
        RuntimeError: a mask is traced, so that its number of elements is unknown.
    """
    if type(index) is int and shape:
        return Index(("at",), (_position(index, 0, shape[0]),), True)
    if type(index) is slice and shape:
        return _parse((index,), shape)
    items = index if isinstance(index, tuple) else _as_tuple(index, as_array)
    items = tuple(item if (array := as_array(item)) is None else array for item in items)
    if not any(isinstance(item, _ARRAY_LIKE) or hasattr(item, "shape") for item in items):
        return _parse(items, shape)
    converted = [
        _index_array(item) if isinstance(item, _ARRAY_LIKE) or hasattr(item, "shape") else item for item in items
    ]
    return _parse_arrays(converted, shape, keep_mask)


_ARRAY_LIKE = (list, range, tuple, bool)


def _as_tuple(index: Any, as_array: Callable[[Any], Any]) -> tuple[Any, ...]:
    """The parts of an index that is no tuple: torch still reads some lists as one."""
    if not isinstance(index, list) or len(index) >= 32:
        return (index,)
    if not any(
        item is None or item is Ellipsis or isinstance(item, slice | list | tuple) or as_array(item) is not None
        for item in index
    ):
        return (index,)
    warnings.warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq].",
        stacklevel=4,
    )
    return tuple(index)


def _index_array(item: Any) -> Any:
    """An array, list or number that counts as an array, as an index array: integers, or a boolean mask."""
    if isinstance(item, np.integer):
        return int(item)
    array = item if hasattr(item, "shape") and hasattr(item, "dtype") else np.asarray(item)
    if isinstance(item, list | tuple | range) and array.size == 0:
        array = array.astype(np.int64)
    if array.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.", stacklevel=5
        )
        return array != 0
    if array.dtype not in (np.int64, np.int32, np.bool_):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return array


def _position(index: int, dim: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexError(out_of_bounds(index, dim, size))
    return index + size if index < 0 else index


def _taken(item: Any) -> int:
    """How many dimensions of the array an item of the index uses."""
    if item is None or item is Ellipsis:
        return 0
    dtype = getattr(item, "dtype", None)
    return item.ndim if dtype == np.bool_ else 1


def _parse(items: Sequence[Any], shape: Sequence[int]) -> Index:
    """The index without arrays of one dimension or more."""
    spec: list[Any] = []
    places: list[Any] = []
    spare = len(shape) - sum(_taken(item) for item in items)
    if spare < 0:
        if not shape:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                "convert a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    dim = 0
    basic = True
    for item in items:
        if item is None:
            spec.append("new")
        elif item is Ellipsis:
            spec.extend(["all"] * spare)
            dim, spare = dim + spare, 0
        elif isinstance(item, slice):
            step = 1 if item.step is None else operator.index(item.step)
            if step <= 0:
                raise ValueError("step must be greater than zero")
            start, stop, step = item.indices(shape[dim])
            length = len(range(start, stop, step))
            if length == shape[dim]:
                spec.append("all")
            else:
                spec.append((length, step if length > 1 else 1))
                places.append(start if length else 0)
            dim += 1
        elif getattr(item, "dtype", None) == np.bool_:
            spec.append(f"mask{item.ndim}")
            places.append(item)
            basic = False
            dim += item.ndim
        elif getattr(item, "ndim", 0):
            spec.append("index")
            places.append(item)
            basic = False
            dim += 1
        elif isinstance(item, int | np.integer):
            spec.append("at")
            places.append(_position(int(item), dim, shape[dim]))
            dim += 1
        elif hasattr(item, "dtype"):
            spec.append("at")
            places.append(item)
            dim += 1
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                f"(got {type(item).__name__})"
            )
    return Index(tuple(spec), tuple(places), basic)


def _parse_arrays(items: list[Any], shape: Sequence[int], keep_mask: bool) -> Index:
    parsed = _parse(items, shape)
    masks = [i for i, kind in enumerate(parsed.spec) if isinstance(kind, str) and kind.startswith("mask")]
    if masks or any(place is not None and np.ndim(place) for place in parsed.places):
        _check_arrays(parsed, shape)
    if not masks or (keep_mask and len(masks) == 1 and "index" not in parsed.spec):
        return parsed
    spec: list[Any] = []
    places: list[Any] = []
    left = iter(parsed.places)
    for kind in parsed.spec:
        if kind in ("all", "new"):
            spec.append(kind)
            continue
        place = next(left)
        if not (isinstance(kind, str) and kind.startswith("mask")):
            spec.append(kind)
            places.append(place)
            continue
        if isinstance(place, Tracer):
            raise RuntimeError(
                "how many elements a boolean mask selects is not known while the function is being compiled: write "
                "torch.where(mask, x, other), or assign with x[mask] = value, which needs no count"
            )
        mask = np.asarray(place)
        spec.extend(["index"] * mask.ndim if mask.ndim else ["new_index"])
        places.extend(np.nonzero(mask) if mask.ndim else [np.zeros(int(mask), np.int64)])
    return Index(tuple(spec), tuple(places), False)


def _check_arrays(parsed: Index, shape: Sequence[int]) -> None:
    """The masks have the shapes, and the integers lie within the sizes, of the dimensions that they index."""
    dim = at = 0
    left = iter(parsed.places)
    viewed = _Plan(shape, parsed.spec, parsed.places).viewed
    for kind in parsed.spec:
        place: Any = None if kind in ("all", "new") else next(left)
        if kind == "index" or (kind == "at" and hasattr(place, "dtype")):
            check_index_bounds(place, shape[dim], dim)
        elif isinstance(kind, str) and kind.startswith("mask"):
            for k, (have, want) in enumerate(zip(place.shape, shape[dim : dim + place.ndim], strict=True)):
                if have != want:
                    raise IndexError(
                        f"The shape of the mask {list(place.shape)} at index {k} does not match the shape of the "
                        f"indexed tensor {list(viewed)} at index {at + k}"
                    )
            dim += place.ndim
            at += max(place.ndim, 1)
            continue
        dim += kind != "new"
        at += kind != "at"


class _Plan:
    """What a spec means for an array of a given shape.

    Attributes:
        starts, sizes, steps: the block that the basic parts take.
        viewed: the shape of that block with its removed and new dimensions.
        arrays: the dimension of ``viewed`` that each index array starts at, its kind and the array.
    """

    def __init__(self, shape: Sequence[int], spec: Spec, places: Sequence[Any]) -> None:
        self.starts: list[Any] = [0] * len(shape)
        self.sizes = list(shape)
        self.steps = [1] * len(shape)
        self.arrays: list[tuple[int, str, Any]] = []
        viewed: list[int] = []
        left = iter(places)
        dim = 0
        for kind in spec:
            if kind == "new":
                viewed.append(1)
                continue
            if kind in ("new_index", "mask0"):
                self.arrays.append((len(viewed), kind, next(left)))
                viewed.append(1)
                continue
            if kind == "at":
                self.starts[dim], self.sizes[dim] = next(left), 1
            elif isinstance(kind, tuple):
                self.starts[dim] = next(left)
                self.sizes[dim], self.steps[dim] = kind
                viewed.append(kind[0])
            elif kind == "all":
                viewed.append(shape[dim])
            else:
                place = next(left)
                self.arrays.append((len(viewed), kind, place))
                used = 1 if kind == "index" else place.ndim
                viewed.extend(shape[dim : dim + used])
                dim += used - 1
            dim += 1
        self.viewed = (*viewed, *shape[dim:])
        self.whole = self.sizes == list(shape)

    def take(self, x: Array) -> Array:
        block = x if self.whole else take_block(x, self.starts, self.sizes, self.steps)
        return block.reshape(self.viewed)

    def put(self, x: Array, value: Array) -> Array:
        block = value.reshape(tuple(self.sizes))
        return block if self.whole else put_block(x, block, self.starts, self.steps)

    def indexes(self) -> tuple[Any, ...]:
        """The index arrays by dimension of the view, for JAX's own indexing."""
        out: list[Any] = [slice(None)] * len(self.viewed)
        for dim, _, array in self.arrays:
            out[dim] = _narrowed(array, self.viewed[dim])
        return tuple(out)


def _narrowed(index: Any, size: int) -> Array:
    return lax.convert_element_type(index, jnp.int32 if size < 2**31 else jnp.int64)


def _write(base: Array, value: Array, places: Arrays, spec: Spec) -> Array:
    return _Plan(base.shape, spec, places).put(base, value)


def _np_getitem(a: np.ndarray, places: Sequence[Any], spec: Spec) -> np.ndarray:
    index: list[Any] = []
    left = iter(places)
    for kind in spec:
        if isinstance(kind, tuple):
            (length, step), start = kind, known(next(left))
            index.append(slice(start, start + (length - 1) * step + 1 if length else start, step))
        else:
            index.append(known(next(left)) if kind == "at" else {"all": slice(None), "new": None}[kind])
    return a[(*index, ...)]


@op(where=(), view=View(write=_write, strides=_np_getitem))
def getitem(input: Array, places: Arrays, spec: Any) -> Array:
    """``input[index]`` for a basic index (numbers, slices, ``None``, ``...``): a view.

    >>> spec, places, basic = parse_index((0, slice(1, 3)), (2, 4), lambda item: None)
    >>> getitem(jnp.arange(8, dtype=jnp.int64).reshape(2, 4), places, spec)
    Array([1, 2], dtype=int64)
    """
    return _Plan(input.shape, spec, places).take(input)


@op(where=())
def index(input: Array, places: Arrays, spec: Any) -> Array:
    """``input[index]`` with integer arrays among the parts of the index: a copy."""
    plan = _Plan(input.shape, spec, places)
    return _at(plan.take(input), plan).get(mode="promise_in_bounds")


def _at(view: Array, plan: _Plan) -> Any:
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
    plan = _Plan(input.shape, spec, places)
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
    changed = at.add if accumulate else at.set
    return plan.put(input, changed(value, mode="promise_in_bounds"))


def _check_rows(a: Arguments) -> None:
    """As many rows are assigned as the mask selects."""
    plan = _Plan(a["input"].shape, a["spec"], a["places"])
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
