"""Views: Tensors that share memory with a base, as in torch.

A view keeps its own array, and a Link to the Tensor it was taken of.  Base and views share one counter of changes: a
view whose count is behind reads itself anew from its base; a view that is changed writes itself into its base.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

from jax import lax
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.ops.table import Op, Param
from fxtorch.tensor.layout import layout
from fxtorch.tensor.modes import modes
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.structure import structure
from fxtorch.tensor.tensor import Tensor, made, unwrap, wrap


class Link:
    """How a view is read from its parent and written back to it.

    Attributes:
        parent: the Tensor it was taken of.
        operator: the view operator; None for an alias.
        args: the operator's arguments after the parent.
        index: which result it is, for an operator with several.
        quiet: whether torch's version counter does not see its changes (``.data`` and views of it).
        detached: whether it is outside of the parent's graph.
        recorded: whether gradients were recorded when it was made.
        cell: the counts of changes that it shares with its parent.
        born: the count of changes when it was made.
        seen: the count of changes that its array reflects.
    """

    __slots__ = ("_parent", "args", "born", "cell", "detached", "index", "operator", "quiet", "recorded", "seen")

    def __init__(
        self, parent: Tensor, operator: Operator | None, args: Sequence[Any], index: int | None, cell: list[Any]
    ) -> None:
        self._parent = parent
        self.operator = operator
        self.args = args
        self.index = index
        self.detached = operator is None
        self.recorded = modes.grad
        self.quiet = parent._link is not None and parent._link.quiet
        self.cell = cell
        self.born = self.seen = cell[0]

    @property
    def parent(self) -> Tensor:
        """The Tensor it was taken of, or what keeps that one's memory since it was given other memory."""
        for left, keeper, count in self.cell[2:]:
            if left is self._parent and self.born <= count:
                self._parent = keeper
        return self._parent

    def of(self, parent: Tensor, cell: list[Any]) -> Link:
        """The same view, of another parent."""
        twin = copy.copy(self)
        twin._parent, twin.cell = parent, cell
        twin.born = twin.seen = cell[0]
        return twin

    def read(self, view: Tensor) -> None:
        """Bring ``view`` up to date with its parent."""
        array = unwrap(self.parent)
        if self.operator is None:
            view._data = _outside(array)
        else:
            before = modes.grad
            modes.grad = self.recorded
            try:
                fresh = self.operator(self.parent, *self.args)
            finally:
                modes.grad = before
            if self.index is not None:
                fresh = fresh[self.index]
            view._data = fresh._data
            if fresh._rg or not (view._rg and view._node is None):  # it may be a leaf, its base in no graph
                view._node, view._index, view._rg = fresh._node, fresh._index, fresh._rg
            if "_tangent" in fresh.__dict__:
                modes.forward.give(view, fresh.__dict__["_tangent"])
        self.seen = view._cell[0]  # type: ignore[index]

    def write(self, view: Tensor) -> None:
        """Put the new values of ``view`` into its parent; the version, which they share, has been counted."""
        parent, operator = self.parent, self.operator
        if operator is None:
            before = modes.grad
            modes.grad = False  # also where the parent is a view in the graph: what is above it changes outside of it
            try:
                parent._rebind(view._data, versioned=False)
            finally:
                modes.grad = before
            self.seen = view._cell[0]  # type: ignore[index]
            return
        value = wrap(view._data)
        if modes.grad and view._node is not None:
            value._rg, value._node, value._index = view._rg, view._node, view._index
        if modes.forward is not None:
            modes.forward.give(value, view.__dict__.get("_tangent"))
        whole = writer(operator)(parent, value, *self.args, *(() if self.index is None else (self.index,)))
        if modes.forward is not None:
            modes.forward.give(parent, whole.__dict__.get("_tangent"))
        parent._rebind(whole._data, whole._node, whole._index, versioned=False)
        recorded = whole._node is not None
        assert operator.op.view is not None
        afresh = recorded or operator.op.view.repeats  # what was written to one element shows in others
        self.seen = -1 if afresh else view._cell[0]  # type: ignore[index]


