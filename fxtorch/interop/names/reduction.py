"""``torch.nn._reduction``: how losses are reduced, by torch's numbers and in the words of old."""

from __future__ import annotations

_NUMBERS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction: str) -> int:
    """torch's number for a reduction.

    >>> get_enum("sum")
    2

    Raises:
        ValueError: there is no such reduction.
    """
    if reduction not in _NUMBERS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return _NUMBERS[reduction]


def legacy_get_string(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> str:
    """The reduction that the two flags of old meant.

    >>> legacy_get_string(False, None)
    'sum'
    """
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def legacy_get_enum(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> int:
    """The number of :func:`legacy_get_string`."""
    return get_enum(legacy_get_string(size_average, reduce))
