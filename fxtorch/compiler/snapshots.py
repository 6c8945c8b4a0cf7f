"""What was there before a trace, and is put back after it."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import Tensor


class Snapshot:
    """A Tensor as it was before the trace touched it."""

    __slots__ = ("attributes", "cell", "seen", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.attributes = dict(tensor.__dict__)
        self.cell = None if tensor._cell is None else list(tensor._cell)
        self.seen = None if tensor._link is None else tensor._link.seen

    def restore(self) -> None:
        """Put everything back."""
        t = self.tensor
        t.__dict__.clear()
        t.__dict__.update(self.attributes)
        if self.cell is not None:
            t._cell[:] = self.cell  # type: ignore[index]
        if self.seen is not None:
            t._link.seen = self.seen  # type: ignore[union-attr]


class Contents:
    """A dictionary of an optimizer's, and what was in it before the trace."""

    __slots__ = ("before", "table")

    def __init__(self, table: dict[Any, Any], *, empty: bool = False) -> None:
        self.table = table
        self.before: dict[Any, Any] = {}
        if not empty:
            self.look()

    def look(self) -> None:
        """Take what is there now as what was there before."""
        self.before = dict(self.table)
