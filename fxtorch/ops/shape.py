"""Views that only regroup dimensions: reshape and its family, squeeze and unsqueeze, and the identity views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import wrap_dim, wrap_dims
from fxtorch.ops.dtypes import cast, is_complex, plain_of
from fxtorch.ops.table import Array, View, op


def infer_shape(shape: Sequence[int], numel: int) -> tuple[int, ...]:
    """``shape`` with its -1 replaced by what ``numel`` elements leave.

    >>> infer_shape((2, -1), 12)
    (2, 6)

    Raises:
        RuntimeError: the shape does not hold ``numel`` elements, or the -1 is ambiguous.
    """
    shape = tuple(shape)
    free = None
    known = 1
    for i, n in enumerate(shape):
        if n == -1:
            if free is not None:
                raise RuntimeError("only one dimension can be inferred")
            free = i
        elif n < 0:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
        else:
            known *= n
    if free is None and known == numel:
        return shape
    if free is not None and known == 0 and numel == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
        )
    if free is None or known == 0 or numel % known:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return (*shape[:free], numel // known, *shape[free + 1 :])


def reshape_to(input: Any, shape: Sequence[int]) -> Any:
    """``input`` (a JAX or a NumPy array) in another shape of as many elements, with torch's errors."""
    return input.reshape(infer_shape(shape, input.size))


def _reshape_back(base: Array, value: Array, *args: Any, **kwargs: Any) -> Array:
    return value.reshape(base.shape)


def _type_of(size: Any) -> np.dtype | None:
    """The dtype that ``view`` was given instead of sizes, in whatever wrapping."""
    only = size[0] if isinstance(size, tuple | list) and len(size) == 1 else size
    only = getattr(only, "np", only)  # a view remembers torch.dtype itself
    return only if isinstance(only, np.dtype) else None


def _bits_back(base: Array, value: Array, size: Any) -> Array:
    return value.reshape(base.shape) if _type_of(size) is None else view(value, base.dtype)


class _Regrouped(np.ndarray):
    """A NumPy array that takes another shape only where that needs no copy."""

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self.view(np.ndarray), shape[0] if len(shape) == 1 else shape, copy=False)


def _regrouped(name: str, otherwise: Literal["copy", "raise"] | None = None) -> View:
    """The view that the operator ``name`` of this file is; being only a reshape, it serves NumPy arrays as it is."""

    def strides(a: np.ndarray, *args: Any, **kwargs: Any) -> np.ndarray | None:
        if otherwise is None:
            return globals()[name](a, *args, **kwargs)
        try:
            return globals()[name](a.view(_Regrouped), *args, **kwargs)
        except ValueError:
            return None

    return View(write=_reshape_back, strides=strides, otherwise=otherwise)


def _identity_back(base: Array, value: Array, *args: Any, **kwargs: Any) -> Array:
    return value


def _np_view(a: np.ndarray, size: Any) -> np.ndarray | None:
    dtype, sizes = _type_of(size), size if isinstance(size, tuple | list) else (size,)
    try:
        if dtype is not None:
            return a.view(plain_of(dtype))
        return np.reshape(a, infer_shape([int(n) for n in sizes], a.size), copy=False)
    except ValueError:
        return None


SAME = View(write=_identity_back)


@op(view=_regrouped("reshape", "copy"), method=True, variadic="shape")
def reshape(input: Array, shape: tuple[int, ...]) -> Array:
    """The same elements, in row-major order, in another shape; one size may be -1.

    >>> reshape(jnp.arange(6, dtype=jnp.int64), (2, -1)).shape
    (2, 3)

    Raises:
        RuntimeError: the shape does not fit.
    """
    return reshape_to(input, shape)


