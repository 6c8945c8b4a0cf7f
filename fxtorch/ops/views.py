"""Views that reorder or stretch dimensions, or that take a part of an array at a stride."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.table import Array, View, op


def _order(input: Any, dims: Sequence[int]) -> tuple[int, ...]:
    if len(dims) != input.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    order = tuple(wrap_dim(d, input.ndim) for d in dims)
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return order


def _swapped(input: Any, dim0: int, dim1: int) -> Any:
    i, j = wrap_dim(dim0, input.ndim), wrap_dim(dim1, input.ndim)
    order = list(range(input.ndim))
    if order:
        order[i], order[j] = order[j], order[i]
    return input.transpose(order)


def _reversed(input: Any) -> Any:
    return input.transpose(tuple(range(input.ndim))[::-1])


def _moved(input: Any, source: Any, destination: Any) -> Any:
    source = (source,) if isinstance(source, int) else tuple(source)
    destination = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(source) != len(destination):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(source)} dims) should contain the same number of dims as destination ({list(destination)} dims)"
        )
    from_, to = ([wrap_dim(d, input.ndim) for d in dims] for dims in (source, destination))
    for what, dims in (("source", from_), ("destination", to)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({dims})")
    order = [d for d in range(input.ndim) if d not in from_]
    for t, f in sorted(zip(to, from_, strict=True)):
        order.insert(t, f)
    return input.transpose(order)


def _permute_back(base: Array, value: Array, dims: Sequence[int]) -> Array:
    return value.transpose(np.argsort(_order(base, dims)))


def _own_inverse(f: Callable[..., Any]) -> View:
    """A view that the same reordering undoes, for JAX and for NumPy arrays."""
    return View(write=lambda base, value, *args, **kwargs: f(value, *args, **kwargs), strides=f)


@op(method=True, variadic="dims", view=View(write=_permute_back, strides=lambda a, dims: a.transpose(dims)))
def permute(input: Array, dims: tuple[int, ...]) -> Array:
    """The dimensions in the order ``dims``.

    >>> permute(jnp.zeros((2, 3, 5), dtype=jnp.float32), (2, 0, 1)).shape
    (5, 2, 3)
    """
    return input.transpose(_order(input, dims))


@op(method=True, inplace=True, aliases=("swapaxes", "swapdims"), view=_own_inverse(_swapped))
def transpose(input: Array, dim0: int, dim1: int) -> Array:
    """Dimensions ``dim0`` and ``dim1`` exchanged."""
    return _swapped(input, dim0, dim1)


@op(
    method=True,
    aliases=("moveaxis",),
    view=View(write=lambda base, value, source, destination: _moved(value, destination, source), strides=_moved),
)
def movedim(input: Array, source: Any, destination: Any) -> Array:
    """The dimensions ``source`` moved to the places ``destination``, the others in their order."""
    return _moved(input, source, destination)


@op(method=True, inplace=True, view=_own_inverse(_reversed))
def t(input: Array) -> Array:
    """The transpose of a matrix; arrays of fewer dimensions as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return _reversed(input)


def _last_two(input: Any) -> Any:
    return _swapped(input, -2, -1)


def _adjoint_back(base: Array, value: Array) -> Array:
    return jnp.conj(_last_two(value))


@op(method=True, view=View(write=_adjoint_back, strides=_last_two))
def adjoint(input: Array) -> Array:
    """``x.mH``: the conjugate transpose of each matrix of a batch."""
    if input.ndim < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {input.ndim}-D tensor."
        )
    return jnp.conj(_last_two(input))


def expanded_shape(old: Sequence[int], new: Sequence[int], kind: str = "Float") -> tuple[int, ...]:
    """The shape to which ``old`` expands; -1 keeps a size.

    Raises:
        RuntimeError: with torch's words, where ``old`` does not expand to ``new``.
    """
    extra = len(new) - len(old)
    if extra < 0:
        raise RuntimeError(
            f"expand(torch.{kind}Tensor{{{list(old)}}}, size={list(new)}): the number of sizes provided ({len(new)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(old)})"
        )
    out = []
    for i, n in enumerate(new):
        have = old[i - extra] if i >= extra else 1
        if n == -1 and i < extra:
            raise RuntimeError(
                f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
            )
        if n not in (-1, have) and have != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(new)}.  Tensor sizes: {list(old)}"
            )
        out.append(have if n == -1 else n)
    return tuple(out)


def _np_expand(a: np.ndarray, size: Sequence[int], implicit: builtins.bool = False) -> np.ndarray:
    return np.broadcast_to(a, expanded_shape(a.shape, size))


def _write_repeated(base: Array, value: Array, *args: Any, **kwargs: Any) -> Array:
    """Each element of ``base`` becomes the first of its repetitions in ``value`` that differs from it."""
    if not value.size:
        return base
    shape = (1,) * (value.ndim - base.ndim) + base.shape
    repeated = tuple(i for i, n in enumerate(shape) if n != value.shape[i])
    front = tuple(range(len(repeated)))
    kept = [n for i, n in enumerate(shape) if i not in repeated]
    new = jnp.moveaxis(value, repeated, front).reshape(-1, *kept)
    old = base.reshape(kept)
    which = jnp.argmax((new != old) & ~((new != new) & (old != old)), axis=0, keepdims=True)
    return jnp.take_along_axis(new, which, axis=0).reshape(base.shape)


