"""torch.Size."""

from __future__ import annotations

import math
from typing import overload


class Size(tuple[int, ...]):
    """The shape of a Tensor: a tuple of ints.

    >>> Size([2, 3]).numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements a Tensor of this shape has."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    @overload
    def __getitem__(self, index: slice, /) -> Size: ...
    @overload
    def __getitem__(self, index: int, /) -> int: ...
    def __getitem__(self, index, /):
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: tuple[int, ...], /) -> Size:
        return Size(tuple.__add__(self, tuple(other)))
