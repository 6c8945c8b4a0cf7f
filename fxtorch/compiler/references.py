"""Where a compiled program finds its state at each call.

A piece of state is named by where it lives, never by the array it holds: two Tensors may share an array, and a gradient
is another Tensor after each backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fxtorch.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Held:
    """A Tensor that existed before the call: a parameter, a buffer, optimizer state, a generator's key."""

    tensor: Tensor

    def find(self, arguments: Sequence[Any]) -> Tensor:
        """The Tensor."""
        return self.tensor

    @property
    def identity(self) -> Any:
        """What tells two references apart."""
        return id(self.tensor)


@dataclass(frozen=True, eq=False)
class Argument:
    """A Tensor among the arguments, by its position in the flattened arguments."""

    position: int

    def find(self, arguments: Sequence[Any]) -> Tensor:
        """The Tensor."""
        return arguments[self.position]

    @property
    def identity(self) -> Any:
        """What tells two references apart."""
        return ("argument", self.position)


@dataclass(frozen=True, eq=False)
class Gradient:
    """The ``.grad`` of a Tensor."""

    of: Held | Argument

    def find(self, arguments: Sequence[Any]) -> Tensor:
        """The gradient, which the program's guards know to exist."""
        grad = self.of.find(arguments)._grad
        assert grad is not None
        return grad

    @property
    def identity(self) -> Any:
        """What tells two references apart."""
        return ("grad", self.of.identity)


@dataclass(frozen=True, eq=False)
class Entry:
    """A Tensor in a dictionary that the function assigns to: an attribute of a module, say."""

    table: dict[str, Any]
    key: str

    def find(self, arguments: Sequence[Any]) -> Tensor:
        """The Tensor that is there now."""
        return self.table[self.key]

    @property
    def identity(self) -> Any:
        """What tells two references apart."""
        return ("entry", id(self.table), self.key)


Reference = Held | Argument | Gradient | Entry