@op(where=(), method=True, variadic="size", view=View(write=_write_repeated, strides=_np_expand, repeats=True))
def expand(input: Array, size: tuple[int, ...], *, implicit: builtins.bool = False) -> Array:
    """Dimensions of size 1 repeated to ``size``, new ones in front; -1 keeps a size."""
    return jnp.broadcast_to(input, expanded_shape(input.shape, size))


@op(
    where=(),
    method=True,
    view=View(write=_write_repeated, strides=lambda a, other: np.broadcast_to(a, other.shape), repeats=True),
)
def expand_as(input: Array, other: Array) -> Array:
    """:func:`expand` to the shape of ``other``."""
    return jnp.broadcast_to(input, expanded_shape(input.shape, other.shape))


@op(method=True, view=View(write=_write_repeated, strides=_np_expand, repeats=True))
def broadcast_to(input: Array, size: tuple[int, ...]) -> Array:
    """:func:`expand` under NumPy's name."""
    return jnp.broadcast_to(input, expanded_shape(input.shape, size))


def scatter_back(f: Callable[..., Any]) -> Callable[..., Array]:
    """The writer of any view that takes elements: ``f`` of the positions says where the value goes."""

    def write(base: Array, value: Array, *args: Any, **kwargs: Any) -> Array:
        index = jnp.int32 if base.size < 2**31 else jnp.int64
        positions = f(lax.iota(index, base.size).reshape(base.shape), *args, **kwargs)
        flat = base.reshape(-1).at[positions.reshape(-1)].set(value.reshape(-1), mode="promise_in_bounds")
        return flat.reshape(base.shape)

    return write


def _np_diagonal(a: np.ndarray, offset: int = 0, dim1: int = 0, dim2: int = 1) -> np.ndarray:
    return a.diagonal(offset, dim1, dim2)


def _diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    i, j = wrap_dim(dim1, input.ndim), wrap_dim(dim2, input.ndim)
    if i == j:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return jnp.diagonal(input, offset, i, j)


@op(method=True, view=View(write=scatter_back(_diagonal), strides=_np_diagonal))
def diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """The diagonal of each matrix of dimensions ``dim1`` and ``dim2``, as a last dimension."""
    return _diagonal(input, offset, dim1, dim2)


@op(name="diagonal", where=("linalg",), view=View(write=scatter_back(_diagonal), strides=_np_diagonal))
def linalg_diagonal(input: Array, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """:func:`diagonal` of the last two dimensions."""
    return _diagonal(input, offset, dim1, dim2)


def _windows(input: Any, dimension: int, size: int, step: int) -> tuple[int, int]:
    """The dimension that ``unfold`` cuts, and how many windows it gives."""
    dim = wrap_dim(dimension, input.ndim)
    have = input.shape[dim] if input.ndim else 1
    if size > have:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {have} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return dim, (have - size) // step + 1


def _unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    dim, count = _windows(input, dimension, size, step)
    if input.ndim == 0:
        return input.reshape(1)[:size]
    starts = np.arange(count, dtype=np.int32)[:, None] * step + np.arange(size, dtype=np.int32)
    return jnp.moveaxis(jnp.take(input, starts, axis=dim, mode="clip"), dim + 1, -1)


def _np_unfold(a: np.ndarray, dimension: int, size: int, step: int) -> np.ndarray:
    dim, count = _windows(a, dimension, size, step)
    if a.ndim == 0:
        return a.reshape(1)[:size]
    shape = (*a.shape[:dim], count, *a.shape[dim + 1 :], size)
    strides = (*a.strides[:dim], a.strides[dim] * step, *a.strides[dim + 1 :], a.strides[dim])
    return np.lib.stride_tricks.as_strided(a, shape, strides)


@op(where=(), method=True, view=View(write=scatter_back(_unfold), strides=_np_unfold))
def unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    """Windows of ``size`` along ``dimension``, ``step`` apart: their number there, their elements last."""
    return _unfold(input, dimension, size, step)


def _as_strided(input: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Array:
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    offset = storage_offset or 0
    reach = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1
    if 0 not in size and reach > input.size:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset} are out of bounds for "
            f"storage of size {input.size}"
        )
    index = jnp.full((), offset, dtype=jnp.int64)
    for n, s in zip(size, stride, strict=True):
        index = index[..., None] + lax.iota(jnp.int64, n) * s
    return jnp.take(input.reshape(-1), index, mode="clip")


def _np_as_strided(
    a: np.ndarray, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> np.ndarray:
    flat = np.lib.stride_tricks.as_strided(a, (a.size,), (a.itemsize,))[storage_offset or 0 :]
    return np.lib.stride_tricks.as_strided(flat, size, [s * a.itemsize for s in stride])


@op(method=True, inplace=True, view=View(write=scatter_back(_as_strided), strides=_np_as_strided))
def as_strided(
    input: Array, size: tuple[int, ...], stride: tuple[int, ...], storage_offset: int | None = None
) -> Array:
    """The elements of ``input``, taken as one row, at ``storage_offset + index . stride``.

    Raises:
        RuntimeError: it reaches beyond the last element.
    """
    return _as_strided(input, size, stride, storage_offset)
