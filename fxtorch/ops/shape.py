"""Views that only regroup dimensions: reshape and its family, squeeze and unsqueeze, and the identity views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import wrap_dim, wrap_dims
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


def _bits_back(base: Array, value: Array, shape: Any) -> Array:
    return value.reshape(base.shape) if isinstance(shape, tuple) else view(value, base.dtype)


def _regrouped(name: str) -> View:
    """The view of the operator ``name`` of this file; being only a reshape, it serves NumPy arrays as it is."""
    return View(write=_reshape_back, strides=lambda a, *args, **kwargs: globals()[name](a, *args, **kwargs))


def _identity_back(base: Array, value: Array, *args: Any, **kwargs: Any) -> Array:
    return value


SAME = View(write=_identity_back)


@op(view=_regrouped("reshape"), method=True, variadic="shape")
def reshape(input: Array, shape: tuple[int, ...]) -> Array:
    """The same elements, in row-major order, in another shape; one size may be -1.

    >>> reshape(jnp.arange(6, dtype=jnp.int64), (2, -1)).shape
    (2, 3)

    Raises:
        RuntimeError: the shape does not fit.
    """
    return reshape_to(input, shape)


@op(where=(), method=True, view=View(write=_bits_back), variadic="size")
def view(input: Array, size: Any) -> Array:
    """:func:`reshape`, or with a dtype instead of sizes: the same bytes read as that dtype."""
    if isinstance(size, tuple | list):
        return reshape_to(input, size)
    dtype = np.dtype(size)
    old, new = input.dtype.itemsize, dtype.itemsize
    if old == new:
        return lax.bitcast_convert_type(input, dtype)
    if input.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to view {input.dtype} as {dtype} (different element sizes)")
    last = input.shape[-1]
    if new > old:
        if last * old % new:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {new // old} to view {input.dtype} as {dtype} "
                f"(different element sizes), but got {last}"
            )
        return lax.bitcast_convert_type(input.reshape(*input.shape[:-1], -1, new // old), dtype)
    return lax.bitcast_convert_type(input, dtype).reshape(*input.shape[:-1], last * old // new)


@op(where=(), method=True, view=_regrouped("view_as"))
def view_as(input: Array, other: Array) -> Array:
    """:func:`view` in the shape of ``other``."""
    return reshape_to(input, other.shape)


@op(where=(), method=True, view=_regrouped("reshape_as"))
def reshape_as(input: Array, other: Array) -> Array:
    """:func:`reshape` to the shape of ``other``."""
    return reshape_to(input, other.shape)


@op(method=True, view=_regrouped("flatten"))
def flatten(input: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """The dimensions from ``start_dim`` to ``end_dim`` made one; a 0-dim array becomes 1-dim."""
    start, end = wrap_dim(start_dim, input.ndim), wrap_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return input.reshape((*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@op(method=True, view=_regrouped("ravel"))
def ravel(input: Array) -> Array:
    """All elements in one dimension."""
    return input.reshape(-1)


@op(method=True, view=_regrouped("unflatten"))
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


@op(method=True, inplace=True, view=SAME, differentiable=False)
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
    if jnp.issubdtype(input.dtype, jnp.complexfloating) and not jnp.issubdtype(dtype, jnp.complexfloating):
        input = input != 0 if dtype == np.bool_ else jnp.real(input)
    return lax.convert_element_type(input, dtype)
