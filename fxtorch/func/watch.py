"""Watching a function while JAX transforms it, so that no tracer stays behind in what was there before."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from fxtorch.tensor import Tensor, modes, unwrap
from fxtorch.tensor.holders import holder_of
from fxtorch.tensor.modes import Capture
from fxtorch.tensor.snapshot import Snapshot
from fxtorch.tensor.tape import Node


class Lift(Exception):
    """Tensors from outside that require a gradient were used: the call must be repeated with them as inputs."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors = tensors


class Carry(Exception):
    """Tensors from outside were changed: the call must be repeated with them going round with its state."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors = tensors


def traces_of(arrays: Sequence[Any]) -> set[int]:
    """The traces that ``arrays`` belong to, those around them included."""
    found: set[int] = set()
    for array in arrays:
        trace = array._trace if isinstance(array, Tracer) else None
        while trace is not None and id(trace) not in found:
            found.add(id(trace))
            trace = getattr(trace, "parent_trace", None)
    return found


class Watch:
    """What the core reports to while a user's function runs inside a transformation.

    Args:
        given: arrays that stand in for Tensors from outside, by id.
        lift: whether a Tensor from outside that requires a gradient must be among them.
        outer: who is told as well: another transformation, or the compiler.
        arrays: the arrays that come from outside.
        carried: Tensors among the given whose change the caller brings out.
        carries: whether the caller can bring out the changes of others, too.
        wanting: Tensors from outside that are to want gradients inside, too.
    """

    no_graph = (
        "; inside of a function that a transformation or a loop runs, Tensors from outside are constants to backward():"
        " use torch.func.grad there, and torch.fold for a loop of training steps"
    )

    def __init__(
        self,
        given: dict[int, Any],
        lift: bool,
        outer: Capture | None,
        arrays: Sequence[Any],
        carried: Sequence[Tensor] = (),
        carries: bool = False,
        wanting: Sequence[Tensor] = (),
    ) -> None:
        self.stacks = None  # a transformed function sees other arrays than the program is given
        self.given = given
        self.lift = lift
        self.outer = outer
        self.to_lift: list[Tensor] = []
        self.carried = {id(t) for t in carried}
        self.carries = carries
        self._wanting = {id(t) for t in wanting}
        self._arrays = list(arrays)
        self._made: dict[int, Tensor] = {}
        self._before: dict[int, Snapshot] = {}

    # --- what the core reports --------------------------------------------------------------------------------------

    def made(self, tensor: Tensor) -> None:
        """A Tensor was created."""
        self._made[id(tensor)] = tensor

    def touch(self, tensor: Tensor) -> None:
        """A Tensor is read or changed: one from outside is remembered, and is a constant unless it is given."""
        key = id(tensor)
        if key in self._made or key in self._before:
            return
        modes.capture = self.outer
        try:
            unwrap(tensor)
        finally:
            modes.capture = self
        before = self._before[key] = Snapshot(tensor)
        if tensor._rg:
            if self.lift and key not in self.given:
                self.to_lift.append(tensor)
            wants = key in self._wanting
            start = Node("outside", [], []) if wants and tensor._node is not None else None
            tensor._rg, tensor._node, tensor._index = wants, start, 0
        if key in self.given:
            before.array = tensor._data = self.given[key]
        self._arrays.append(before.attributes["_data"])

    def touch_grad(self, tensor: Tensor, *, adds: bool = False) -> None:
        """A ``.grad`` is read."""
        if self.outer is not None:
            self.outer.touch_grad(tensor, adds=adds)
        self.touch(tensor)

    def adding(self) -> AbstractContextManager[None]:
        """A backward adds to a gradient meanwhile."""
        return nullcontext() if self.outer is None else self.outer.adding()

    def write_grad(self, tensor: Tensor, *, adds: bool = False) -> None:
        """A ``.grad`` is set."""
        if self.outer is not None:
            self.outer.write_grad(tensor, adds=adds)
        self.touch(tensor)

    def scalar(self, owner: dict[Any, Any], key: Any) -> Any:
        """A number that may change between calls is read."""
        return owner[key] if self.outer is None else self.outer.scalar(owner, key)

    def guard(self, name: str, compute: Callable[[], Any]) -> Any:
        """A fact about Python state decides what is computed."""
        return compute() if self.outer is None else self.outer.guard(name, compute)

    def place(self, tensor: Tensor) -> None:
        """Nowhere that stacks reach."""

    def optimizer(self, optimizer: Any) -> None:
        """An optimizer is about to step."""
        if self.outer is not None:
            self.outer.optimizer(optimizer)

    def materialize(self, build: Callable[[], Any], undo: Callable[[], None]) -> Any:
        """State is created lazily, outside of all transformations."""
        if self.outer is not None:
            return self.outer.materialize(build, undo)
        modes.capture = None
        try:
            with jax.ensure_compile_time_eval():
                return build()
        finally:
            modes.capture = self

    def options_shown(self, owner: Any, key: str | None) -> None:
        """An optimizer or a scheduler shows one of its numbers, or all."""
        if self.outer is not None:
            self.outer.options_shown(owner, key)

    def effect(self, run: Callable[[], None], owner: Any, scalars: tuple[tuple[dict[Any, Any], Any], ...]) -> None:
        """Something is to be done on the host."""
        if self.outer is None:
            run()
        else:
            self.outer.effect(run, owner, scalars)

    def side(self, kind: str) -> None:
        """The program does something beside computing."""
        if self.outer is not None:
            self.outer.side(kind)

    def not_yet(self, why: str) -> BaseException | None:
        """What is done once only is about to be done: a transformation alone does not mind."""
        return None if self.outer is None else self.outer.not_yet(why)

    def needs_value(self, tensor: Tensor, what: str) -> BaseException:
        """Python asked for a value that is not known."""
        if self.outer is not None:
            return self.outer.needs_value(tensor, what)
        return RuntimeError(
            f"{what} needs the value of a Tensor that a transformation (vmap, jit) has made many of, or none yet; use "
            "torch.where to choose between values, or look at the Tensor outside of the function"
        )

    # --- the end ----------------------------------------------------------------------------------------------------

    def outside(self) -> list[Tensor]:
        """The Tensors from outside that were read or changed."""
        return [before.tensor for before in self._before.values()]

    def met(self, tensor: Tensor) -> bool:
        """Whether a Tensor from outside was read or changed."""
        return id(tensor) in self._before

    def is_foreign(self, array: Any) -> bool:
        """Whether ``array`` is a tracer of this transformation, which means nothing outside of it."""
        return isinstance(array, Tracer) and id(array._trace) not in traces_of(self._arrays)

    def roll_back(self) -> None:
        """Make every Tensor from outside what it was."""
        for before in self._before.values():
            before.restore()

    def settle(self) -> None:
        """Let changes of Tensors from outside stand where they are values.

        Raises:
            RuntimeError: one would be a tracer of this transformation; all changes are then taken back.
            Carry: the same, where the caller can bring them out.
        """
        if self.carries:
            changed_here = [
                before.tensor
                for key, before in self._before.items()
                if key not in self.carried
                and before.tensor._data is not before.array
                and self.is_foreign(before.tensor._data)
            ]
            if changed_here:
                self.roll_back()
                raise Carry(changed_here)
        for key, before in self._before.items():
            t, changed = before.tensor, []
            if key in self.carried:
                before.restore()
                continue
            if t._data is not before.array and self.is_foreign(t._data):
                changed.append("")
            grad = t.__dict__.get("_grad")
            if grad is not None and grad is not before.attributes.get("_grad") and self.is_foreign(grad._data):
                changed.append(".grad of ")
            if changed:
                self.roll_back()
                raise RuntimeError(
                    f"{changed[0]}{holder_of(t)} was changed inside a function that fxtorch.func or JAX transforms, to "
                    "a value that exists only inside of it. Pass it to the function as an argument, and return its "
                    "new value (batch norm: use eval(), track_running_stats=False, or functional_call with the "
                    "buffers as arguments)"
                )
        for before in self._before.values():
            before.let_stand()

    def check_nothing_escaped(self) -> None:
        """Make sure that the Tensors made inside are gone, or are values.

        Raises:
            RuntimeError: one that holds a tracer of this transformation is still held by something.
        """
        refs = [weakref.ref(t) for t in self._made.values()]
        self._made.clear()
        if all(ref() is None for ref in refs):
            return
        if any(self.is_foreign(t._data) for t in (ref() for ref in refs) if t is not None):
            gc.collect()
        for ref in refs:
            t = ref()
            if t is not None and self.is_foreign(t._data):
                where = holder_of(t)
                self._neutralize(refs)
                raise RuntimeError(
                    f"{where} holds a Tensor that was made inside a function that fxtorch.func or JAX transforms, "
                    "after "
                    "it has ended; its value exists only inside. Return it from the function (has_aux=True)"
                )
            if t is not None and self.outer is not None:
                self.outer.made(t)

    def _neutralize(self, refs: Sequence[Any]) -> None:
        for ref in refs:
            t = ref()
            if t is not None and self.is_foreign(t._data):
                shape, dtype = t._data.shape, t._data.dtype
                with jax.ensure_compile_time_eval():
                    inexact = jnp.issubdtype(dtype, jnp.inexact)
                    t.__dict__.update(_data=jnp.full(shape, jnp.nan if inexact else 0, dtype), _link=None, _node=None)
