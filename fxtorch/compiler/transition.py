"""A step as a transition: its state before and a batch in, its state after and results out.

What runs a step many times in one program (``fold``), for many models at once (``ensemble``) or over many devices
(``distributed.parallel``) needs the step as a pure function whose state goes round.  A trace tells which Tensors it
reads; here each is given its successor, so that the outputs of one step are the inputs of the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.extend.core import jaxpr_as_fun

from fxtorch.compiler import errors
from fxtorch.compiler.program import Program
from fxtorch.compiler.references import Argument, Entry, Gradient, Held
from fxtorch.compiler.results import Fresh, Known, Leaf
from fxtorch.compiler.trace import Traced
from fxtorch.ops.transposes import cancelling, convolves
from fxtorch.tensor import Tensor, modes, unwrap, wrap

_ROUNDS = 5  # traces of one function before it counts as never settling


class Transition(Program):
    """One traced step, and where each piece of its state comes from and goes to.

    Args:
        fn: the step.
        leaves: its flattened arguments, those of one step.
        tree: how to put them together.
        name: what to call it.
        copies: whether the caller gives copies of the arguments, so that a change of one would be lost.

    Attributes:
        moving: the numbers of the references that have another value after the step.
        last: the numbers of the outputs that are kept beside these, of the last step only: new gradients, say.
        closed: the step as a ClosedJaxpr of references, arrays and numbers, flattened in this order.

    Raises:
        NotCompilable: the step needs the value of a Tensor, or changes what cannot be carried.
    """

    def __init__(self, fn: Callable[..., Any], leaves: Sequence[Any], tree: Any, name: str, copies: bool) -> None:
        traced = Traced(fn, leaves, tree)
        try:
            self.closed = _settled(traced)
            traced.convolves = False  # for a program of one step, which this one never runs
            super().__init__(traced, donate=False, name=name)
            self._find_successors(copies)
        except errors.VALUE_NEEDED as error:
            traced.abandon()
            raise errors.from_trace(error) from error
        except BaseException:
            traced.abandon()
            raise
        self.avals = [(a.shape, a.dtype) for a in self.closed.in_avals[: len(self.references)]]
        self.guards_hold = self.layout.guards.hold

    @property
    def references(self) -> Sequence[Any]:
        """The state that the step reads."""
        return self.traced.known.references

    def _find_successors(self, copies: bool) -> None:
        layout, pieces = self.layout, self.layout.pieces.pieces
        if layout.flows:
            raise errors.NotCompilable(f"{self.name} walks back into a graph that was recorded outside of it")
        if copies and any(isinstance(c.reference, Argument) for c in layout.changed):
            raise errors.NotCompilable(f"{self.name} changes an argument in place, which is a slice of what was given")
        if copies and any(isinstance(owner, Argument) for owner, _ in layout.grads):
            raise errors.NotCompilable(f"{self.name} sets .grad of an argument, which is a slice of what was given")
        number = {r.identity: i for i, r in enumerate(self.references)}
        after: dict[int, Any] = {  # of a reference: the number of an output, or the reference whose value it takes over
            number[c.reference.identity]: c.output
            for c in layout.changed
            if c.output is not None and c.reference.identity in number
        }

        def successor(piece: Fresh | Known) -> Any:
            if isinstance(piece, Fresh):
                return piece.output
            target = piece.reference
            return target if number.get(target.identity) not in after else after[number[target.identity]]

        stored = {place.identity: found for place, _, found in layout.entries}
        renewed: dict[int, Any] = {}
        for owner, piece in layout.grads:
            identity = Gradient(owner).identity
            if piece is not None and identity in number:
                renewed[number[identity]] = successor(pieces[piece])
        for i, r in enumerate(self.references):
            found = stored.get(r.place.identity) if isinstance(r, Entry) else None
            if found is not None and isinstance(r, Entry) and r.number < len(found):
                leaf = found[r.number]
                if leaf.kind == "piece":
                    renewed[i] = successor(pieces[leaf.value])
        after |= renewed
        self._after = {
            i: k if isinstance(k, int) else number[k.identity] - len(self.references)  # negative: a reference
            for i, k in after.items()
            if isinstance(k, int) or k.identity in number
        }
        self.moving = sorted(i for i, k in self._after.items() if k != i - len(self.references))
        kept: set[int] = {c.output for c in layout.changed if c.output is not None}
        for number_ in (p for _, p in layout.grads if p is not None):
            kept |= self._outputs_of(number_)
        for leaf in (leaf for _, _, found in layout.entries for leaf in found):
            kept |= self._outputs_of_leaf(leaf)
        self.last = sorted(kept - {self._after[i] for i in self.moving})
        self._results = sorted(set().union(*map(self._outputs_of_leaf, layout.results), ()))

    def _outputs_of_leaf(self, leaf: Leaf) -> set[int]:
        if leaf.kind == "piece":
            return self._outputs_of(leaf.value)
        return {leaf.value} if leaf.kind == "array" else set()

    def _outputs_of(self, number: int) -> set[int]:
        piece = self.layout.pieces.pieces[number]
        if isinstance(piece, Known):
            return set()
        out = {piece.output}
        for other in (piece.grad, piece.parent):
            out |= set() if other is None else self._outputs_of(other)
        return out

    # --- the pure step ----------------------------------------------------------------------------------------------

    def advance(
        self, carry: Sequence[Any], fixed: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any], *row: Any
    ) -> tuple[list[Any], list[Any]]:
        """The carry after one step, and the results.

        Args:
            carry: the moving state, and then room for what is only kept of the last step.
            fixed: the rest of the state.
            arrays: the Tensors among the arguments.
            scalars: the numbers, flattened.
            row: what :meth:`draw_by_row` added.
        """
        state = self._assemble(carry, fixed)
        step = jaxpr_as_fun(self.closed)
        if convolves(self.closed.jaxpr):
            step = cancelling(step)
        outputs = step(*state, *arrays, *scalars, *row)
        n = len(self.references)
        new = [outputs[k] if k >= 0 else state[k + n] for k in (self._after[i] for i in self.moving)]
        return [*new, *(outputs[k] for k in self.last)], [outputs[k] for k in self._results]

    def _assemble(self, carry: Sequence[Any], fixed: Sequence[Any]) -> list[Any]:
        state = list(fixed)
        for i, value in zip(self.moving, carry[: len(self.moving)], strict=True):
            state.insert(i, value)
        return state

    def room(self) -> list[jax.ShapeDtypeStruct]:
        """Shapes and types of what is only kept of the last step."""
        return [jax.ShapeDtypeStruct(self.closed.out_avals[k].shape, self.closed.out_avals[k].dtype) for k in self.last]

    def draw_by_row(self) -> None:
        """Trace again, with one more number: which member of an ensemble draws from a generator that all share."""
        self.closed = _settled(self.traced, by_row=True)
        assert self.traced.layout is not None
        self.layout = self.traced.layout

    # --- the state --------------------------------------------------------------------------------------------------

    def gather(self, leaves: Sequence[Any]) -> list[Any]:
        """The arrays of all references.

        Raises:
            StateChanged: one has another shape or type than it had.
        """
        self.inputs.keep_in_place(leaves)
        out = []
        for reference, aval in zip(self.references, self.avals, strict=True):
            tensor = reference.tensor if isinstance(reference, Held) else reference.find(leaves)
            array = tensor._data if tensor._link is None else unwrap(tensor)
            if (array.shape, array.dtype) != aval:
                raise errors.StateChanged
            out.append(array)
        return out

    def numbers(self) -> list[Any]:
        """The numbers that the step reads, flattened."""
        return jax.tree.leaves([s.read() for s in self.traced.known.scalars])

    def number_types(self) -> list[np.dtype]:
        """The types that they were traced with."""
        n = len(self.references) + len(self.traced.inputs)
        return [a.dtype for a in self.closed.in_avals[n : n + len(self.numbers())]]

    def scatter(self, carry: Sequence[Any], results: Sequence[Any], leaves: Sequence[Any]) -> Any:
        """Write the state back after one step or more; returns the step's result, made of ``results``."""
        outputs: dict[int, Any] = dict(zip(self._results, results, strict=True))
        outputs |= {self._after[i]: x for i, x in zip(self.moving, carry[: len(self.moving)], strict=True)}
        outputs |= dict(zip(self.last, carry[len(self.moving) :], strict=True))
        values = [outputs.get(k) for k in range(len(self.closed.out_avals))]
        self._write_back(values, leaves)
        stacked = dict(zip(self._results, results, strict=True))
        return jax.tree.unflatten(
            self.layout.tree, [self._value(leaf, stacked, leaves) for leaf in self.layout.results]
        )

    def _value(self, leaf: Leaf, outputs: dict[int, Any], leaves: Sequence[Any]) -> Any:
        if leaf.kind == "constant":
            return leaf.value
        if leaf.kind == "array":
            return outputs[leaf.value]
        piece = self.layout.pieces.pieces[leaf.value]
        if isinstance(piece, Known):
            return piece.reference.find(leaves)
        tensor = wrap(outputs[piece.output])
        if piece.graph.requires_grad:
            piece.graph.put_on(tensor, None, leaves)
        return tensor

    # --- whether it can be repeated -----------------------------------------------------------------------------------

    def obstacles(self, leaves: Sequence[Any]) -> list[str]:
        """Why the program of one step does not fit the next one; empty where it does.

        What the step stores is put in place for a moment, with Tensors that have no values, and the guards are asked.
        """
        out = [
            f"the shape or type of some state: {self.avals[i]} became {(a.shape, a.dtype)}"
            for i in self.moving
            if (k := self._after[i]) >= 0 and ((a := self.closed.out_avals[k]).shape, a.dtype) != self.avals[i]
        ]
        guards = self.layout.guards
        with self._as_if_run(leaves):
            guards.forget()
            found = out or ([] if guards.hold() else guards.broken())
        guards.forget()
        return found

    @contextmanager
    def _as_if_run(self, leaves: Sequence[Any]) -> Iterator[None]:
        layout, undo = self.layout, []

        def remember(tensor: Tensor, *names: str) -> None:
            before = {name: tensor.__dict__[name] for name in names if name in tensor.__dict__}

            def restore() -> None:
                for name in names:
                    tensor.__dict__.pop(name, None)
                tensor.__dict__.update(before)

            undo.append(restore)

        def stand_in(leaf: Leaf) -> Any:
            if leaf.kind == "constant":
                return leaf.value
            piece = layout.pieces.pieces[leaf.value] if leaf.kind == "piece" else None
            return piece.reference.find(leaves) if isinstance(piece, Known) else _valueless()

        try:
            for change in layout.changed:
                if change.graph is not None:
                    tensor = change.reference.find(leaves)
                    remember(tensor, "_rg", "_node", "_index")
                    change.graph.put_on(tensor, None, leaves)
            for owner, piece in layout.grads:
                tensor = owner.find(leaves)
                remember(tensor, "_grad")
                if piece is None:
                    tensor.__dict__.pop("_grad", None)
                elif tensor._grad is None:
                    tensor._grad = _valueless()
            for place, tree, found in layout.entries:
                undo.append(partial(place.set, place.get()))
                place.set(jax.tree.unflatten(tree, [stand_in(leaf) for leaf in found]))
            yield
        finally:
            for restore in reversed(undo):
                restore()

    def same_program_as(self, other: Transition) -> bool:
        """Whether two steps compute the same of their own state: the same program, and equal constants."""
        if self.avals != other.avals or _text(self.closed) != _text(other.closed):
            return False
        return all(a is b or np.array_equal(a, b) for a, b in zip(self.closed.consts, other.closed.consts, strict=True))


