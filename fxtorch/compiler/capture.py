"""Watching a function while it is traced: what it reads, what it changes, what it takes for granted."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from fxtorch.compiler import errors
from fxtorch.compiler.guards import ABSENT, Guards
from fxtorch.compiler.references import Argument, Entry, Gradient, Held, Reference
from fxtorch.nn import Module
from fxtorch.tensor import Tensor, modes


class _Snapshot:
    """A Tensor as it was before the trace touched it."""

    __slots__ = ("attributes", "cell", "seen", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.attributes = dict(tensor.__dict__)
        self.cell = None if tensor._cell is None else list(tensor._cell)
        self.seen = None if tensor._link is None else tensor._link.seen

    def restore(self) -> None:
        """Put everything back."""
        t = self.tensor
        t.__dict__.clear()
        t.__dict__.update(self.attributes)
        if self.cell is not None:
            t._cell[:] = self.cell  # type: ignore[index]
        if self.seen is not None:
            t._link.seen = self.seen  # type: ignore[union-attr]


class _Table:
    """A dictionary of an optimizer's, and what was in it before the trace."""

    __slots__ = ("before", "table")

    def __init__(self, table: dict[Any, Any], *, empty: bool = False) -> None:
        self.table = table
        self.before: dict[Any, Any] = {}
        if not empty:
            self.look()

    def look(self) -> None:
        """Take what is there now as what was there before."""
        self.before = dict(self.table)


class Scalar:
    """A number (or a tuple of numbers) in a dictionary, read anew at each call."""

    __slots__ = ("key", "owner")

    def __init__(self, owner: dict[Any, Any], key: Any) -> None:
        self.owner = owner
        self.key = key

    def read(self) -> Any:
        """The number now, as an array or Python number."""
        return self.owner[self.key]


