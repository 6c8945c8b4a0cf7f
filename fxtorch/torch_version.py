"""torch.torch_version: a version that is compared number by number, with text or with tuples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["TorchVersion"]

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(?:[._-]?(a|alpha|b|beta|c|rc|pre|preview|dev)[._-]?(\d*))?")
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3, "": 4}


class TorchVersion(str):
    """Text that is ordered as versions are (PEP 440, without its local part).

    >>> v = TorchVersion("2.13.0+cpu")
    >>> v >= "2.2", v >= (2, 13), v < "2.13.1", v == "2.13.0+cpu", v > "2.13.0rc1"
    (True, True, True, True, True)
    """

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _key(self) < _key(other)

    def __le__(self, other: Any) -> bool:
        return _key(self) <= _key(other)

    def __gt__(self, other: Any) -> bool:
        return _key(self) > _key(other)

    def __ge__(self, other: Any) -> bool:
        return _key(self) >= _key(other)

    def __eq__(self, other: object) -> bool:
        return _key(self) == _key(other) if isinstance(other, tuple | list) else str.__eq__(self, str(other))

    __hash__ = str.__hash__


def _key(version: Any) -> tuple[tuple[int, ...], int, int]:
    """What versions are ordered by: the numbers without zeros at their end, the stage, and its number."""
    if not isinstance(version, str):
        if not isinstance(version, Iterable):
            raise TypeError(f"cannot compare a version with {type(version).__name__}")
        version = ".".join(str(part) for part in version)
    found = _RELEASE.match(version)
    if found is None:
        raise ValueError(f"Invalid version: '{version}'")
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), _STAGES[found[2] or ""], int(found[3] or 0)
