"""From a Python function to a pure one.

The first trace discovers: state that is met for the first time is read as a constant and noted.  The function is then
traced again with that state as inputs, to be compiled; should that trace still find something new, it is repeated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
from jax.core import ShapedArray
from jax.extend.core import jaxpr_as_fun

from fxtorch.compiler import errors
from fxtorch.compiler.capture import Capture
from fxtorch.compiler.effects import Effects
from fxtorch.compiler.escape import escaped, lose, refuse
from fxtorch.compiler.guards import Guards
from fxtorch.compiler.naming import Naming
from fxtorch.compiler.opened import flatten
from fxtorch.compiler.packing import new_orders
from fxtorch.compiler.places import Place
from fxtorch.compiler.recording import Recording
from fxtorch.compiler.references import Argument, Held, Input, Reference, Scalar
from fxtorch.compiler.results import Collector, Fresh, Graph, Leaf, Pieces
from fxtorch.compiler.surroundings import names_around
from fxtorch.compiler.taping import Pulls, Roots, taped
from fxtorch.compiler.watching import watching
from fxtorch.ops.orders import Order
from fxtorch.ops.transposes import convolves
from fxtorch.tensor import Tensor, modes
from fxtorch.tensor.stacks import Stacks
from fxtorch.tensor.tracing import traces


@dataclass
class Change:
    """A Tensor of the caller's that is another one after the call.

    Attributes:
        reference: where it is found.
        output: the number of the output with its new values; None where only its place on the tape changed.
        graph: that place; None where it is as before.
    """

    reference: Reference
    output: int | None
    graph: Graph | None


@dataclass
class Layout:
    """What the flat outputs of the pure function mean.

    Attributes:
        tree: the structure of the result, and ``results``: its leaves.
        pieces: the Tensors that are handed back, in the results, gradients and entries.
        changed: the state and arguments with new values.
        grads: whose ``.grad`` was set, and the piece that it is now.
        entries: what was stored where: its structure and leaves.
        flows: cotangents that go on into eager graphs: the outputs with them.
        late: whose ``.grad`` is used after that, so that these graphs must not lead there; ``late_reads``: the
            Tensors that are used then, which must not be such a gradient.
        guards: what the trace took for granted.
        effects: what is to be done on the host.
        grad_mode: what the function left gradient recording switched to.
        sides: what it does beside computing (``"check"``, ``"callback"``).
        naming: what its Tensors are called.
        stacked: the state whose arrays the function stacked, stack by stack.
        differentiable: whether a graph that leads into the program can be walked from outside.
        recording: that graph, where it was asked for.
    """

    tree: Any
    results: list[Leaf]
    pieces: Pieces
    changed: list[Change]
    grads: list[tuple[Held | Argument, int | None]]
    entries: list[tuple[Place, Any, list[Leaf]]]
    flows: list[tuple[Input, int]]
    late: list[Held | Argument]
    late_reads: list[Reference]
    guards: Guards
    effects: Effects
    grad_mode: bool
    sides: set[str]
    naming: Naming
    stacked: list[list[Held]]
    differentiable: bool = False
    recording: Recording | None = None


@dataclass
class Known:
    """What the traces so far have found: the inputs of the pure function."""

    references: list[Reference] = field(default_factory=list)
    scalars: list[Scalar] = field(default_factory=list)
    assigned: set[Any] = field(default_factory=set)
    undo: list[Callable[[], None]] = field(default_factory=list)


class Traced:
    """A function as a pure one of arrays: call :meth:`pure` inside of a JAX trace.

    Args:
        fn: the user's function.
        leaves: its flattened arguments; Tensors and arrays among them are inputs.
        tree: how to put the arguments together.
        pinned: which of the leaves are state, because the function also reaches them in another way: the program is
            for these very Tensors.
        stacks: whether state of one shape may be held as one array.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        leaves: Sequence[Any],
        tree: Any,
        pinned: Collection[int] = frozenset(),
        *,
        stacks: bool = False,
    ) -> None:
        self.fn = fn
        self._stacks = stacks
        self._recorded = modes.grad  # whether the caller records gradients
        self.pinned = [(i, leaves[i]) for i in sorted(pinned)]
        self.leaves = list(leaves)
        self.tree = tree
        self.known = Known()
        self.layout: Layout | None = None
        self.found_new = False
        self.convolves = False
        self.orders: Mapping[Any, Order] = {}  # of the dimensions of state, where a compiled step keeps it in another
        self._cached: list[tuple[Tensor, str]] | None = None  # while the first trace runs: what escapes from it
        self.types: list[Any] = []  # of the state that the last trace knew, in the order of its references
        self.open = True  # whether pure() may run: JAX calls it again when the state's shapes change
        self.names = names_around(fn, leaves)
        # whether each argument wants a gradient, and has a graph: the call may change that before another trace
        self._stood = {i: (x._rg, x._node is not None) for i, x in enumerate(leaves) if isinstance(x, Tensor)}
        self.inputs = [i for i, x in enumerate(leaves) if i not in pinned and (isinstance(x, Tensor) or _is_array(x))]

    def discover(self) -> None:
        """Trace once, to find the state and what becomes of it.

        A Tensor that escapes into a cache (``functools.lru_cache``, say) gets its values, and is state for the next
        trace, as it would be for the next call in eager code.
        """
        given = (
            [r.find(self.leaves)._data for r in self.known.references],
            [self._array(i) for i in self.inputs],
            [s.read() for s in self.known.scalars],
        )
        self._cached = []
        traced = jax.make_jaxpr(functools.partial(self.pure, stacks=Stacks() if self._stacks else None))(*given)
        cached, self._cached = self._cached, None
        if cached:
            values = jax.jit(lambda *flat: jaxpr_as_fun(traced)(*flat)[-len(cached) :])(*jax.tree.leaves(given))
            for (tensor, _), value in zip(cached, values, strict=True):
                tensor._data = value
        self.convolves = convolves(traced.jaxpr)
        if self.convolves and self.layout is not None:
            self.orders = new_orders(traced.jaxpr, self.layout)

    def _array(self, position: int) -> Any:
        leaf = self.leaves[position]
        return leaf._data if isinstance(leaf, Tensor) else leaf

    def pure(
        self,
        state: Sequence[Any],
        arrays: Sequence[Any],
        scalars: Sequence[Any],
        stacks: Stacks | None = None,
        *,
        on_tape: bool = False,
    ) -> tuple[Any, ...]:
        """The flat outputs (see :class:`Layout`) of the state, the argument arrays and the numbers.

        With ``stacks`` the function may stack state of one shape; ``on_tape`` adds what the walk over its tape needs.
        """
        if not self.open:
            raise errors.StateChanged
        with traces.here():
            outputs, layout, own = self._pure(state, arrays, scalars, stacks, () if on_tape else None)
        self.layout = layout
        return (*outputs, *own)

    def derivative(
        self, state: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any], pulls: Pulls
    ) -> tuple[Sequence[Any], Sequence[Any], Recording]:
        """The gradients that one backward after another finds: with what they save, and the graph behind them.

        Raises:
            RuntimeError: they need state that the function does not.
        """
        known = replace(self.known)
        before, modes.grad = modes.grad, self._recorded
        try:
            with traces.here():
                grads, layout, own = self._pure(state, arrays, scalars, None, pulls)
        finally:
            self.known, modes.grad = known, before
        if self.found_new or layout.recording is None:
            raise RuntimeError("a backward of a compiled function, differentiated again, reads state of its own")
        return grads, own, layout.recording

    def _pure(
        self,
        state: Sequence[Any],
        arrays: Sequence[Any],
        scalars: Sequence[Any],
        stacks: Stacks | None,
        pulls: Pulls | None,
    ) -> tuple[Sequence[Any], Layout, Sequence[Any]]:
        """The outputs, what they mean, and what is saved; with ``pulls`` the outputs are gradients."""
        known = self.known
        self.types = [ShapedArray(array.shape, array.dtype) for array in state]
        leaves, stand_ins = self._arguments(arrays)
        capture = Capture(
            known.references, state, known.scalars, scalars, stand_ins, self.leaves, known.assigned, self.names, stacks
        )
        for position in stand_ins:
            if self._stood[position][1]:
                capture.input(stand_ins[position], Argument(position))
        grad_mode, ended = modes.grad, False
        try:
            capture.surroundings.function(self.fn)
            for leaf in self.leaves:
                capture.surroundings.value(leaf, "an argument")
            capture.surroundings.arguments(stand_ins)
            with watching(capture):
                args, kwargs = jax.tree.unflatten(self.tree, leaves)
                out = self.fn(*args, **kwargs)
            capture.settle()
            given = dict(zip(self.inputs, arrays, strict=True))
            outputs, layout, roots, collector = _lay_out(capture, out, stand_ins, given, self._stood)
            own: Sequence[Any] = ()
            if pulls is not None:
                with watching(capture):
                    inputs = (state, arrays, scalars, *(cts for cts, _ in pulls))
                    outputs, own, layout.recording = taped(capture, collector, roots, inputs, outputs, pulls)
            del out, args, kwargs, roots, collector
            ended = True
        finally:
            modes.grad = grad_mode
            known.undo += capture.undo
            made, stood = capture.roll_back()
            if not ended:
                lose([*made, *stood])
        leaves.clear()
        stand_ins.clear()
        self.found_new = capture.found_new
        known.references, known.scalars, known.assigned = capture.references, capture.scalars, capture.assigned
        if self._cached is not None:
            del capture
            self._cached = escaped(made)
            if held := escaped(stood):
                refuse([*self._cached, *held])
            outputs = (*outputs, *(tensor._data for tensor, _ in self._cached))
        else:
            del capture
            refuse(escaped([*made, *stood]))
        return outputs, layout, own

    def _arguments(self, arrays: Sequence[Any]) -> tuple[list[Any], dict[int, Tensor]]:
        """The arguments with Tensors that hold ``arrays``, and these Tensors by their positions."""
        leaves = list(self.leaves)
        stand_ins: dict[int, Tensor] = {}
        first: dict[int, int] = {}
        for position, array in zip(self.inputs, arrays, strict=True):
            original = self.leaves[position]
            if not isinstance(original, Tensor):
                leaves[position] = array
            elif (at := first.setdefault(id(original), position)) != position:  # the same Tensor once more
                leaves[position] = stand_ins[at]
            else:
                leaves[position] = stand_ins[position] = _stand_in(original, array, self._stood[position][0])
        return leaves, stand_ins

    def abandon(self) -> None:
        """Take back the state that was created lazily, after a failure."""
        for undo in reversed(self.known.undo):
            undo()


