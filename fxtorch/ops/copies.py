"""Views as copies, and splits whose parts share nothing."""

from __future__ import annotations

from typing import Any

from fxtorch.ops import complex as of_complex
from fxtorch.ops import shape, slicing
from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.table import Array, Out, op


@op(out=True)
def alias_copy(input: Array) -> Array:
    """A copy."""
    return shape.alias(input)


@op(method=True, out=Out(typed=True))
def narrow_copy(input: Array, dim: int, start: int, length: int) -> Array:
    """:func:`narrow` as a copy.

    Raises:
        RuntimeError: there is no dimension ``dim`` from the front.
    """
    if dim >= max(input.ndim, 1):
        raise RuntimeError(f"narrow_copy(): expected dim < {input.ndim}, but got {dim}")
    return slicing.narrow(input, dim, start, length)


@op(out=True)
def slice_copy(input: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    """``input[start:end:step]`` of dimension ``dim``, as a copy.

    Raises:
        IndexError: the input has no dimension.
        RuntimeError: ``step`` is not positive.
    """
    if input.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    d = wrap_dim(dim, input.ndim)
    return input[(slice(None),) * d + (slice(start, end, step),)]


@op(out=True)
def view_as_real_copy(input: Array) -> Array:
    """:func:`view_as_real` as a copy."""
    return of_complex.view_as_real(input)


@op(out=True)
def view_as_complex_copy(input: Array) -> Array:
    """:func:`view_as_complex` as a copy."""
    return of_complex.view_as_complex(input)


@op(method=True)
def unsafe_chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """:func:`chunk`, the parts being copies."""
    return slicing.chunk(input, chunks, dim)


@op(method=True)
def unsafe_split(tensor: Array, split_size: Any, dim: int = 0) -> tuple[Array, ...]:
    """:func:`split`, the parts being copies."""
    return slicing.split(tensor, split_size, dim)


@op(method=True)
def unsafe_split_with_sizes(input: Array, split_sizes: tuple[int, ...], dim: int = 0) -> tuple[Array, ...]:
    """:func:`split_with_sizes`, the parts being copies."""
    return slicing.split_with_sizes(input, split_sizes, dim)