_writers: dict[Operator, Operator] = {}


def writer(operator: Operator) -> Operator:
    """The operator ``(base, value, *args) -> base with the viewed region replaced``."""
    found = _writers.get(operator)
    if found is None:
        op = operator.op
        assert op.view is not None
        params = [op.params[0], Param("value", "array", False, None), *op.params[1:]]
        if _has_index(op):
            params.append(Param("index", "static", True, None))
        found = Operator(
            dataclasses.replace(op, name=f"{operator.name}_write", fn=op.view.write, params=tuple(params), view=None)
        )
        _writers[operator] = found
    return found


def _has_index(op: Op) -> bool:
    return (
        op.view is not None
        and "index"
        in op.view.write.__code__.co_varnames[
            op.view.write.__code__.co_argcount : op.view.write.__code__.co_argcount
            + op.view.write.__code__.co_kwonlyargcount
        ]
    )


def link(operator: Operator, args: Sequence[Any], out: Any) -> None:
    """Note that the results of a view operator share memory with its first argument."""
    parent = args[0]
    if parent._link is not None and not _possible(operator, parent, args[1:]):
        return
    cell = parent._cell
    if cell is None:
        cell = parent._cell = [0, 0]
    # others (of view_as) count as they are now: they may themselves come to show this memory
    rest = [wrap(unwrap(a)) if isinstance(a, Tensor) and modes.capture is None else a for a in args[1:]]
    for i, t in enumerate(out if isinstance(out, tuple) else (out,)):
        t._cell = cell
        t._link = Link(parent, operator, rest, i if isinstance(out, tuple) else None, cell)
        if t._inference is not parent._inference:
            t._inference = parent._inference


def _possible(operator: Operator, parent: Tensor, args: Sequence[Any]) -> bool:
    """Whether ``parent``, itself a view, is strided so that the operator gives a view of it, as it does of a base."""
    view = operator.op.view
    if view is None or view.otherwise is None:
        return True
    assert view.strides is not None
    if view.strides(layout(parent)[1], *args) is not None:
        return True
    if view.otherwise == "raise":
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return False


def twin(tensor: Tensor) -> Tensor:
    """Another handle in the same state: the same array, graph and memory."""
    t = object.__new__(Tensor)
    t._data = tensor._data
    t.__dict__.update(tensor.__dict__)
    made(t)
    return t


def _outside(array: Any) -> Any:
    """``array`` as it is outside of the graph: JAX's graph too, where it is JAX that differentiates."""
    traced = isinstance(array, Tracer) and rules.is_inexact(array.dtype)
    return lax.stop_gradient(array) if traced else array


def cut(array: Any) -> Any:
    """``array`` outside of the graph: also where it is JAX that differentiates."""
    return lax.stop_gradient(array) if isinstance(array, Tracer) else array


def alias(tensor: Tensor, *, versioned: bool) -> Tensor:
    """A Tensor outside of the graph that shares memory with ``tensor``."""
    t = object.__new__(Tensor)
    t._data = _outside(unwrap(tensor))
    cell = tensor._cell
    if cell is None:
        cell = tensor._cell = [0, 0]
    t._cell = cell
    t._link = Link(tensor, None, (), None, cell)
    t._link.quiet |= not versioned
    t._inference = versioned and tensor._inference
    made(t)
    return t


def leave_memory(tensor: Tensor) -> None:
    """Part ``tensor`` from its memory: views of it, and what it is a view of, go on with that memory without it."""
    cell = tensor._cell
    if cell is None:
        return
    cell.append((tensor, twin(tensor), cell[0]))
    cell[0] += 1  # views that are made from here on, should it come back to this memory, are of itself
    tensor._cell = [cell[0], cell[1]]
    if tensor._link is not None:
        tensor._link = None
        structure.changed()


Tensor._alias = alias  # type: ignore[method-assign]
Tensor._leave_memory = leave_memory  # type: ignore[method-assign]
