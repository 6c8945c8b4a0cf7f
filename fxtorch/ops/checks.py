"""Argument checks that many operators share; they raise torch's class with torch's words."""

from __future__ import annotations

from collections.abc import Sequence


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
        RuntimeError: one appears twice.
    """
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = tuple(wrap_dim(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim))
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(d for d in dims if d < ndim)


def check_broadcast(a: Sequence[int], b: Sequence[int]) -> None:
    """Raise torch's error where shapes ``a`` and ``b`` do not broadcast together."""
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            raise RuntimeError(
                f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) "
                f"at non-singleton dimension {max(len(a), len(b)) - i}"
            )
