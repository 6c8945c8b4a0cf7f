"""Small things that layers share: a number that stands for one per dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def ntuple(value: Any, n: int) -> tuple[Any, ...]:
    """``value`` as a tuple: as it is where it is iterable, else ``n`` times.

    >>> ntuple(3, 2), ntuple([1, 2], 2)
    ((3, 3), (1, 2))
    """
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """:func:`ntuple` for one ``n``, as torch has it."""

    def parse(value: Any) -> tuple[Any, ...]:
        return ntuple(value, n)

    parse.__name__ = name
    return parse


def _single(value: Any) -> tuple[Any, ...]:
    return ntuple(value, 1)


def _pair(value: Any) -> tuple[Any, ...]:
    return ntuple(value, 2)


def _triple(value: Any) -> tuple[Any, ...]:
    return ntuple(value, 3)


def _quadruple(value: Any) -> tuple[Any, ...]:
    return ntuple(value, 4)


def _reverse_repeat_tuple(t: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """The values from the last to the first, each ``n`` times."""
    return tuple(x for x in reversed(t) for _ in range(n))


def per_side(padding: tuple[int, ...]) -> tuple[int, ...]:
    """Padding a dimension as ``F.pad`` wants it: the last dimension first, each twice.

    >>> per_side((1, 2))
    (2, 2, 1, 1)
    """
    return _reverse_repeat_tuple(padding, 2)