def _is_array(x: Any) -> bool:
    return isinstance(x, jax.Array) or (hasattr(x, "__array__") and hasattr(x, "dtype") and hasattr(x, "shape"))


_PLACE = frozenset({"_link", "_cell", "_node", "_index", "_resident"})  # which a stand-in has not


def _stand_in(original: Tensor, array: Any, requires_grad: bool) -> Tensor:
    t = object.__new__(type(original))
    t.__dict__.update({k: v for k, v in original.__dict__.items() if k not in _PLACE})
    t._data, t._rg = array, requires_grad
    return t


def _lay_out(
    capture: Capture, out: Any, stand_ins: dict[int, Tensor], given: dict[int, Any], stood: dict[int, Any]
) -> tuple[Sequence[Any], Layout, Roots, Collector]:
    """Take the trace's outcome apart: what the program returns, what it means, and what of it has a graph."""
    collector = Collector(capture)
    leaves, tree = flatten(out, capture.is_of_trace, capture.surroundings.is_known)
    entries = [
        (place, *flatten(place.get(), capture.is_of_trace, capture.surroundings.is_known, stored=True))
        for place in capture.places_written()
    ]
    grads = [
        (owner, (owner.tensor if isinstance(owner, Held) else stand_ins[owner.position])._grad)
        for owner in capture.grads_written.values()
    ]
    outputs = collector.outputs
    roots: Roots = []

    def change(reference: Reference, tensor: Tensor, array: Any, was: tuple[bool, Any]) -> Change | None:
        now = (tensor._rg, tensor._node)
        graph = Graph.of(tensor, capture) if now[0] != was[0] or now[1] is not was[1] else None
        new = tensor._data is not array or (graph is not None and graph.kind == "alive")
        if new:
            outputs.append(tensor._data)
        if graph is not None and graph.kind == "alive":
            roots.append((len(outputs) - 1, tensor))
        return Change(reference, len(outputs) - 1 if new else None, graph) if new or graph is not None else None

    # First the arrays that take the place of state, in its order, and last the single numbers (see Outcome.keep).
    order = {r.identity: i for i, r in enumerate(capture.references)}
    touched = sorted(capture.touched(), key=lambda e: order[e[0].identity])
    changed = [change(*entry) for entry in touched if entry[1].ndim]
    collector.expect([*leaves, *(leaf for _, found, _ in entries for leaf in found), *(grad for _, grad in grads)])
    results = [collector.leaf(leaf) for leaf in leaves]
    stored = [(place, structure, [collector.leaf(leaf) for leaf in found]) for place, found, structure in entries]
    gradients = [(owner, None if grad is None else collector.piece(grad)) for owner, grad in grads]
    changed += [change(*entry) for entry in touched if not entry[1].ndim]
    for position, stand_in in stand_ins.items():
        owner = Argument(position)
        was = (stood[position][0], capture.inputs.get(owner.identity))
        changed.append(change(owner, stand_in, given[position], was))
    flows = []
    for node in capture.inputs.values():
        if node.ct is not None:
            outputs.append(node.ct)
            flows.append((node, len(outputs) - 1))
    changes = [c for c in changed if c is not None]
    pieces = zip(collector.pieces, collector.tensors, strict=True)
    roots += [(p.output, t) for p, t in pieces if isinstance(p, Fresh) and p.graph.kind == "alive"]
    layout = Layout(
        tree, results, Pieces(collector.pieces), changes, gradients, stored, flows, [*capture.late.values()],
        capture.late_reads() if flows else [], capture.guards, capture.effects, modes.grad, capture.sides,
        capture.surroundings.naming, capture.stacked(), bool(roots),
    )  # fmt: skip
    return outputs, layout, roots, collector
