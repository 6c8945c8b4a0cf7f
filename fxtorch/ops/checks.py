"""Argument checks that many operators share; they raise torch's class with torch's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.core import Tracer


class ValuesUnknown(RuntimeError):
    """An operator, or Python, needs values that a trace hides."""


def wrap_dim(dim: int, ndim: int) -> int:
    """``dim`` counted from the front; a 0-dim array counts as having one dimension.

    >>> wrap_dim(-1, 3)
    2

    Raises:
        IndexError: ``dim`` is not in ``[-ndim, ndim - 1]``.
    """
    span = max(ndim, 1)
    if not -span <= dim < span:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {dim})")
    return dim % span


def wrap_dims(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce over, counted from the front; ``None`` and ``()`` mean all.

    Raises:
        IndexError: one is out of range.
        RuntimeError: one appears twice, or there are more than torch's 64 dimensions.
    """
    if ndim > 64:
        raise RuntimeError(f"only tensors with up to 64 dims are supported, got {ndim}")
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = tuple(wrap_dim(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim))
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(d for d in dims if d < ndim)


def check_broadcast(*shapes: Sequence[int]) -> None:
    """Raise torch's error where ``shapes`` do not broadcast together.

    Raises:
        RuntimeError: two of them differ in a dimension where neither is 1.
    """
    joint: tuple[int, ...] = ()
    for shape in shapes:
        for i in range(1, min(len(joint), len(shape)) + 1):
            if joint[-i] != shape[-i] and 1 not in (joint[-i], shape[-i]):
                raise RuntimeError(
                    f"The size of tensor a ({joint[-i]}) must match the size of tensor b ({shape[-i]}) "
                    f"at non-singleton dimension {max(len(joint), len(shape)) - i}"
                )
        longer, shorter = (joint, tuple(shape)) if len(joint) >= len(shape) else (tuple(shape), joint)
        shorter = (1,) * (len(longer) - len(shorter)) + shorter
        joint = tuple(b if a == 1 else a for a, b in zip(longer, shorter, strict=True))


def check_concrete(name: str, instead: str, *arrays: Any) -> None:
    """Raise where an operator needs the values of ``arrays`` and a trace hides them.

    Args:
        name: the operator.
        instead: what to write under a trace.
        *arrays: what must be known.

    Raises:
        ValuesUnknown: one of them is traced.
    """
    if any(isinstance(x, Tracer) for x in arrays):
        raise ValuesUnknown(
            f"{name}: the result depends on values that are not known while a function is traced "
            f"(jit, vmap, grad); {instead}"
        )


def check_subtraction(dtype: Any) -> None:
    """Raise where ``dtype`` has no minus."""
    if dtype == "bool":
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