def _settled(traced: Traced, *, by_row: bool = False) -> Any:
    """Trace until nothing new is found; the step as a ClosedJaxpr."""
    for _ in range(_ROUNDS):

        def pure(state: Any, arrays: Any, scalars: Any, *row: Any) -> Any:
            if not row:
                return traced.pure(state, arrays, scalars)
            with _drawing(row[0]):
                return traced.pure(state, arrays, scalars)

        known = traced.known
        state = [unwrap(r.find(traced.leaves)) for r in known.references]
        arrays = [_array(traced.leaves[i]) for i in traced.inputs]
        row = [np.int32(0)] if by_row else []
        closed = jax.make_jaxpr(pure)(state, arrays, [s.read() for s in known.scalars], *row)
        if not traced.found_new:
            return closed
    raise errors.NotCompilable("each trace of the function finds state that the one before had not")


@contextmanager
def _drawing(row: Any) -> Iterator[None]:
    """Let each member of an ensemble draw numbers of its own from a generator that they share."""
    outer = modes.on_draw

    def on_draw(key: Any) -> Any:
        key = key if outer is None else outer(key)
        return jax.random.key_data(jax.random.fold_in(jax.random.wrap_key_data(key), row))

    modes.on_draw = on_draw
    try:
        yield
    finally:
        modes.on_draw = outer


def _array(leaf: Any) -> Any:
    return unwrap(leaf) if isinstance(leaf, Tensor) else leaf


def _valueless() -> Tensor:
    """A Tensor that only shows that one is there."""
    t = object.__new__(Tensor)
    t._data = jax.ShapeDtypeStruct((), np.float32)
    return t


# addresses, and the numbers that JAX gives the checks of a process one after the other
_OF_ONE_TRACE = re.compile(r"0x[0-9a-f]+|(?<=select_n False:bool\[\] )\d+(?=:i\d\d\[\] -1:i\d\d\[\])")


def _text(closed: Any) -> str:
    return _OF_ONE_TRACE.sub("", str(closed.jaxpr))
