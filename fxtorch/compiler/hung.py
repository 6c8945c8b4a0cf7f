"""What programs hang on Tensors: attributes that are not PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fxtorch.compiler import errors
from fxtorch.compiler.guards import ABSENT
from fxtorch.tensor import Tensor
from fxtorch.tensor.pytree import user_attributes


def hung_on(tensor: Tensor) -> dict[str, Any]:
    """The user's attributes of a Tensor.

    >>> import fxtorch as torch
    >>> x = torch.ones(2)
    >>> x.factor = 2.0
    >>> hung_on(x)
    {'factor': 2.0}
    """
    own = tensor.__dict__
    return user_attributes(tensor) | ({"name": own["name"]} if "name" in own else {})


class Hung:
    """The Tensors that one trace meets, and what was hung on them when it did."""

    def __init__(self) -> None:
        self._tensors: dict[int, tuple[Tensor, dict[str, Any], str]] = {}
        self._arguments: list[tuple[int, Tensor, dict[str, Any]]] = []

    def met(self, tensor: Tensor, name: str) -> dict[str, Any]:
        """A Tensor from outside is met; what hangs on it, the first time."""
        if id(tensor) in self._tensors:
            return {}
        hung = hung_on(tensor)
        self._tensors[id(tensor)] = tensor, hung, name
        return hung

    def argument(self, position: int, stand_in: Tensor) -> dict[str, Any]:
        """A Tensor stands for an argument; what hangs on it."""
        hung = hung_on(stand_in)
        self._arguments.append((position, stand_in, hung))
        return hung

    def of_tensors(self) -> Iterator[tuple[Tensor, str, str]]:
        """The Tensors and each attribute of theirs, with a name, at the end of the trace.

        Raises:
            NotCompilable: the function has set one.
        """
        for tensor, before, name in list(self._tensors.values()):
            for key in _unchanged(tensor, before, name):
                yield tensor, key, name

    def of_arguments(self) -> Iterator[tuple[int, str, Any]]:
        """The same of the arguments: their positions, the attributes and what they are; they are forgotten.

        Raises:
            NotCompilable: the function has set one.
        """
        for position, stand_in, before in self._arguments:
            for key in _unchanged(stand_in, before, f"argument {position}"):
                yield position, key, before[key]
        self._arguments.clear()


def _unchanged(tensor: Tensor, before: dict[str, Any], name: str) -> list[str]:
    """What is hung on a Tensor, all of which was before.

    Raises:
        NotCompilable: it is something else.
    """
    now = hung_on(tensor)
    for key in {*before, *now}:
        if now.get(key, ABSENT) is not before.get(key, ABSENT):
            raise errors.NotCompilable(
                f"it sets the attribute {key!r} of the Tensor {name}, which a program would do only while it is "
                "traced; keep it in an object or a Module"
            )
    return list(before)
