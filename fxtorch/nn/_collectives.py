"""What layers say to their copies in other processes; ``fxtorch.distributed``, above this room, gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from fxtorch.tensor import Tensor


class Collectives(Protocol):
    """What the processes say to one another."""

    def size(self, group: Any) -> int:
        """How many processes; 1 where one program runs over all of them already."""
        ...

    def started(self) -> bool:
        """Whether the processes know of one another."""
        ...

    def average(self, tensors: Sequence[Tensor], group: Any) -> None:
        """Put the mean over all processes into each Tensor."""

    def from_first(self, tensors: Sequence[Tensor], group: Any) -> None:
        """Put the first process's values into each Tensor."""

    def total(self, tensor: Tensor, group: Any) -> Tensor:
        """The sum over all processes."""
        ...

    def alike(self, value: str, group: Any) -> bool:
        """Whether ``value`` is the same in all processes."""
        ...


_given: list[Collectives] = []


def set_collectives(collectives: Collectives) -> None:
    """Set what carries values between processes."""
    _given[:] = [collectives]


def collectives() -> Collectives:
    """What carries values between processes."""
    return _given[0]
