"""The graph behind what a traced function returns, taken apart so that programs of its own can walk it later.

What is differentiated is what PyTorch's tape holds: a leaf stays a leaf whatever its values become under ``no_grad``,
and what was changed there is a constant.  So the backward of a compiled function is the walk over the tape that its
trace recorded.  The values that the steps of the tape saved leave the program as further outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from fxtorch.compiler import errors
from fxtorch.compiler.references import Input, Reference
from fxtorch.tensor import Tensor
from fxtorch.tensor.engine import reachable, summed
from fxtorch.tensor.nodes import overwritten
from fxtorch.tensor.record import pull_back
from fxtorch.tensor.tape import FREED, Node
from fxtorch.tensor.traced import TracedNode

_NOBODY_KNOWS: Any = object()  # stands for an input whose gradient is never made, since the step raises
Name = Reference | tuple[str, int] | tuple[str, int, int] | None  # of a Tensor: one from outside, or one that was made


def key_of(name: Name) -> Any:
    """What two names of the same Tensor have in common."""
    return name if name is None or isinstance(name, tuple) else name.identity


@dataclass
class Check:
    """A value that a step saved, which must not have been overwritten when the step is walked.

    Attributes:
        cell: the number of the counter of changes that would show it; None where nobody can change it any more.
        late: whether the function itself overwrote it, and ``versions``: found and expected then.
        place: which input (``"in"``) or result (``"out"``) of the call it is; ``""`` where it counts in any case.
    """

    cell: int | None
    late: bool
    versions: tuple[int, int]
    place: str = ""
    position: int = 0


@dataclass
class Step:
    """One call on the tape.

    Attributes:
        name: torch's name of it.
        outputs: how many results it had.
        edges: for each gradient the step that it goes to and the result of that; or ``~number`` of an end.
        saved: the numbers of the arrays that it kept.
        pull: its backward, of these arrays and of cotangents.
        gives: which of the gradients it has.
        frees: whether it can be walked only once, unless the graph is retained.
        checks: what must not have been overwritten.
        needs: works out, when one was, whether an eager call would have saved that input or result.
        parts: what walking it uses up that other steps need, too.
        error: what walking it raises in any case.
    """

    name: str
    outputs: int
    edges: list[tuple[int, int]]
    saved: list[int] = field(default_factory=list)
    pull: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]] | None = None
    gives: Sequence[bool] = ()
    frees: bool = False
    checks: list[Check] = field(default_factory=list)
    needs: Callable[[str, int], bool] | None = None
    parts: frozenset[int] = frozenset()
    error: Exception | None = None

    def leads_to(self) -> Iterator[int]:
        """The steps, and ends, that its gradients go to."""
        return (at for (at, _), gives in zip(self.edges, self.gives, strict=True) if gives)

    def verify(self, changed: Callable[[int], tuple[int, int] | None]) -> None:
        """Raise what walking this step raises.

        Args:
            changed: found and expected version where the counter of that number has moved on since the call.
        """
        for check in self.checks:
            moved = None if check.cell is None else changed(check.cell)
            if (check.late or moved is not None) and self._needs(check):
                raise overwritten(self.name, *(check.versions if moved is None else moved))
        if self.error is not None:
            raise self.error

    def _needs(self, check: Check) -> bool:
        return not check.place or self.needs is None or self.needs(check.place, check.position)


@dataclass
class Recording:
    """A graph whose steps are numbered from the latest to the first.

    Attributes:
        steps: the calls.
        roots: where a cotangent of each root goes: a step and its result, or ``~number`` of an end.
        outputs: for each root, the number of the output with its values.
        ends: the Tensors, leaves or places in eager graphs, that gradients arrive at; None for one that nobody sees.
        cells: the Tensors whose counters of changes matter.
        places: where each saved array is found: ``"in"``, ``"out"`` or ``"own"``, and its number there.
        own: how many outputs the program has for saved arrays.
    """

    steps: list[Step]
    roots: list[tuple[int, int]]
    outputs: list[int]
    ends: list[Name]
    cells: list[Name]
    places: list[tuple[str, int]]
    own: int

    def saved_from(self, inputs: Sequence[Any], outputs: Sequence[Any], own: Sequence[Any]) -> list[Any]:
        """The saved arrays, from what the program was given, what it returned and what it returned for them alone."""
        found = {"in": inputs, "out": outputs, "own": own}
        return [found[kind][i] for kind, i in self.places]

    def __post_init__(self) -> None:
        self._visited: dict[Any, tuple[int, ...]] = {}

    def visited(self, present: tuple[bool, ...], wanted: frozenset[int] | None = None) -> tuple[int, ...]:
        """The steps that are walked when these roots have cotangents, in their order.

        Args:
            present: which roots have.
            wanted: the ends whose gradients are looked for; None for all.
        """
        found = self._visited.get((present, wanted))
        if found is None:
            reached = {at for (at, _), there in zip(self.roots, present, strict=True) if there and at >= 0}
            for number, step in enumerate(self.steps):
                if number in reached:
                    reached |= {at for at in step.leads_to() if at >= 0}
            if wanted is not None:
                useful: set[int] = set()
                for number in sorted(reached, reverse=True):
                    if any(at in useful if at >= 0 else ~at in wanted for at in self.steps[number].leads_to()):
                        useful.add(number)
                reached = useful
            found = self._visited[present, wanted] = tuple(sorted(reached))
        return found

    def walk(self, saved: Sequence[Any], cts: Sequence[Any], visited: Collection[int]) -> list[Any]:
        """The gradients of the ends, from the saved arrays and the cotangents of the roots.

        Args:
            saved: those arrays.
            cts: of the roots.
            visited: the steps to walk.
        """
        pending: list[list[Any]] = [[None] * step.outputs for step in self.steps]
        found: list[Any] = [None] * len(self.ends)

        def send(at: int, slot: int, ct: Any) -> None:
            box, k = (found, ~at) if at < 0 else (pending[at], slot)
            box[k] = ct if box[k] is None else summed(box[k], ct)

        for (at, slot), ct in zip(self.roots, cts, strict=True):
            if ct is not None:
                send(at, slot, ct)
        for number, (step, slots) in enumerate(zip(self.steps, pending, strict=True)):
            if number not in visited or step.pull is None or all(ct is None for ct in slots):
                continue
            for (at, slot), g in zip(step.edges, step.pull([saved[i] for i in step.saved], slots), strict=True):
                if g is not None:
                    send(at, slot, g)
        return found


class Recorder:
    """Takes the graph behind some Tensors apart, at the end of the trace that made it.

    Args:
        roots: the Tensors, with the numbers of the outputs that have their values.
        inputs: the arrays that the program was given, which need not be handed out again.
        outputs: those that it returns, for the same reason.
        end_of: names a leaf, or the place of an eager graph.
        cells: names the Tensors, by the identity of their counters of changes.
        tensors: all that the trace knows, which a backward that is tried here must leave as they are.

    Attributes:
        recording: the graph.
        own: the saved arrays that the program has to return.
        objects: the leaves and places themselves, in the order of ``recording.ends``.
    """

    def __init__(
        self,
        roots: Sequence[tuple[int, Tensor]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        end_of: Callable[[Any], Name],
        cells: dict[int, Name],
        tensors: Sequence[Tensor],
    ) -> None:
        self._tensors = tensors
        self._end_of, self._cell_names = end_of, cells
        self._places = {id(x): ("out", i) for i, x in enumerate(outputs)} | {
            id(x): ("in", i) for i, x in enumerate(inputs)
        }
        self._saved: dict[int, int] = {}
        self._cells: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self.own: list[Any] = []
        self.objects: list[Any] = []
        self.recording = Recording([], [], [number for number, _ in roots], [], [], [], 0)
        nodes = [n for n in reachable([t._node for _, t in roots if t._node is not None]) if not isinstance(n, Input)]
        self._numbers = {n: i for i, n in enumerate(nodes)}
        self._avals: dict[tuple[int, int], Any] = {}
        for _, t in roots:
            self.recording.roots.append(self._follow(t if t._node is None else t._node, t._index, t._data))
        for node in nodes:
            self.recording.steps.append(self._step(node))
        self.recording.own = len(self.own)

    def _follow(self, edge: Any, slot: int, like: Any) -> tuple[int, int]:
        """Where a cotangent of the shape and type of ``like`` goes."""
        if isinstance(edge, Node) and not isinstance(edge, Input):
            place = (self._numbers[edge], slot)
            if like is not _NOBODY_KNOWS:
                self._avals.setdefault(place, jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), like))
            return place
        number = self._ends.get(id(edge))
        if number is None:
            number = self._ends[id(edge)] = len(self.objects)
            self.objects.append(edge)
            self.recording.ends.append(self._end_of(edge))
        return ~number, 0

    def _step(self, node: Node) -> Step:
        step = Step(node.name(), node.n_outputs, [], frees=node.frees, parts=node.parts)
        if node.used_up:
            step.error = RuntimeError(FREED)
            arrays, likes = [], [_NOBODY_KNOWS] * len(node.edges)
        elif isinstance(node, TracedNode):
            arrays, likes = self._of_traced(node, step)
        else:
            arrays, likes = self._of_other(node, step)
        step.saved = [self._save(x) for x in arrays]
        step.edges = [
            self._follow(edge, slot, like) if like is not None else (~0, 0)
            for edge, slot, like in zip(node.edges, node.slots, likes, strict=True)
        ]
        step.gives = [like is not None for like in likes]
        return step

    def _of_traced(self, node: TracedNode, step: Step) -> tuple[list[Any], list[Any]]:
        """Fill in the step of an operator; what it saved, and the inputs that its gradients are like."""
        plan, leaves, body = node.plan, node.leaves, node.body
        assert leaves is not None
        held, tree = jax.tree.flatten(node.pullback)
        moving = [i for i, x in enumerate(held) if isinstance(x, jax.Array)]
        still = [None if isinstance(x, jax.Array) else x for x in held]

        def pull(arrays: Sequence[Any], cts: Sequence[Any]) -> Sequence[Any]:
            full = list(still)
            for i, x in zip(moving, arrays, strict=True):
                full[i] = x
            grads = pull_back(jax.tree.unflatten(tree, full), plan, cts)
            return grads if body is None else body.only_reached(grads, cts)

        step.pull = pull
        step.needs = node.needs()
        step.checks = [self._check(cell, version, place, i) for cell, version, place, i in node.checks]
        return [held[i] for i in moving], [leaves[i] for i in plan.diff]

    def _of_other(self, node: Node, step: Step) -> tuple[list[Any], list[Any]]:
        """Fill in the step of any other call by trying its backward, on cotangents of which only shapes are known."""
        step.checks = [self._check(cell, version) for cell, version in node.counters()]
        number = self._numbers[node]
        given = [self._avals.get((number, slot)) for slot in range(node.n_outputs)]
        try:
            with _as_they_are(self._tensors):
                closed, found = jax.make_jaxpr(lambda cts: list(node.pull(cts)), return_shape=True)(given)
        except (errors.NotCompilable, *errors.VALUE_NEEDED):
            raise
        except Exception as error:
            error.__traceback__ = error.__context__ = error.__cause__ = None  # whose frames hold the trace
            step.error = error
            return [], [_NOBODY_KNOWS] * len(node.edges)
        tree = jax.tree.structure(found)

        def pull(arrays: Sequence[Any], cts: Sequence[Any]) -> Sequence[Any]:
            full = [_zeros(a) if ct is None else ct for ct, a in zip(cts, given, strict=True) if a is not None]
            return jax.tree.unflatten(tree, jaxpr_as_fun(ClosedJaxpr(jaxpr, list(arrays)))(*jax.tree.leaves(full)))

        jaxpr, step.pull = closed.jaxpr, pull
        return closed.consts, found

    def _save(self, array: Any) -> int:
        number = self._saved.get(id(array))
        if number is None:
            number = self._saved[id(array)] = len(self.recording.places)
            place = self._places.get(id(array))
            if place is None:
                place = ("own", len(self.own))
                self.own.append(array)
            self.recording.places.append(place)
        return number

    def _check(self, cell: list[int], version: int, place: str = "", position: int = 0) -> Check:
        name, number = self._cell_names.get(id(cell)), None
        if name is not None:
            number = self._cells.setdefault(id(cell), len(self._cells))
            if number == len(self.recording.cells):
                self.recording.cells.append(name)
        return Check(number, cell[1] != version, (cell[1], version), place, position)


def _zeros(aval: Any) -> Any:
    return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), aval)


@contextmanager
def _as_they_are(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Give Tensors back what a backward that is only tried makes of them: statistics, when it runs a layer again."""
    before = [(t, t.__dict__.get("_data"), None if t._cell is None else list(t._cell)) for t in tensors]
    try:
        yield
    finally:
        for t, array, cell in before:
            if array is not None and t.__dict__.get("_data") is not array:
                t._data = array
                if cell is not None and t._cell is not None:
                    t._cell[:] = cell
