"""Where a compiled program finds its state at each call.

A piece of state is named by where it lives, never by the array it holds: two Tensors may share an array, and a gradient
is another Tensor after each backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from fxtorch.compiler.places import Place
from fxtorch.tensor import Tensor, unwrap
from fxtorch.tensor.tape import Node


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
    """A Tensor at a place that the function assigns to, an attribute of a module, say; or in a structure there.

    Attributes:
        place: where.
        number: which of the Tensors there.
        name: what the place is called.
    """

    place: Place
    number: int
    name: str

    def find(self, arguments: Sequence[Any]) -> Tensor:
        """The Tensor that is there now."""
        return jax.tree.leaves(self.place.get(), is_leaf=_is_tensor)[self.number]

    @property
    def identity(self) -> Any:
        """What tells two references apart."""
        return ("entry", self.place.identity, self.number)


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


Reference = Held | Argument | Gradient | Entry


class Scalar:
    """A number (or a tuple of numbers) in a dictionary, read anew at each call."""

    __slots__ = ("key", "owner")

    def __init__(self, owner: dict[Any, Any], key: Any) -> None:
        self.owner = owner
        self.key = key

    def read(self) -> Any:
        """The number now, as an array or Python number."""
        return self.owner[self.key]


class Input(Node):
    """Stands in a trace for the eager graph behind a Tensor from outside: a backward inside ends here, for now.

    Args:
        owner: the Tensor; once the program has run, the eager graph is walked on from it.
    """

    __slots__ = ("ct", "owner", "retained")

    def __init__(self, owner: Held | Argument) -> None:
        super().__init__("input", [], [])
        self.owner = owner
        self.ct: Any = None
        self.retained = True

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Keep the cotangent."""
        self.ct = cts[0] if self.ct is None else self.ct + cts[0]
        return ()

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Keep the values of the cotangent."""
        assert cts[0] is not None
        self.pull([unwrap(cts[0])])
        return ()

    def release(self) -> None:
        """Note that the walk was to free what it used."""
        self.retained = False
