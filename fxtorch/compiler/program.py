"""A compiled program: gather the state, run, write back."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
from jax.experimental import checkify

from fxtorch.compiler import errors
from fxtorch.compiler.behind import Behind
from fxtorch.compiler.executable import Executable, Given
from fxtorch.compiler.guards import Guards
from fxtorch.compiler.inputs import Inputs
from fxtorch.compiler.outcome import Outcome, array_of
from fxtorch.compiler.program_node import ProgramNode
from fxtorch.compiler.references import Reference
from fxtorch.compiler.sharing import Sharing
from fxtorch.compiler.trace import Layout, Traced
from fxtorch.ops.transposes import cancelling
from fxtorch.tensor import modes
from fxtorch.tensor.checking import CheckError
from fxtorch.tensor.resident import lock
from fxtorch.tensor.stacks import Stacks


class Program:
    """One traced function, compiled.

    Args:
        traced: the pure function with its state; :meth:`Traced.discover` has run.
        donate: whether buffers that the program overwrites are reused for the result.
        name: what to call it.

    Attributes:
        inputs: what it runs on, ``executable``: as what it runs, ``outcome``: what becomes of its outputs.
        sharing: what a call must not reach in two ways.
        behind: its backward, where its results have a graph.
    """

    def __init__(self, traced: Traced, *, donate: bool, name: str) -> None:
        assert traced.layout is not None
        self.traced = traced
        self.name = name
        self.layout: Layout = traced.layout
        self._changed = _identities(self.layout)
        self._error: Any = None  # how the outcome of checks is put together
        self.sharing = Sharing(traced, self.layout, name)
        self.inputs = Inputs(traced, self.layout, donate=donate)
        self.behind = Behind(self) if self.layout.differentiable else None
        self.outcome: Outcome | None = None

        def run(mutable: Sequence[Any], fixed: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
            return self._in_slots(mutable, fixed, arrays, scalars)

        run.__name__ = run.__qualname__ = name
        plain = self.behind is not None or not traced.convolves  # what is saved for a backward lies as it is
        self.executable = Executable(run if plain else cancelling(run), name)

    def _in_slots(
        self, mutable: Sequence[Any], fixed: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]
    ) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any], Sequence[Any]]:
        """The program, of the state as it lies in the inputs; its outputs as :meth:`Outcome.keep` divides them."""
        packing = self.inputs.packing
        stacks = Stacks() if packing.stacks else None
        outputs = self._pure(self.inputs.separate(mutable, fixed, stacks), arrays, scalars, stacks)
        outcome = self.outcome = Outcome(self.layout, on_tape=self.behind is not None)
        if not self.inputs.stays:
            return (), outputs, (), ()
        overwritten = self.inputs.overwritten
        assert overwritten is not None
        return outcome.keep(overwritten, packing, list(outputs), stacks)

    def _pure(
        self, state: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any], stacks: Stacks | None = None
    ) -> tuple[Any, ...]:
        if "check" in self.layout.sides:
            pure = functools.partial(self.traced.pure, on_tape=self.behind is not None)
            error, outputs = checkify.checkify(pure)(state, arrays, scalars)
            found, self._error = jax.tree.flatten(error)
            outputs = (*outputs, *found)
        else:
            outputs = self.traced.pure(state, arrays, scalars, stacks, on_tape=self.behind is not None)
        assert self.traced.layout is not None
        self.layout = self.traced.layout
        if self.traced.found_new or _identities(self.layout) != self._changed:
            raise errors.Unsettled
        return outputs

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Run on the flattened arguments.

        Args:
            leaves: the arguments.

        Raises:
            StateChanged: the state has shapes or types that the program was not compiled for.
            Shared: an argument shares memory with what the program changes.
        """
        self.sharing.check_memory(leaves)
        self.inputs.keep_in_place(leaves)
        if not self.executable.traced:
            self._trace(leaves)
        if not self.inputs.overwrites:
            return self._run(leaves)
        with lock:  # from now on until the new values are there nobody takes one
            try:
                return self._run(leaves)
            finally:
                self.inputs.end()

    def _trace(self, leaves: Sequence[Any]) -> None:
        """Let JAX trace before the first call: Python code runs then, and may read everything."""
        self.traced.open = True
        self.executable.trace(self.inputs.gather(leaves))
        self.traced.open = False

    def _run(self, leaves: Sequence[Any]) -> Any:
        if self.layout.flows:
            self.sharing.check_graphs(leaves)
        effects = self.layout.effects
        if not effects:
            return self._run_on(self._take(leaves), leaves)
        with effects.taken_back():
            effects.run(late=False)
            given = self._take(leaves)
            effects.run(late=True)
            return self._run_on(given, leaves)

    def _take(self, leaves: Sequence[Any]) -> Given:
        return self.inputs.take(leaves, None if self.outcome is None else self.outcome.steady)

    def _run_on(self, given: Given, leaves: Sequence[Any]) -> Any:
        if self.behind is None:
            early, outputs, grads, late = self.executable.run(given)
            if self._error is not None:
                self._raise_failed(outputs)
            return self._write_back(outputs, leaves, [*early, *late], grads)
        return self._run_recorded(self.behind, given, leaves)

    def _run_recorded(self, behind: Behind, given: Any, leaves: Sequence[Any]) -> Any:
        """Run as one call on the tape: its forward and its backward are two compiled programs."""
        _, outputs, _, _ = self.executable.run(given)
        if self._error is not None:
            self._raise_failed(outputs)
            outputs = outputs[: -self._error.num_leaves]
        recording = self.layout.recording
        assert recording is not None
        node = ProgramNode(behind, recording, given[1:], modes.autocast)
        node.find(leaves)
        count = len(outputs) - recording.own
        return self._write_back(node.dress(outputs[:count], outputs[count:]), leaves, node=node)

    def fits(self, leaves: Sequence[Any]) -> bool:
        """Whether the arguments that are state are the Tensors that they were, and have hung on them what they had."""
        return all(leaves[i] is tensor for i, tensor in self.traced.pinned) and self.guards.fit(leaves)

    def lower(self, leaves: Sequence[Any]) -> Any:
        """The program as JAX lowers it for these arguments.

        Raises:
            Unsettled: the trace found something new, and must be repeated.
        """
        self.inputs.keep_in_place(leaves)
        self.traced.open = True
        return self.executable.lower(self.inputs.gather(leaves))

    def _raise_failed(self, outputs: Sequence[Any]) -> None:
        """Wait for the program, and raise what a check in it found.

        Raises:
            CheckError: a check failed; nothing has been written back.
        """
        found = [array_of(out) for out in outputs[-self._error.num_leaves :]]
        words = jax.tree.unflatten(self._error, found).get()
        if words is not None:
            raise CheckError(words.removesuffix(" (`check` failed)"))

    def _write_back(
        self,
        outputs: Sequence[Any],
        leaves: Sequence[Any],
        state: Sequence[Any] = (),
        grads: Sequence[Any] = (),
        node: ProgramNode | None = None,
    ) -> Any:
        outcome = self.outcome
        if outcome is None or outcome.layout is not self.layout:
            outcome = self.outcome = Outcome(self.layout, on_tape=self.behind is not None)
        return outcome.write_back(outputs, leaves, state, grads, node)

    @property
    def guards(self) -> Guards:
        """What the program takes for granted."""
        return self.layout.guards

    def describe(self) -> dict[str, list[Reference]]:
        """The state it reads and the state it changes."""
        return {"reads": list(self.traced.known.references), "changes": [c.reference for c in self.layout.changed]}


def _identities(layout: Layout) -> set[Any]:
    """What changes, and how it stands to the tape then: a trace that finds otherwise is another program."""
    return {(c.reference.identity, c.graph, c.output is None) for c in layout.changed}