class Capture:
    """One trace of a function.  What it finds out beyond what it was told shows in ``found_new``.

    Args:
        references: the state that is known; each is traced.
        tracers: what stands for them.
        scalars: the numbers that are known, and ``scalar_tracers`` what stands for them.
        arguments: the Tensors that stand for the arguments, by position.
        assigned: the dictionary entries that an earlier trace saw assigned.
    """

    def __init__(
        self,
        references: Sequence[Reference],
        tracers: Sequence[Any],
        scalars: Sequence[Scalar],
        scalar_tracers: Sequence[Any],
        arguments: dict[int, Tensor],
        originals: Sequence[Any],
        assigned: set[tuple[int, str]],
    ) -> None:
        self.references = list(references)
        self.scalars = list(scalars)
        self.found_new = False
        self.guards = Guards()
        self.effects: list[tuple[Callable[[], None], bool]] = []
        self.undo: list[Callable[[], None]] = []
        self.assigned = set(assigned)
        self.writes: dict[tuple[int, Any], tuple[dict[Any, Any], Any, Any]] = {}
        self.grads_written: dict[Any, Held | Argument] = {}
        self.given: dict[int, Any] = {}  # the tracer each known Tensor was given
        self._known = {r.identity: t for r, t in zip(references, tracers, strict=True)}
        self._values = dict(zip(((id(s.owner), s.key) for s in scalars), scalar_tracers, strict=True))
        self._scalars_read: set[tuple[int, Any]] = set()
        self._snapshots: dict[int, _Snapshot] = {}
        self._made: dict[int, Tensor] = {}
        self._aliases: dict[int, Reference] = {}
        self._grads_seen: set[Any] = set()
        self._arguments = {id(t): Argument(i) for i, t in arguments.items()}
        self._originals = originals
        self._optimizers: dict[int, Any] = {}
        self._tables: dict[int, _Table] = {}

    # --- what the core tells ----------------------------------------------------------------------------------------

    def made(self, tensor: Tensor) -> None:
        """A Tensor was created in the trace."""
        self._made[id(tensor)] = tensor

    def touch(self, tensor: Tensor) -> None:
        """A Tensor is about to be read or rebound: if it is from outside, give it its tracer."""
        key = id(tensor)
        if key in self._snapshots or key in self._made or key in self._arguments:
            return
        self._snapshots[key] = _Snapshot(tensor)
        if tensor._cell is None:
            tensor._cell = [0, 0]
        if tensor._link is not None:
            tensor._link.seen = -1  # read it from its base, which is the state
            return
        reference = self.reference(tensor)
        tracer = self._known.get(reference.identity, ABSENT)
        if tracer is ABSENT:
            self._found(reference)
            tracer = tensor._data
        tensor._data = tracer
        if tensor._node is not None:  # the graph behind it belongs to eager code
            tensor._node, tensor._index = None, 0
        self.given[key] = tracer
        self.guards.entry(tensor.__dict__, "_rg", tensor.__dict__.get("_rg", ABSENT), "a Tensor")

    def touch_grad(self, tensor: Tensor) -> None:
        """A ``.grad`` is about to be read: unless it was set before, it is state, and that it exists is a guard."""
        owner = self._owner(tensor)
        if owner is None or ("grad", owner.identity) in self._grads_seen:
            return
        self._remember(tensor)
        self._grads_seen.add(("grad", owner.identity))
        grad = tensor._grad
        if grad is not None:
            self._aliases[id(grad)] = Gradient(owner)
        if isinstance(owner, Held):
            if grad is None:
                self.guards.entry(tensor.__dict__, "_grad", ABSENT, "a Tensor")
            else:
                self.guards.computed("a Tensor has .grad", lambda: tensor._grad is not None, True)

    def write_grad(self, tensor: Tensor) -> None:
        """A ``.grad`` is about to be set."""
        owner = self._owner(tensor)
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

    def guard(self, name: str, compute: Callable[[], Any]) -> Any:
        """A fact about Python state that the trace relies on."""
        value = compute()
        self.guards.computed(name, compute, value)
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
        for table in self._tables.values():
            table.look()
        return result

    def optimizer(self, optimizer: Any) -> None:
        """An optimizer steps: what it remembers is state, and its structure a guard."""
        if id(optimizer) in self._optimizers:
            return
        self._optimizers[id(optimizer)] = optimizer
        name = type(optimizer).__name__
        self.guards.entry(optimizer.__dict__, "state", optimizer.state, name)
        self.guards.entry(optimizer.__dict__, "param_groups", optimizer.param_groups, name)
        for group in optimizer.param_groups:
            self.guards.entry(group, "params", group["params"], f"{name}.param_groups")
        for table in (optimizer.state, *optimizer.state.values()):
            self._tables[id(table)] = _Table(table)

    def effect(self, run: Callable[[], None], scalars: tuple[tuple[dict[Any, Any], Any], ...]) -> None:
        """A host effect: before the program where it changes numbers that are not read yet, else after it."""
        places = {(id(owner), key) for owner, key in scalars}
        late = bool(places & self._scalars_read) or any(was_late for _, was_late in self.effects)
        self.effects.append((run, late))

    def needs_value(self, tensor: Tensor, what: str) -> BaseException:
        """Python asked for the value of a traced Tensor."""
        return errors.needs_value(what)

    # --- what modules tell ------------------------------------------------------------------------------------------

    def read_attribute(self, table: dict[str, Any], key: str, value: Any, name: str) -> None:
        """A module's attribute was read."""
        place = (id(table), key)
        if place in self.writes:
            return
        if isinstance(value, Tensor) and place in self.assigned:
            self._aliases.setdefault(id(value), Entry(table, key))
            self.guards.computed(f"{name}.{key} is a Tensor", lambda: isinstance(table.get(key), Tensor), True)
            return
        self.guards.entry(table, key, value, name)

    def wrote_attribute(self, table: dict[str, Any], key: str, old: Any) -> None:
        """A module's attribute was assigned."""
        place = (id(table), key)
        if place not in self.writes:
            self.writes[place] = (table, key, old)
        if place not in self.assigned:
            self.assigned.add(place)
            self.found_new = True

    def settle(self) -> None:
        """Note what optimizers relied on and what they stored, at the end of the trace."""
        for optimizer in self._optimizers.values():
            name = type(optimizer).__name__
            for group in optimizer.param_groups:
                for key, value in group.items():
                    if (id(group), key) not in self._scalars_read:
                        self.guards.entry(group, key, value, f"{name}.param_groups")
            for state in optimizer.state.values():
                self._tables.setdefault(id(state), _Table(state, empty=True))
        for table in self._tables.values():
            self.guards.sized(table.table, len(table.before), "an optimizer's state")
            for key, value in table.before.items():
                self.guards.entry(table.table, key, value, "an optimizer's state")
            for key, value in table.table.items():
                old = table.before.get(key, ABSENT)
                if value is not old:
                    self.writes[(id(table.table), key)] = (table.table, key, old)

    # --- the end ----------------------------------------------------------------------------------------------------

    def is_made(self, tensor: Tensor) -> bool:
        """Whether the Tensor was created in the trace."""
        return id(tensor) in self._made

    def reference(self, tensor: Tensor) -> Reference:
        """Where a Tensor from outside is to be found."""
        return self._aliases.get(id(tensor)) or Held(tensor)

    def argument(self, tensor: Tensor) -> Argument | None:
        """The argument that ``tensor`` stands for."""
        return self._arguments.get(id(tensor))

    def changed(self) -> list[tuple[Reference, Any]]:
        """The state whose array is another one now, with the new array."""
        out: list[tuple[Reference, Any]] = []
        for key, tracer in self.given.items():
            tensor = self._snapshots[key].tensor
            if tensor._data is not tracer:
                out.append((self.reference(tensor), tensor._data))
        return out

    def roll_back(self) -> list[weakref.ref[Tensor]]:
        """Restore every Tensor and attribute; returns the Tensors made in the trace."""
        for snapshot in self._snapshots.values():
            snapshot.restore()
        for table, key, old in self.writes.values():
            if old is ABSENT:
                table.pop(key, None)
            else:
                table[key] = old
        made = [weakref.ref(t) for t in self._made.values()]
        self._made.clear()
        return made

    def _owner(self, tensor: Tensor) -> Held | Argument | None:
        if id(tensor) in self._made:
            return None
        return self._arguments.get(id(tensor)) or Held(tensor)

    def _remember(self, tensor: Tensor) -> None:
        if id(tensor) not in self._arguments:
            self.touch(tensor)

    def _found(self, reference: Reference) -> None:
        self.found_new = True
        self.references.append(reference)
        self._known[reference.identity] = reference.find(self._originals)._data


