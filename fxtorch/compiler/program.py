"""A compiled program: gather the state, run, write back."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify

from fxtorch.compiler import errors
from fxtorch.compiler.behind import Behind, ProgramNode
from fxtorch.compiler.guards import Guards
from fxtorch.compiler.outcome import Outcome, array_of, renews
from fxtorch.compiler.packing import Packing
from fxtorch.compiler.pieces import CALLS, in_pieces
from fxtorch.compiler.references import Argument, Entry, Held, Reference
from fxtorch.compiler.trace import Layout, Traced
from fxtorch.ops.transposes import cancelling
from fxtorch.ops.xla import compiled
from fxtorch.tensor import Tensor, modes, unwrap
from fxtorch.tensor.checking import CheckError
from fxtorch.tensor.engine import reachable
from fxtorch.tensor.resident import Claim, lock
from fxtorch.tensor.sparse import is_sparse
from fxtorch.tensor.stacks import Stacks
from fxtorch.tensor.tensor import unwrap_aval


class Program:
    """One traced function, compiled.

    Args:
        traced: the pure function with its state; :meth:`Traced.discover` has run.
        donate: whether buffers that the program overwrites are reused for the result.
        name: what to call it.
    """

    def __init__(self, traced: Traced, *, donate: bool, name: str) -> None:
        assert traced.layout is not None
        self.traced = traced
        self._ahead: Any = None  # compiled before the first call
        self._in_place = False  # whether all state is tied to its device
        self._error: Any = None  # how the outcome of checks is put together
        self.name = name
        self.layout: Layout = traced.layout
        references = traced.known.references
        self.changed = changed = _identities(self.layout)
        reuse = donate and not self.layout.differentiable and not self.layout.sides
        renewed = {identity for identity, _, unchanged in changed if not unchanged}
        self.donated = [
            reuse
            and r.identity in renewed
            and not isinstance(r, Argument)
            and not is_sparse(r.find(traced.leaves))  # it may share its places with other Tensors
            for r in references
        ]
        pairs = list(zip(references, self.donated, strict=True))
        self._mutable, self._fixed = ([r for r, d in pairs if d is kind] for kind in (True, False))
        self._tensors = (_tensors(self._mutable), _tensors(self._fixed))

        self.behind = Behind(self) if self.layout.differentiable else None

        def run(mutable: Sequence[Any], fixed: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
            return self._in_slots(mutable, fixed, arrays, scalars)

        run.__name__ = run.__qualname__ = name
        plain = self.behind is not None or not traced.convolves  # what is saved for a backward lies as it is
        self.run = compiled(run if plain else cancelling(run), donate_argnums=0)
        self.compiled = False
        self._calls = 0
        self.in_pieces: Any = None  # what runs in place of ``run`` once there were enough calls
        self._claim: Claim | None = None
        self._outcome: Outcome | None = None
        self._held = {r.identity: r.tensor for r in references if isinstance(r, Held)}
        self._held_ids = frozenset(self._held)
        owners = [c.reference for c in self.layout.changed] + [owner for owner, _ in self.layout.grads]
        self._written = [r.tensor for r in owners if isinstance(r, Held)]
        self._stays = self.behind is None and renews(self.layout, self._tensors[0])
        single = [self._stays and unwrap_aval(r.find(traced.leaves)).ndim == 0 for r in self._mutable]
        self._packing = Packing(
            self._mutable, single, self.layout.stacked if self._stays else (), traced.orders if self._stays else {}
        )
        self._writes_arguments = any(isinstance(r, Argument | Entry) for r in owners)
        self._entries = [r for r in references if isinstance(r, Entry)]

    def _in_slots(
        self, mutable: Sequence[Any], fixed: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]
    ) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any], Sequence[Any]]:
        """The program, of the state as it lies in the inputs; its outputs as :meth:`Outcome.keep` divides them."""
        stacks = Stacks() if self._packing.stacks else None
        given, kept = iter(self._packing.separate(mutable, stacks)), iter(fixed)
        outputs = self._pure([next(given) if d else next(kept) for d in self.donated], arrays, scalars, stacks)
        outcome = self._outcome = Outcome(self.layout, on_tape=self.behind is not None)
        if not self._stays:
            return (), outputs, (), ()
        overwritten = self._tensors[0]
        assert overwritten is not None
        return outcome.keep(overwritten, self._packing, list(outputs), stacks)

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
        if self.traced.found_new or _identities(self.layout) != self.changed:
            raise errors.Unsettled
        return outputs

    def __call__(self, leaves: Sequence[Any], *, repeated: bool = False) -> Any:
        """Run on the flattened arguments.

        Args:
            leaves: the arguments.
            repeated: this call was tried before, so that its host effects before the program have happened.

        Raises:
            StateChanged: the state has shapes or types that the program was not compiled for.
            Shared: an argument shares memory with what the program changes.
        """
        self._check_memory(leaves)
        self._keep_in_place(leaves)
        if not self.compiled:
            self._trace(leaves)
        if not self._mutable:
            return self._run(leaves, repeated=repeated)
        with lock:  # from now on until the new values are there nobody takes one
            try:
                return self._run(leaves, repeated=repeated)
            finally:
                self._end_claim()

    def _trace(self, leaves: Sequence[Any]) -> None:
        """Let JAX trace before the first call: Python code runs then, and may read everything."""
        self.traced.open = True
        self.run.trace(*self._gather(leaves, claims=False))
        self.traced.open, self.compiled = False, True

    def _end_claim(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.end()

    def _run(self, leaves: Sequence[Any], *, repeated: bool) -> Any:
        if self.layout.flows:
            self._check_graphs(leaves)
        if not repeated:
            self._run_effects(late=False)
        if self.behind is None:
            early, outputs, grads, late = self._run_compiled(self._gather(leaves))
            if self._error is not None:
                self._raise_failed(outputs)
            result = self._write_back(outputs, leaves, [*early, *late], grads)
        else:
            result = self._run_recorded(self.behind, leaves)
        self._run_effects(late=True)
        return result

    def fits(self, leaves: Sequence[Any]) -> bool:
        """Whether the arguments that are state are the Tensors that they were."""
        return all(leaves[i] is tensor for i, tensor in self.traced.pinned)

    def _check_memory(self, leaves: Sequence[Any]) -> None:
        """Make sure that what the function changes is reached in one way only.

        Raises:
            Shared: an argument is, or shares memory with, state or another argument.
        """
        if not (self._written or self._writes_arguments):
            return
        given = [leaf for i in self.traced.inputs if isinstance(leaf := leaves[i], Tensor)]
        given += [r.find(leaves) for r in self._entries]
        if not self._held_ids.isdisjoint(map(id, given)):
            raise errors.AlsoArgument([i for i in self.traced.inputs if id(leaves[i]) in self._held])
        cells = {id(cell): t for t in given if (cell := t._cell) is not None}
        if not cells:
            return
        others = self._held.values() if self._writes_arguments else self._written
        if any(id(t._cell) in cells for t in others):
            raise errors.Shared(f"an argument of {self.name} shares memory with state, and one of them is changed")
        if self._writes_arguments and len({id(t) for t in given if t._cell is not None}) != len(cells):
            raise errors.Shared(f"two arguments of {self.name} share memory, and one of them is changed")

    def _check_graphs(self, leaves: Sequence[Any]) -> None:
        """Make sure that the gradients that arrive after the program are none that it has used already.

        Raises:
            Shared: an eager graph that its backward goes on into leads to one.
        """
        used = {id(owner.find(leaves)) for owner in self.layout.late}
        read = [r.find(leaves) for r in self.layout.late_reads]
        memory = {id(x) for t in read for x in (t, t._cell) if x is not None}  # of a view, that of its base
        nodes = [end.owner.find(leaves)._node for end, _ in self.layout.flows]
        for node in reachable([n for n in nodes if n is not None]):
            ends = [edge for edge in node.edges if isinstance(edge, Tensor)]
            grads = [grad for end in ends if (grad := end._grad) is not None]
            if any(id(end) in used for end in ends) or any({id(g), id(g._cell)} & memory for g in grads):
                raise errors.Shared(
                    f"a backward in {self.name} goes on into a graph that was recorded outside of it, and {self.name} "
                    "then uses a gradient that this graph adds to"
                )

    def _keep_in_place(self, leaves: Sequence[Any]) -> None:
        """Tie all state to its device where some is: the results will be, and JAX compiles anew for what changes so."""
        if self._in_place:
            return
        self._in_place = True
        tensors = [r.find(leaves) for r in self.traced.known.references if not isinstance(r, Argument)]
        arrays = [(t, x) for t in tensors if isinstance(x := unwrap(t), jax.Array)]  # not the sparse ones
        places = {x.sharding for _, x in arrays if x.committed}
        if len(places) == 1 and isinstance(place := places.pop(), jax.sharding.SingleDeviceSharding):
            for tensor, array in arrays:
                if not array.committed:  # a copy: another array on the same memory would not know when it is donated
                    tensor._data = jax.device_put(array, place, may_alias=False)

    def _run_effects(self, *, late: bool) -> None:
        for effect, is_late in self.layout.effects:
            if is_late == late:
                effect()

    def lower(self, leaves: Sequence[Any]) -> Any:
        """The program as JAX lowers it for these arguments.

        Raises:
            Unsettled: the trace found something new, and must be repeated.
        """
        self._keep_in_place(leaves)
        self.traced.open = True
        return self.run.lower(*self._gather(leaves, claims=False))

    def use(self, compiled: Any) -> None:
        """Run what :meth:`lower` gave, compiled, wherever the types of the state are what they were."""
        self._ahead, self.compiled = compiled, True

    def _run_compiled(self, given: Any) -> Any:
        if self._ahead is not None:
            try:
                return self._ahead(*given)
            except (TypeError, ValueError) as error:
                raise errors.StateChanged from error
        try:
            return self._run_again(given) if self._calls >= CALLS else self.run(*given)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" in str(error) and any(array.is_deleted() for array in given[0]):
                raise jax.errors.JaxRuntimeError(
                    f"{error}\n{self.name} reuses the memory of what it overwrites, and the state that it was to "
                    "overwrite is lost: restore it from a checkpoint; fxtorch.jit(..., donate=False) keeps it"
                ) from error
            raise
        finally:
            self._calls += 1

    def _run_again(self, given: Any) -> Any:
        if self._calls == CALLS:
            self.in_pieces = in_pieces(self.run, given)
        if self.in_pieces is not None:
            try:
                return self.in_pieces(*given)
            except (TypeError, ValueError):  # other types than at that call, for which JAX compiles anew
                self.in_pieces = None
        return self.run(*given)

    def _gather(
        self, leaves: Sequence[Any], *, claims: bool = True
    ) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """The state that is donated, the state that is not, the arguments and the numbers.

        With ``claims`` the first is taken from its Tensors, and what somebody else still wants is copied.
        """
        steady = None if self._outcome is None or not claims else self._outcome.steady
        mutable = None if steady is None else steady.arrays()
        if mutable is None:
            if claims and self._mutable:
                self._claim = Claim(self._tensors[0] or [r.find(leaves) for r in self._mutable], jnp.copy)
                mutable = self._claim.take()
            else:
                mutable = self._values(self._mutable, self._tensors[0], leaves)
            mutable = self._packing.join(mutable)
        fixed = self._values(self._fixed, self._tensors[1], leaves)
        arrays = [_input(leaves[i]) for i in self.traced.inputs]
        scalars = [s.owner[s.key] for s in self.traced.known.scalars]
        return mutable, fixed, arrays, scalars

    @staticmethod
    def _values(references: Sequence[Reference], tensors: Sequence[Tensor] | None, leaves: Sequence[Any]) -> list[Any]:
        return [unwrap(r.find(leaves)) for r in references] if tensors is None else [t._data for t in tensors]

    def _run_recorded(self, behind: Behind, leaves: Sequence[Any]) -> Any:
        """Run as one call on the tape: its forward and its backward are two compiled programs."""
        given = self._gather(leaves)
        _, outputs, _, _ = self._run_compiled(given)
        if self._error is not None:
            self._raise_failed(outputs)
            outputs = outputs[: -self._error.num_leaves]
        recording = self.layout.recording
        assert recording is not None
        node = ProgramNode(behind, recording, given[1:], modes.autocast)
        node.find(leaves)
        count = len(outputs) - recording.own
        return self._write_back(node.dress(outputs[:count], outputs[count:]), leaves, node=node)

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
        outcome = self._outcome
        if outcome is None or outcome.layout is not self.layout:
            outcome = self._outcome = Outcome(self.layout, on_tape=self.behind is not None)
        return outcome.write_back(outputs, leaves, state, grads, node)

    @property
    def guards(self) -> Guards:
        """What the program takes for granted."""
        return self.layout.guards

    def describe(self) -> dict[str, list[Reference]]:
        """The state it reads and the state it changes."""
        return {"reads": list(self.traced.known.references), "changes": [c.reference for c in self.layout.changed]}


def _input(leaf: Any) -> Any:
    """An argument as an array; NumPy's is copied, since the caller may write to it while the program runs."""
    return unwrap(leaf) if isinstance(leaf, Tensor) else leaf if isinstance(leaf, jax.Array) else np.array(leaf)


def _tensors(references: Sequence[Reference]) -> list[Tensor] | None:
    """The Tensors, where they are the same at each call; that none has become a view is a guard."""
    held = [r.tensor for r in references if isinstance(r, Held) and r.tensor._link is None]
    return held if len(held) == len(references) else None


def _identities(layout: Layout) -> set[Any]:
    """What changes, and how it stands to the tape then: a trace that finds otherwise is another program."""
    return {(c.reference.identity, c.graph, c.output is None) for c in layout.changed}
