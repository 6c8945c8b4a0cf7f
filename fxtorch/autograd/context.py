"""What a Function's forward leaves for its backward: ``ctx``."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from fxtorch.tensor.errors import type_name
from fxtorch.tensor.modes import modes
from fxtorch.tensor.nodes import edge_tensor
from fxtorch.tensor.tape import FREED, Node
from fxtorch.tensor.tensor import Tensor, unwrap, wrap


class FunctionCtx:
    """The methods of ``ctx``; any other attribute may be set on it too."""

    def __init__(self, needs_input_grad: Sequence[bool] = ()) -> None:
        self.needs_input_grad = tuple(needs_input_grad)
        self._materialize = True
        self._to_save: tuple[Any, ...] = ()
        self._dirty: dict[int, Tensor] = {}
        self._constant: dict[int, Tensor] = {}

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep arguments, results or other Tensors; ``saved_tensors`` gives them back, unless they were overwritten.

        Raises:
            TypeError: one is neither a Tensor nor None.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep Tensors for ``jvp``; they are the same as those of :meth:`save_for_backward`."""
        self._to_save = self._to_save or tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say that the forward changed these arguments in place."""
        self._dirty = {id(t): t for t in args}

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say that these results carry no gradient."""
        self._constant = {id(t): t for t in args}

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros, rather than None, for results that nothing depends on."""
        self._materialize = value

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Nothing, as in torch."""


class _Saved:
    """One saved Tensor: its value then, and where it stood in the graph.

    A result is not held itself, nor is the Node that made it: that would be a cycle.
    """

    __slots__ = ("array", "cell", "index", "node", "open", "packed", "result", "tensor", "version")

    def __init__(self, tensor: Tensor, *, result: bool) -> None:
        self.array: Any = unwrap(tensor)
        self.tensor = None if result else tensor
        self.node = None if result else tensor._node
        self.index = tensor._index if tensor._rg else -1
        if tensor._cell is None:
            tensor._cell = [0, 0]
        self.cell = tensor._cell
        self.version = tensor._cell[1]
        self.result = result
        self.open = None
        if modes.saved_hooks is not None:
            pack, self.open = modes.saved_hooks
            self.packed = pack(wrap(self.array))
            self.array = None
            if self.node is not None:  # a leaf is held: its gradient goes there
                self.tensor = None

    def unpack(self, own: Node | None) -> Tensor:
        """The Tensor again; ``own`` is the Node that saved it."""
        if self.open is not None:
            value = unwrap(self.open(self.packed))
            edge = own if self.result else self.node if self.node is not None else self.tensor
            return wrap(value) if edge is None or self.index < 0 else edge_tensor(value, edge, self.index)
        t, node = self.tensor, self.node if self.tensor is not None else own
        if self.cell[1] != self.version:
            kind = f"[torch.{type_name(self.array.dtype)}Tensor {list(self.array.shape)}]"
            of = "" if node is None else f", which is output {self.index} of {node.name()},"
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{kind}{of} is at version {self.cell[1]}; expected version {self.version} instead. Hint: enable "
                "anomaly detection to find the operation that failed to compute its gradient, with "
                "torch.autograd.set_detect_anomaly(True)."
            )
        if t is not None and t._data is self.array and t._node is node:
            return t
        return wrap(self.array) if node is None or self.index < 0 else edge_tensor(self.array, node, self.index)


class Context(FunctionCtx):
    """``ctx`` of one call."""

    _saved: tuple[_Saved | None, ...] | None = ()
    _node: weakref.ref[Node] | None = None

    def _save(self, node: Node | None, original: Sequence[Any], results: Sequence[Any]) -> None:
        """Hold what was given to ``save_for_backward``, once the results are known.

        Args:
            node: the Node of this call.
            original: what the forward returned, and
            results: what the caller gets instead: a result that is an argument or a view becomes another Tensor.
        """
        self._node = None if node is None else weakref.ref(node)
        unchanged = {id(t) for t, r in zip(original, results, strict=True) if t is r}
        self._saved = tuple(None if t is None else _Saved(t, result=id(t) in unchanged) for t in self._to_save)
        self._to_save, self._dirty, self._constant = (), {}, {}

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` kept.

        Raises:
            RuntimeError: it was freed by a backward, or overwritten in place.
        """
        if self._saved is None:
            raise RuntimeError(FREED)
        own = None if self._node is None else self._node()
        return self._to_save or tuple(None if s is None else s.unpack(own) for s in self._saved)

    def _release(self) -> None:
        if self._saved:
            self._saved = None
