"""The Node of a call that is made while JAX traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.core import Tracer

from fxtorch.tensor.nodes import CallNode, edge_tensor, overwritten
from fxtorch.tensor.overwriting import INPUT_NOT_NEEDED, OF_BODIES, RESULT_NEEDED, SAVES_NUMBERS
from fxtorch.tensor.record import Plan, Record, outputs, pull_back
from fxtorch.tensor.tape import FREED
from fxtorch.tensor.tensor import Tensor


class Body:
    """What is known of the inside of a branch or loop that is one call on the tape.

    Attributes:
        reaches: of its results, the numbers of the gradients that depend on them.
        used: the steps inside that were used up, and ``walked``: those that a walk that is not over yet uses up.
    """

    def __init__(self) -> None:
        self.reaches: dict[int, frozenset[int]] = {}
        self.used: set[int] = set()
        self.walked: set[int] = set()

    def only_reached(self, grads: Sequence[Any], cts: Sequence[Any]) -> Sequence[Any]:
        """The gradients, with None where none of the results that have cotangents depends on the input."""
        everything = frozenset(range(len(grads)))
        there = frozenset().union(*(self.reaches.get(i, everything) for i, ct in enumerate(cts) if ct is not None))
        return [g if i in there else None for i, g in enumerate(grads)]

    def release(self) -> None:
        """A walk comes to the call itself, after all of its results."""
        self.used |= self.walked
        self.walked.clear()


class TracedNode(CallNode):
    """A call made while JAX traces: the pullback itself, for the program around it to absorb."""

    __slots__ = ("body", "checks", "leaves", "plan", "pullback", "record")

    checks: list[tuple[list[int], int, str, int]]  # a Tensor's cell and version then, and where it stands in the call

    def __init__(
        self, record: Record, leaves: Sequence[Any], plan: Plan, pullback: Any, edges: Any, slots: Any
    ) -> None:
        super().__init__(record.name, edges, slots)
        self.checks = []
        self.record = record
        self.leaves: Sequence[Any] | None = leaves
        self.plan = plan
        self.pullback = pullback
        self.body: Body | None = None

    @property
    def n_outputs(self) -> int:
        """How many results the call had."""
        return len(self.plan.carries)

    @property
    def frees(self) -> bool:
        """Whether an eager call would have saved Tensors."""
        saved = [] if self.label in OF_BODIES else jax.tree.leaves(self.pullback)
        given = {id(x) for x in self.leaves or () if isinstance(x, jax.Array)}
        if self.label in SAVES_NUMBERS or any(id(x) in given for x in saved):
            return bool(saved)
        if self.leaves is None or not any(isinstance(x, Tracer) for x in saved):
            return False
        if not self.record.lasting:
            return True
        plan = self.record.saved(tuple(self.leaves), self.plan.diff)  # is it computed again from what it is given?
        return bool(plan.saved_out or plan.opaque) or any(hasattr(self.leaves[i], "dtype") for i in plan.saved_in)

    @property
    def used_up(self) -> bool:  # type: ignore[override]
        """Whether a walk has used it up."""
        return self.leaves is None

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Transpose the linearised call."""
        if self.pullback is None:
            raise RuntimeError(FREED)
        self.verify()
        grads = pull_back(self.pullback, self.plan, cts)
        return grads if self.body is None else self.body.only_reached(grads, cts)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Trace the backward as a function of the inputs and the cotangents; what has a value (a mask) keeps it."""
        if self.leaves is None:
            raise RuntimeError(FREED)
        self.verify()
        record, plan, leaves = self.record, self.plan, tuple(self.leaves)
        present = tuple(ct is not None for ct in cts)
        moving = [i for i, v in enumerate(leaves) if i in plan.diff or isinstance(v, Tracer)]

        def fn(*values: Any) -> Any:
            inputs = list(leaves)
            for i, value in zip(moving, values, strict=False):
                inputs[i] = value
            given = iter(values[len(moving) :])
            full = tuple(next(given) if p else None for p in present)
            pullback = jax.vjp(record.closed(inputs, plan.diff), *(inputs[i] for i in plan.diff))[1]
            return pull_back(pullback, plan, full)

        edge = {i: k for k, i in enumerate(plan.diff)}
        tensors = [
            leaves[i] if i not in edge else edge_tensor(leaves[i], self.edges[edge[i]], self.slots[edge[i]])
            for i in moving
        ]
        given = tensors + [ct for ct in cts if ct is not None]
        grads = outputs(CallNode.apply(Record(fn, "backward", "residuals"), given))
        return grads if self.body is None else self.body.only_reached(grads, cts)

    def check(self, tensors: Sequence[Any], results: Sequence[Tensor]) -> None:
        """Remember the versions of everything that the call may have saved."""
        if self.label in OF_BODIES:
            return
        saved_in = () if self.label in INPUT_NOT_NEEDED else tensors
        saved_out = results if self.label in RESULT_NEEDED else ()
        for place, those in (("in", saved_in), ("out", saved_out)):
            for i, t in enumerate(those):
                if isinstance(t, Tensor):
                    if t._cell is None:
                        t._cell = [0, 0]
                    self.checks.append((t._cell, t._cell[1], place, i))

    def wrote(self, target: Tensor, result: Tensor) -> None:
        """Take note that the call was in place: what it saved of ``target`` is the value before, and stays right."""
        cell = target._cell
        assert cell is not None
        self.checks = [c for c in self.checks if c[0] is not cell and c[0] is not result._cell]
        if self.label in RESULT_NEEDED:
            self.checks.append((cell, cell[1], "out", 0))

    def verify(self) -> None:
        """Raise where a value that an eager call would have saved was overwritten; which, is worked out only then."""
        changed = [c for c in self.checks if c[0][1] != c[1]]
        if not changed or self.leaves is None:
            return
        needs = self.needs()
        for cell, version, place, i in changed:
            if needs(place, i):
                raise overwritten(self.name(), cell[1], version)

    def needs(self) -> Callable[[str, int], bool]:
        """Tells whether an eager call would have saved an input (``"in"``) or result (``"out"``), by its position.

        It holds nothing of the trace that the call was made in.
        """
        assert self.leaves is not None
        record, diff = self.record, self.plan.diff
        if not record.lasting:
            kept = set(map(id, jax.tree.leaves(self.pullback)))
            positions = {i for i, x in enumerate(self.leaves) if id(x) in kept}
            return lambda place, i: place == "out" or i in positions
        avals = tuple(_aval(x) if hasattr(x, "shape") else x for x in self.leaves)

        def asked(place: str, i: int) -> bool:
            saved = record.saved(avals, diff)
            return i in (saved.checked_in if place == "in" else saved.checked_out)

        return asked

    def release(self) -> None:
        """Drop the pullback; a Node that saved nothing can be used again."""
        if self.body is not None:
            self.body.release()
        if self.frees:
            self.leaves = self.pullback = None


def _aval(x: Any) -> Any:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, weak_type=getattr(x, "weak_type", False))
