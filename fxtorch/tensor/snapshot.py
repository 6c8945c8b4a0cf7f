"""A Tensor as it was before a trace touched it."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor.tensor import Tensor

_PLACE = (("_rg", False), ("_node", None), ("_index", 0))


class Snapshot:
    """What is put back when the trace ends.

    Attributes:
        tensor: the Tensor.
        attributes: what it had.
        array: its values, or what the trace gave it in their place.

    >>> import fxtorch as torch
    >>> w = torch.ones(2)
    >>> before = Snapshot(w)
    >>> w.add_(1).requires_grad_()
    tensor([2., 2.], requires_grad=True)
    >>> before.restore()
    >>> w
    tensor([1., 1.])
    """

    __slots__ = ("_cell", "_seen", "array", "attributes", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.array: Any = tensor._data  # first: a compiled step may hold it
        self.attributes = dict(tensor.__dict__)
        self._cell = None if tensor._cell is None else list(tensor._cell)
        self._seen = None if tensor._link is None else tensor._link.seen

    def restore(self) -> None:
        """Make the Tensor what it was."""
        t = self.tensor
        t.__dict__.clear()
        t.__dict__.update(self.attributes)
        if self._cell is not None:
            t._cell[:] = self._cell  # type: ignore[index]
        if self._seen is not None:
            t._link.seen = self._seen  # type: ignore[union-attr]

    def let_stand(self) -> None:
        """Keep a new value, but the Tensor's place in the graph as it was."""
        t = self.tensor
        if t._data is self.array:
            t._data = self.attributes["_data"]
        t._rg, t._node, t._index = (self.attributes.get(key, default) for key, default in _PLACE)
