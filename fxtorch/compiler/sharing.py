"""What one call of a program must not reach in two ways, since the program knows of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.compiler import errors
from fxtorch.compiler.references import Argument, Entry, Held
from fxtorch.compiler.trace import Layout, Traced
from fxtorch.tensor import Tensor
from fxtorch.tensor.engine import reachable


class Sharing:
    """Whether arguments, state and eager graphs have something in common that the program changes.

    Args:
        traced: the function; its discovery has run.
        layout: what its outputs mean.
        name: what the function is called.
    """

    def __init__(self, traced: Traced, layout: Layout, name: str) -> None:
        self._inputs = traced.inputs
        self._layout = layout
        self._name = name
        references = traced.known.references
        self._held = {r.identity: r.tensor for r in references if isinstance(r, Held)}
        self._held_ids = frozenset(self._held)
        self._entries = [r for r in references if isinstance(r, Entry)]
        owners = [c.reference for c in layout.changed] + [owner for owner, _ in layout.grads]
        self._written = [r.tensor for r in owners if isinstance(r, Held)]
        self._writes_arguments = any(isinstance(r, Argument | Entry) for r in owners)

    def check_memory(self, leaves: Sequence[Any]) -> None:
        """Make sure that what the function changes is reached in one way only.

        Raises:
            AlsoArgument: an argument is state.
            Shared: it shares memory with state or another argument.
        """
        if not (self._written or self._writes_arguments):
            return
        given = [leaf for i in self._inputs if isinstance(leaf := leaves[i], Tensor)]
        if self._entries:
            given += [r.find(leaves) for r in self._entries]
        if not self._held_ids.isdisjoint(map(id, given)):
            raise errors.AlsoArgument([i for i in self._inputs if id(leaves[i]) in self._held])
        cells = [id(cell) for t in given if (cell := t._cell) is not None]
        if not cells:
            return
        others = self._held.values() if self._writes_arguments else self._written
        if not {id(t._cell) for t in others}.isdisjoint(cells):
            raise errors.Shared(f"an argument of {self._name} shares memory with state, and one of them is changed")
        if self._writes_arguments and len({id(t) for t in given if t._cell is not None}) != len(set(cells)):
            raise errors.Shared(f"two arguments of {self._name} share memory, and one of them is changed")

    def check_graphs(self, leaves: Sequence[Any]) -> None:
        """Make sure that the gradients that arrive after the program are none that it has used already.

        Raises:
            Shared: an eager graph that its backward goes on into leads to one.
        """
        layout = self._layout
        used = {id(owner.find(leaves)) for owner in layout.late}
        read = [r.find(leaves) for r in layout.late_reads]
        memory = {id(x) for t in read for x in (t, t._cell) if x is not None}  # of a view, that of its base
        nodes = [end.owner.find(leaves)._node for end, _ in layout.flows]
        for node in reachable([n for n in nodes if n is not None]):
            ends = [edge for edge in node.edges if isinstance(edge, Tensor)]
            grads = [grad for end in ends if (grad := end._grad) is not None]
            if any(id(end) in used for end in ends) or any({id(g), id(g._cell)} & memory for g in grads):
                raise errors.Shared(
                    f"a backward in {self._name} goes on into a graph that was recorded outside of it, and "
                    f"{self._name} then uses a gradient that this graph adds to"
                )