def _numeric(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return bool(value) and all(_numeric(v) for v in value)
    return isinstance(value, int | float | complex | np.generic) and not isinstance(value, bool)


@contextlib.contextmanager
def watching(capture: Capture) -> Iterator[None]:
    """Trace: Tensors report to ``capture``, and so do the attributes of Modules."""
    before = modes.capture
    plain_get, plain_set = Module.__getattribute__, Module.__setattr__
    plain_missing = Module.__getattr__

    def get(self: Module, name: str) -> Any:
        if modes.capture is not capture:  # another thread, or code that runs outside of the trace
            return plain_get(self, name)
        try:
            value = plain_get(self, name)
        except AttributeError:
            value = plain_missing(self, name)
            state = plain_get(self, "__dict__")
            for group in ("_parameters", "_buffers", "_modules"):
                table = state.get(group, ())
                if name in table:
                    capture.read_attribute(table, name, value, type(self).__name__)
            return value
        if not name.startswith("__"):
            state = plain_get(self, "__dict__")
            if name in state:
                capture.read_attribute(state, name, value, type(self).__name__)
        return value

    def set_(self: Module, name: str, value: Any) -> None:
        if modes.capture is not capture:
            plain_set(self, name, value)
            return
        state = plain_get(self, "__dict__")
        tables = [state, *(state[g] for g in ("_parameters", "_buffers", "_modules") if g in state)]
        before_each = [t.get(name, ABSENT) for t in tables]
        plain_set(self, name, value)
        for table, old in zip(tables, before_each, strict=True):
            if table.get(name, ABSENT) is not old:
                capture.wrote_attribute(table, name, old)

    modes.capture = capture
    Module.__getattribute__ = get  # type: ignore[method-assign]
    Module.__setattr__ = set_  # type: ignore[method-assign]
    try:
        yield
    finally:
        modes.capture = before
        del Module.__getattribute__
        Module.__setattr__ = plain_set  # type: ignore[method-assign]
