"""A backward that was seen before, as one compiled call.

Training repeats the same graph at each step.  The third time that a walk would visit the same plans, linked in the same
way, the whole of it is compiled into one program of the saved values; the walk of `engine.py` stays the reference, and
takes over wherever hooks, anomaly detection or a graph of other Nodes ask for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.core import Tracer

from fxtorch.ops.xla import compiled_anywhere
from fxtorch.tensor.tape import Node
from fxtorch.tensor.tensor import Tensor

_SIGHTS = 3  # walks before one is compiled
_KEPT = 128  # graphs remembered
_BYTES = 64 << 20  # saved values above which walking, which frees as it goes, is kinder to memory
_NODES = 2000  # a longer graph is not worth one large program


class _Seen:
    """One graph: how often it was walked, the plans that its key names, and its program."""

    __slots__ = ("count", "plans", "program")

    def __init__(self, plans: list[Any]) -> None:
        self.count = 0
        self.plans = plans  # held, so that their ids stay theirs
        self.program: Callable[..., Any] | None = None


_seen: OrderedDict[Any, _Seen] = OrderedDict()


def replay(nodes: Sequence[Node], root: Node, slot: int, ct: Any) -> list[tuple[Tensor, Any]] | None:
    """The gradients of the leaves behind ``root``, if this graph has a program; else None.

    Args:
        nodes: all Nodes behind ``root``, the latest first.
        root: where the walk starts.
        slot: which output of ``root`` it starts from.
        ct: the cotangent.
    """
    if len(nodes) > _NODES or isinstance(ct, Tracer):
        return None
    position = {id(node): i for i, node in enumerate(nodes)}
    leaves: list[Tensor] = []
    links: list[Any] = []
    plans: list[Any] = []
    for node in nodes:
        if not node.of_saved_values or node.hooks is not None:
            return None
        for edge in node.edges:
            at = position.get(id(edge))
            if at is None:
                at = position[id(edge)] = ~len(leaves)
                leaves.append(edge)
            links.append(at)
        links.extend(node.slots)
        plans.append(node.plan)  # type: ignore[attr-defined]
    key = (position[id(root)], slot, *map(id, plans), *links)
    entry = _seen.get(key)
    if entry is None:
        entry = _seen[key] = _Seen(plans)
        if len(_seen) > _KEPT:
            _seen.popitem(last=False)
    else:
        _seen.move_to_end(key)
    entry.count += 1
    if entry.count < _SIGHTS:
        return None
    saved = [(node.verify(), node.saved_out, node.residuals) for node in nodes]  # type: ignore[attr-defined]
    program = entry.program
    if program is None:
        if sum(getattr(x, "nbytes", 0) for x in jax.tree.leaves(saved)) > _BYTES:
            entry.count = -1 << 60
            return None
        program = entry.program = _compile(nodes, position, position[id(root)], slot, len(leaves))
    return list(zip(leaves, program(saved, ct), strict=True))


def _compile(nodes: Sequence[Node], position: dict[int, int], root: int, slot: int, n_leaves: int) -> Any:
    """The walk over ``nodes`` as one program of what they saved."""
    steps = [
        (node.plan, [(position[id(e)], s) for e, s in zip(node.edges, node.slots, strict=True)])  # type: ignore[attr-defined]
        for node in nodes
    ]

    def backward(saved: Sequence[Any], ct: Any) -> list[Any]:
        pending: list[list[Any]] = [[None] * len(plan.carries) for plan, _ in steps]
        leaves: list[Any] = [None] * n_leaves
        pending[root][slot] = ct
        for i, (plan, links) in enumerate(steps):
            if all(c is None for c in pending[i]):
                continue
            for (at, s), g in zip(links, plan.backward.nested(*saved[i], tuple(pending[i])), strict=True):
                if g is None:
                    continue
                box, k = (leaves, ~at) if at < 0 else (pending[at], s)
                box[k] = g if box[k] is None else box[k] + g
        return leaves

    return compiled_anywhere(backward)
