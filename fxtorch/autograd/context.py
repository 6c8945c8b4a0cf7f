"""What a Function's forward leaves for its backward: ``ctx``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.tensor.errors import type_name
from fxtorch.tensor.execute import edge_tensor
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
    """One saved Tensor: its value then, and where it stood in the graph (never the result itself: a cycle)."""

    __slots__ = ("array", "cell", "index", "node", "tensor", "version")

    def __init__(self, tensor: Tensor, node: Node | None, index: int, *, result: bool) -> None:
        self.array = unwrap(tensor)
        self.node = tensor._node if node is None or not result else node
        self.index = index if result else tensor._index
        self.tensor = None if result else tensor
        if tensor._cell is None:
            tensor._cell = [0, 0]
        self.cell = tensor._cell
        self.version = tensor._cell[1]

    def unpack(self, node: Node) -> Tensor:
        if self.cell[1] != self.version:
            kind = f"[torch.{type_name(self.array.dtype)}Tensor {list(self.array.shape)}]"
            of = "" if self.node is None else f", which is output {self.index} of {self.node.name()},"
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{kind}{of} is at version {self.cell[1]}; expected version {self.version} instead. Hint: enable "
                "anomaly detection to find the operation that failed to compute its gradient, with "
                "torch.autograd.set_detect_anomaly(True)."
            )
        t = self.tensor
        if t is None:
            return edge_tensor(self.array, self.node, self.index) if self.node is not None else wrap(self.array)
        if t._data is self.array and t._node is self.node:
            return t
        return wrap(self.array) if self.node is None else edge_tensor(self.array, self.node, self.index)


class Context(FunctionCtx):
    """``ctx`` of one call."""

    _saved: tuple[_Saved | None, ...] | None = ()
    _node: Any = None

    def _save(self, node: Any, original: Sequence[Any], results: Sequence[Any]) -> None:
        """Turn what was given to ``save_for_backward`` into what is held; done once the results are known."""
        place = {id(t): i for i, t in enumerate(original) if isinstance(t, Tensor)}
        arguments = self._dirty
        self._saved = tuple(
            None if t is None
            else _Saved(results[place[id(t)]], node, place[id(t)], result=True)
            if id(t) in place and (results[place[id(t)]] is t or id(t) in arguments)
            else _Saved(t, node, 0, result=False)
            for t in self._to_save
        )  # fmt: skip
        self._to_save, self._dirty, self._constant = (), {}, {}

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` kept.

        Raises:
            RuntimeError: it was freed by a backward, or overwritten in place.
        """
        if self._saved is None:
            raise RuntimeError(FREED)
        if self._to_save:
            return self._to_save
        return tuple(None if s is None else s.unpack(self._node) for s in self._saved)

    def _release(self) -> None:
        if self._saved:
            self._saved = None