@op(where=(), method=True, view=View(write=_bits_back, strides=_np_view, otherwise="raise"), variadic="size")
def view(input: Array, size: Any) -> Array:
    """:func:`reshape`, or with a dtype instead of sizes: the same bytes read as that dtype."""
    dtype = _type_of(size)
    if dtype is None:
        return reshape_to(input, size)
    old, new = input.dtype.itemsize, dtype.itemsize
    if old == new:
        composed = _is_composed(dtype) or _is_composed(input.dtype)
        return input.view(dtype) if composed else lax.bitcast_convert_type(input, dtype)
    if input.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to view {input.dtype} as {dtype} (different element sizes)")
    last = input.shape[-1]
    if new > old:
        if last * old % new:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {new // old} to view {input.dtype} as {dtype} "
                f"(different element sizes), but got {last}"
            )
        if _is_composed(dtype) or _is_composed(input.dtype):
            return input.view(dtype)
        return lax.bitcast_convert_type(input.reshape(*input.shape[:-1], -1, new // old), dtype)
    if _is_composed(dtype) or _is_composed(input.dtype):
        return input.view(dtype)
    return lax.bitcast_convert_type(input, dtype).reshape(*input.shape[:-1], last * old // new)


def _is_composed(dtype: Any) -> bool:
    """Whether XLA has no bits of it to show: of truth values and complex numbers it has none."""
    return dtype == np.bool_ or jnp.issubdtype(dtype, jnp.complexfloating)


@op(where=(), method=True, view=_regrouped("view_as", "raise"))
def view_as(input: Array, other: Array) -> Array:
    """:func:`view` in the shape of ``other``."""
    return reshape_to(input, other.shape)


@op(where=(), method=True, view=_regrouped("reshape_as", "copy"))
def reshape_as(input: Array, other: Array) -> Array:
    """:func:`reshape` to the shape of ``other``."""
    return reshape_to(input, other.shape)


@op(method=True, view=_regrouped("flatten", "copy"))
def flatten(input: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """The dimensions from ``start_dim`` to ``end_dim`` made one; a 0-dim array becomes 1-dim."""
    start, end = wrap_dim(start_dim, input.ndim), wrap_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return input.reshape((*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@op(method=True, view=_regrouped("ravel", "copy"))
def ravel(input: Array) -> Array:
    """All elements in one dimension."""
    return input.reshape(-1)


@op(method=True, view=_regrouped("unflatten", "raise"))
def unflatten(input: Array, dim: int, sizes: tuple[int, ...]) -> Array:
    """The dimension ``dim`` split into ``sizes``; one of them may be -1."""
    dim = wrap_dim(dim, input.ndim)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    size = input.shape[dim]
    try:
        inner = infer_shape(sizes, size)
    except RuntimeError as error:
        if "is invalid" not in str(error):
            raise
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({size}) "
            "in the input tensor"
        ) from None
    return input.reshape((*input.shape[:dim], *inner, *input.shape[dim + 1 :]))


@op(method=True, inplace=True, view=_regrouped("squeeze"))
def squeeze(input: Array, dim: int | tuple[int, ...] | None = None) -> Array:
    """Without its dimensions of size 1, or without those of ``dim`` that have size 1."""
    chosen = range(input.ndim) if dim is None else wrap_dims(dim, input.ndim) if dim != () else ()
    return input.reshape(tuple(n for i, n in enumerate(input.shape) if n != 1 or i not in chosen))


@op(method=True, inplace=True, view=_regrouped("unsqueeze"))
def unsqueeze(input: Array, dim: int) -> Array:
    """With a new dimension of size 1 at ``dim``."""
    dim = wrap_dim(dim, input.ndim + 1)
    return input.reshape((*input.shape[:dim], 1, *input.shape[dim:]))


@op(method=True, view=SAME, differentiable=False)
def detach(input: Array) -> Array:
    """The same values, which carry no gradient."""
    return lax.stop_gradient(input)


@op(where=(), view=SAME)
def alias(input: Array) -> Array:
    """The same values under another handle: ``x[...]``."""
    return input


@op(method=True)
def clone(input: Array, *, memory_format: Any = None) -> Array:
    """A copy with its own memory."""
    return jnp.copy(input)


@op(where=(), method=True)
def contiguous(input: Array, *, memory_format: Any = None) -> Array:
    """The values in row-major order; arrays always are."""
    return input


@op(where=())
def to_dtype(input: Array, dtype: Any) -> Array:
    """``input`` cast to ``dtype``: what ``Tensor.to``, ``float``, ``long`` and the other casts call."""
    return input != 0 if dtype == np.bool_ and is_complex(input.dtype) else cast(input, dtype)
