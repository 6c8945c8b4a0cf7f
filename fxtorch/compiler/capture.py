"""Watching a function while it is traced: what it reads, what it changes, what it takes for granted."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

from fxtorch.compiler import errors
from fxtorch.compiler.effects import Effects
from fxtorch.compiler.escape import Made
from fxtorch.compiler.guards import A_TENSOR, ABSENT
from fxtorch.compiler.optimizers import Optimizers
from fxtorch.compiler.options import Options
from fxtorch.compiler.places import Place, Whole
from fxtorch.compiler.references import Argument, Gradient, Held, Input, Reference, Scalar
from fxtorch.compiler.stores import Stores
from fxtorch.tensor import Tensor, modes, unwrap
from fxtorch.tensor.checking import user_line
from fxtorch.tensor.snapshot import Snapshot
from fxtorch.tensor.stacks import Stacks


class Capture(Stores):
    """One trace of a function.  What it finds out beyond what it was told shows in ``found_new``.

    Args:
        references: the state that is known; each is traced.
        tracers: what stands for them.
        scalars: the numbers that are known, and ``scalar_tracers`` what stands for them.
        arguments: the Tensors that stand for the arguments, by position.
        assigned: the places that an earlier trace saw assigned.
        names: the attributes that the function's code mentions.
        stacks: where the function stacks state of one shape; None where it may not.
    """

    no_graph = ""  # what a backward of a Tensor without a graph is told beside that

    def __init__(
        self,
        references: Sequence[Reference],
        tracers: Sequence[Any],
        scalars: Sequence[Scalar],
        scalar_tracers: Sequence[Any],
        arguments: dict[int, Tensor],
        originals: Sequence[Any],
        assigned: set[Any],
        names: frozenset[str],
        stacks: Stacks | None = None,
    ) -> None:
        super().__init__(assigned, names)
        self.stacks = stacks
        self.references = list(references)
        self.scalars = list(scalars)
        self.effects = Effects()
        self.undo: list[Callable[[], None]] = []
        self.sides: set[str] = set()
        self.inputs: dict[Any, Input] = {}  # by the identity of whose eager graph they stand for
        self.grads_written: dict[Any, Held | Argument] = {}
        self.late: dict[Any, Held | Argument] = {}  # whose ``.grad`` is used after gradients have gone there
        self._late_reads: set[int] = set()  # the Tensors that are used then
        self._adding = False  # a backward adds to a gradient, which may come before or after what others add
        self.given: dict[int, Any] = {}  # the tracer each known Tensor was given
        self._known = {r.identity: t for r, t in zip(references, tracers, strict=True)}
        self._values = dict(zip(((id(s.owner), s.key) for s in scalars), scalar_tracers, strict=True))
        self._constants: set[int] = set()  # the arrays that stand for themselves
        self._scalars_read: set[tuple[int, Any]] = set()
        self._superseded: set[tuple[int, Any]] = set()  # the numbers that a host effect after the program changes
        self._snapshots: dict[int, Snapshot] = {}
        self._made: dict[int, Tensor] = {}
        self._lines: dict[int, str] = {}  # of the user's code, where they were made
        self._grads_seen: set[Any] = set()
        self._arguments = {id(t): Argument(i) for i, t in arguments.items()}
        self._stand_ins = list(arguments.values())
        self._originals = originals
        self._passed = {id(originals[i]) for i in arguments}  # the caller's Tensors that the arguments stand for
        self._optimizers = Optimizers(self.guards, self.surroundings)
        self._options = Options(self.guards, self.surroundings)

    # --- what the core tells ----------------------------------------------------------------------------------------

    def made(self, tensor: Tensor) -> None:
        """A Tensor was created in the trace."""
        self._made[id(tensor)] = tensor
        self._lines[id(tensor)] = user_line()

    def touch(self, tensor: Tensor) -> None:
        """A Tensor is about to be read or rebound: if it is from outside, give it its tracer."""
        key = id(tensor)
        if not self._adding and self._flows():
            self._late_reads.add(key)
        if key in self._snapshots or key in self._made or key in self._arguments:
            return
        if key in self._passed:
            raise errors.AlsoArgument([i for i, leaf in enumerate(self._originals) if leaf is tensor])
        self._snapshots[key] = Snapshot(tensor)
        self.surroundings.tensor(tensor, "state")
        if tensor._cell is None:
            tensor._cell = [0, 0]
        if tensor._link is not None and key not in self._aliases:
            self.guards.flag(tensor, "_link")
            if tensor._node is None:  # it may be a leaf
                self.guards.flag(tensor, "_rg")
                if tensor._rg:
                    self._hooks(tensor)
            tensor._link.seen = -1  # read it from its base, which is the state
            return
        if tensor._link is not None:  # it is found anew at each call, and has another base then
            modes.capture = None
            try:
                unwrap(tensor)
            finally:
                modes.capture = self
            tensor._link = None
        reference = self.reference(tensor)
        tracer = self._known.get(reference.identity, ABSENT)
        if tracer is ABSENT:
            self._found(reference, tensor._data)
            tracer = tensor._data
            if self.stacks is not None and id(tracer) in self._constants:  # the copies of a block begin with one array
                tracer = jnp.copy(tracer)
            self._constants.add(id(tracer))
        tensor._data = tracer
        self.given[key] = tracer
        self.guards.flag(tensor, "_rg")
        if isinstance(reference, Held):
            self.guards.flag(tensor, "_link")
        if tensor._rg:
            self._hooks(tensor)
            if tensor._node is None:
                self.guards.flag(tensor, "_node")
            else:  # the graph behind it belongs to eager code
                self.guards.computed(lambda: f"{self._name(tensor)} is no leaf", lambda: tensor._node is not None, True)
                self.input(tensor, Held(tensor))

    def _hooks(self, tensor: Tensor) -> None:
        for kind in ("_hooks", "_post_hooks"):
            self.guards.flag(tensor, kind)
            if table := tensor.__dict__.get(kind):
                self.guards.contents(table, table, "the hooks of a Tensor")
                for hook in table.values():
                    self.surroundings.value(hook, "a hook of a Tensor")

    def input(self, tensor: Tensor, owner: Held | Argument) -> None:
        """Let a backward that reaches ``tensor`` end there; its eager graph is walked on after the program."""
        node = self.inputs[owner.identity] = Input(owner)
        tensor._rg, tensor._node, tensor._index = True, node, 0

    def touch_grad(self, tensor: Tensor, *, adds: bool = False) -> None:
        """A ``.grad`` is about to be read: unless it was set before, it is state, and that it exists is a guard."""
        owner = self._owner(tensor)
        self._note_late(owner, adds)
        if owner is None or ("grad", owner.identity) in self._grads_seen:
            return
        self._remember(tensor)
        self._grads_seen.add(("grad", owner.identity))
        grad = tensor._grad
        if grad is not None:
            if grad._node is not None and not self.is_made(grad):
                raise errors.NotCompilable(
                    f"{self._name(tensor)}.grad is part of a graph that was recorded outside of it; detach() it first"
                )
            self._aliases[id(grad)] = Gradient(owner)
        if isinstance(owner, Held):
            if grad is None:
                self.guards.entry(tensor.__dict__, "_grad", ABSENT, A_TENSOR)
            else:
                named = lambda: f"{self._name(tensor)}.grad is there"  # noqa: E731
                self.guards.computed(named, lambda: (now := tensor._grad) is not None and now._node is None, True)

    def _note_late(self, owner: Held | Argument | None, adds: bool) -> None:
        """Gradients that go on into an eager graph arrive after the program: none that is used before may be theirs."""
        if owner is not None and not adds and self._flows():
            self.late[owner.identity] = owner

    def _flows(self) -> bool:
        """Whether gradients have gone on into an eager graph."""
        return bool(self.inputs) and any(node.ct is not None for node in self.inputs.values())

    @contextmanager
    def adding(self) -> Iterator[None]:
        """A backward adds to a gradient meanwhile."""
        before, self._adding = self._adding, True
        try:
            yield
        finally:
            self._adding = before

    def write_grad(self, tensor: Tensor, *, adds: bool = False) -> None:
        """A ``.grad`` is about to be set."""
        owner = self._owner(tensor)
        self._note_late(owner, adds)
        if owner is None:
            return
        self._remember(tensor)
        reference = Gradient(owner)
        self._grads_seen.add(reference.identity)
        self.grads_written[reference.identity] = owner

    def scalar(self, owner: dict[Any, Any], key: Any) -> Any:
        """A number in a dictionary is read."""
        value = owner[key]
        place = (id(owner), key)
        if isinstance(value, Tensor):
            return value
        if place in self._superseded:
            raise errors.NotCompilable(
                f"{key!r} is used, changed (by a scheduler, say) and used again in one call; let the changes come "
                "before or after all uses"
            )
        if not _numeric(value):
            self.guards.entry(owner, key, value)
            return value
        self._scalars_read.add(place)
        if place in self._values:
            return self._values[place]
        self.found_new = True
        self.scalars.append(Scalar(owner, key))
        self._values[place] = value
        return value

    def materialize(self, build: Callable[[], Any], undo: Callable[[], None]) -> Any:
        """State is created lazily: outside of the trace, so that the next trace finds it."""
        before, modes.capture = modes.capture, None
        try:
            with jax.ensure_compile_time_eval():
                result = build()
        finally:
            modes.capture = before
        self.undo.append(undo)
        self._optimizers.built()
        return result

    def options_shown(self, owner: Any, key: str | None) -> None:
        """An optimizer or a scheduler shows one of its numbers, or all."""
        self._options.shown(owner, key)

    def optimizer(self, optimizer: Any) -> None:
        """An optimizer steps."""
        self._options.met(optimizer, type(optimizer).__name__)
        self._optimizers.steps(optimizer)

    def place(self, tensor: Tensor) -> Any:
        """Where the array of ``tensor`` lies, if it is state that ``stacks`` may hold with others; else None."""
        before = self._snapshots.get(id(tensor))
        sharding = None if before is None else getattr(before.array, "sharding", None)
        may = self.stacks is not None and tensor._link is None and isinstance(sharding, SingleDeviceSharding)
        return sharding if may else None

    def effect(self, run: Callable[[], None], owner: Any, scalars: tuple[tuple[dict[Any, Any], Any], ...]) -> None:
        """A host effect: before the numbers of the program are read where it changes none of them, else after that."""
        places = {(id(table), key) for table, key in scalars}
        self._options.moves(owner, places)
        late = bool(places & self._scalars_read) or self.effects.any_late
        if late:
            self._superseded |= places
        self.effects.add(run, owner, scalars, late=late)

    def side(self, kind: str) -> None:
        """The program does something beside computing.

        Raises:
            DataDependent: a Tensor is printed, whose values are not known.
        """
        if kind == "print":
            raise errors.needs_value("print() or repr() of a Tensor")
        self.sides.add(kind)

    def not_yet(self, why: str) -> BaseException:
        """What is done once only, and eagerly, is about to be done."""
        return errors.NotYet(why)

    def needs_value(self, tensor: Tensor, what: str) -> BaseException:
        """Python asked for the value of a traced Tensor."""
        return errors.needs_value(what)

    # --- the end of the function -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Note what was stored, and what optimizers relied on, at the end of the trace.

        Raises:
            NotCompilable: random numbers of Python's or NumPy's were drawn.
        """
        if (source := self.surroundings.drawn_from()) is not None:
            raise errors.NotCompilable(
                f"it draws random numbers from {source}, which would be the same at every call; use torch.rand and its "
                "like, or pass the numbers as Tensors"
            )
        self._drop_superseded()
        self.surroundings.settle()
        self._options.settle()
        for place, old in self.surroundings.written():
            self.wrote(place, old)
        for container, items, name in self.surroundings.containers():
            if isinstance(container, dict):
                self.guards.size(container, len(items), name)
            elif Whole(container).identity not in self._followed:
                self.guards.contents(container, items, name)
        for place, old in self._optimizers.settle(self._scalars_read):
            self.writes[place.identity] = place, old

    def _drop_superseded(self) -> None:
        """Forget Tensors that an earlier trace knew by their identity, and that are found by their places now."""
        kept = [r for r in self.references if not (isinstance(r, Held) and id(r.tensor) in self._aliases)]
        self.found_new |= len(kept) != len(self.references)
        self.references = kept

    # --- the end ----------------------------------------------------------------------------------------------------

    def is_made(self, tensor: Tensor) -> bool:
        """Whether the Tensor was created in the trace."""
        return id(tensor) in self._made

    def is_of_trace(self, tensor: Tensor) -> bool:
        """Whether the Tensor is gone after the trace: created in it, or standing for an argument."""
        return id(tensor) in self._made or id(tensor) in self._arguments

    def tensors(self) -> list[Tensor]:
        """Those that were not created in the trace: from outside, or standing for an argument."""
        return [*(before.tensor for before in self._snapshots.values()), *self._stand_ins]

    def reference(self, tensor: Tensor) -> Reference:
        """Where a Tensor from outside is to be found."""
        return self._aliases.get(id(tensor)) or Held(tensor)

    def argument(self, tensor: Tensor) -> Argument | None:
        """The argument that ``tensor`` stands for."""
        return self._arguments.get(id(tensor))

    def late_reads(self) -> list[Reference]:
        """Whose memory is used after gradients have gone on into an eager graph."""
        tensors = [t for t in self.tensors() if id(t) in self._late_reads]
        return [self.argument(t) or self.reference(t) for t in tensors]

    def places_written(self) -> list[Place]:
        """Where something was stored that is not what was there."""
        return [place for place, old in self.writes.values() if place.get() is not old]

    def touched(self) -> list[tuple[Reference, Tensor, Any, tuple[bool, Input | None]]]:
        """The Tensors from outside, the arrays they were given, their flags and places on the tape at the start."""
        out: list[tuple[Reference, Tensor, Any, tuple[bool, Input | None]]] = []
        for key, tracer in self.given.items():
            before = self._snapshots[key]
            was = (before.attributes.get("_rg", False), self.inputs.get(Held(before.tensor).identity))
            out.append((self.reference(before.tensor), before.tensor, tracer, was))
        return out

    def stacked(self) -> list[list[Held]]:
        """The state of which the function stacked what it was given; each piece in one stack."""
        owners: dict[int, list[Tensor]] = {}
        for key, tracer in self.given.items():
            owners.setdefault(id(tracer), []).append(self._snapshots[key].tensor)
        seen: set[int] = set()
        found = []
        for rows in self.stacks.asked if self.stacks is not None else ():
            tensors = [owners[id(row)][0] for row in rows if len(owners.get(id(row), ())) == 1]
            tensors = [t for t in tensors if isinstance(self.reference(t), Held)]
            names = set(map(id, tensors))
            if len(names) == len(rows) > 1 and not seen & names:
                seen |= names
                found.append([Held(t) for t in tensors])
        return found

    def roll_back(self) -> tuple[Made, Made]:
        """Restore every Tensor and attribute; returns the Tensors made in the trace, and what stood for arguments."""
        for snapshot in self._snapshots.values():
            snapshot.restore()
        for place, old in (*self.surroundings.written(), *self._options.written()):  # not settled where it failed
            self.writes.setdefault(place.identity, (place, old))
        for place, old in self.writes.values():
            place.set(old)
        made = [(weakref.ref(t), self._lines[key]) for key, t in self._made.items()]
        stood = [(weakref.ref(t), f"argument {self._arguments[id(t)].position}") for t in self._stand_ins]
        for table in (self._made, self._stand_ins, self._snapshots, self.given, self._known):
            table.clear()  # a trace lies in cycles, and would keep the values of before until they are collected
        return made, stood

    def _name(self, tensor: Tensor) -> str:
        return self.surroundings.naming.of_tensor(tensor.__dict__)

    def _owner(self, tensor: Tensor) -> Held | Argument | None:
        if id(tensor) in self._made:
            return None
        return self._arguments.get(id(tensor)) or Held(tensor)

    def _remember(self, tensor: Tensor) -> None:
        if id(tensor) not in self._arguments:
            self.touch(tensor)

    def _found(self, reference: Reference, array: Any) -> None:
        self.found_new = True
        self.references.append(reference)
        self._known[reference.identity] = array


def _numeric(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return bool(value) and all(_numeric(v) for v in value)
    return isinstance(value, int | float | complex | np.generic) and not isinstance(value, bool)
