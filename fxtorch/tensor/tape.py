"""The tape: one Node for each differentiable call.

Nodes are numbered as they are made, so that walking them by falling number (``engine.py``) visits every Node after all
of its users.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fxtorch.tensor.handles import Hooks, RemovableHandle

if TYPE_CHECKING:
    from fxtorch.tensor.tensor import Tensor

next_number = itertools.count().__next__

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


@functools.cache
def _named(kind: type[Node], name: str) -> type[Node]:
    members = {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__}
    return kind if kind.__name__ == name else type(name, (kind,), members)


BEFORE, AFTER = -1, -2  # where a Node keeps hooks on the whole of its step, beside those on each output


class Node:
    """One recorded call; ``tensor.grad_fn``.

    Attributes:
        edges: for each input that wants a gradient, the leaf Tensor itself, or the Node that made it.
        slots: for each edge, which output of that Node it is.
        number: the order of creation.
    """

    __slots__ = ("__weakref__", "edges", "hooks", "label", "metadata", "number", "slots", "trace")

    def __init__(self, label: str, edges: list[Any], slots: list[int]) -> None:
        self.label = label
        self.edges = edges
        self.slots = slots
        self.number = next_number()
        self.hooks: dict[int, Hooks] | None = None
        self.trace: str | None = None

    n_outputs = 1
    frees = False  # whether a walk that does not retain the graph uses it up
    chooses = False  # whether it asks which gradients a walk looks for
    used_up = False  # whether such a walk has been
    parts: frozenset[int] = frozenset()  # what a walk of it uses up, where other Nodes need that, too
    of_saved_values = False  # whether its backward is a compiled program of values that it holds

    def named(self) -> Node:
        """Itself, once its type has torch's name too: programs that draw graphs ask for that."""
        self.__class__ = _named(type(self), self.name())  # type: ignore[assignment]
        return self

    def name(self) -> str:
        """torch's name of this step of the graph, such as ``AddBackward0``."""
        return "".join(part.capitalize() for part in self.label.split("_")) + "Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The Nodes this one passes gradients to, with the output index of each."""
        return tuple(
            (e.named() if isinstance(e, Node) else AccumulateGrad(e), s)
            for e, s in zip(self.edges, self.slots, strict=True)
        )

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Gradients (arrays) for the edges from cotangents (arrays or None) of the outputs."""
        raise NotImplementedError

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The same on Tensors, recorded on the tape, so that it can be differentiated again."""
        raise NotImplementedError

    def release(self) -> None:
        """Drop what was saved for the backward."""

    def choose(self, wanted: frozenset[int]) -> None:
        """Give, at the next pull, the gradients with these numbers alone."""

    def counters(self) -> list[tuple[list[int], int]]:
        """The counters of changes of what it needs, each with the version that it must be at then."""
        return []

    def add_hook(self, output: int, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(gradient Tensor)`` when the gradient of ``output`` is known; what it returns replaces it."""
        if self.hooks is None:
            self.hooks = {}
        return RemovableHandle.add(self.hooks.setdefault(output, Hooks()), hook)

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call ``fn(grad_outputs)`` before this step of a backward; a tuple that it returns replaces them."""
        return self.add_hook(BEFORE, fn)

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call ``fn(grad_inputs, grad_outputs)`` after this step; a tuple that it returns replaces the former."""
        return self.add_hook(AFTER, fn)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {hex(id(self))}>"


class AccumulateGrad:
    """What ``next_functions`` shows for a leaf."""

    __slots__ = ("variable",)

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    next_functions = ()

    def name(self) -> str:
        """The name torch gives this end of the graph."""
        return "struct torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {hex(id(self))}>"
