"""What stands behind the results of a compiled call on the tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from fxtorch.compiler.behind import Behind, Chain, Walk
from fxtorch.compiler.recording import Name, Recording, key_of
from fxtorch.tensor import Tensor, modes, wrap
from fxtorch.tensor.nodes import CallNode
from fxtorch.tensor.record import Record, outputs
from fxtorch.tensor.tape import FREED, Node


class _Nowhere(Node):
    """Where gradients go that nobody sees."""

    __slots__ = ()

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Nothing."""
        return ()

    pull_tensors = pull


_NOWHERE: tuple[Any, int] = (_Nowhere("nowhere", [], []), 0)


class ProgramNode(Node):
    """A call of a compiled program, or of its backward, on the tape.

    Args:
        behind: the programs.
        recording: the graph that this Node stands for, of which only some steps may be walked at a time.
        inputs: what the program was run on: its state, arguments and numbers.
        autocast: the region that it was called in.
        chain: for the backward of a backward: which roots each so far had cotangents for, and what it looked for.
        cts: these cotangents.
    """

    __slots__ = (
        "_arrays", "_behind", "_cells", "_chain", "_cts", "_ends", "_freed", "_inputs", "_recording",
        "_used", "_versions", "_walked", "_wanted", "autocast",
    )  # fmt: skip

    def __init__(
        self,
        behind: Behind,
        recording: Recording,
        inputs: Any,
        autocast: Any,
        chain: Chain = (),
        cts: Sequence[Any] = (),
    ) -> None:
        super().__init__(behind.program.name, [], [])
        self._behind, self._recording = behind, recording
        self._ends: dict[Any, tuple[Any, int]] = {}  # by the names of the Tensors
        self._cells: dict[Any, list[int]] = {}
        self._inputs, self._chain, self._cts = inputs, chain, cts
        self._arrays: list[Any] = []
        self._versions: list[tuple[list[int], int] | None] = []
        self._freed: set[int] = set()
        self._used: set[int] = set()
        self._wanted: frozenset[int] | None = None
        self._walked: set[int] = set()
        self.autocast = autocast

    chooses = True
    saved_out = residuals = ()

    @property
    def of_saved_values(self) -> bool:  # type: ignore[override]
        """Whether it is walked in one way only, so that it can be part of a backward that is seen again and again."""
        return len(self._recording.roots) == 1

    @property
    def plan(self) -> Walk:
        """Its backward."""
        return self._behind.walk(self._recording)

    def verify(self) -> Sequence[Any]:
        """The saved arrays, once it is sure that they are there and were not overwritten."""
        visited = self._verify((True,))
        self._walked = set(visited)
        return self._saved_for(visited)

    @property
    def n_outputs(self) -> int:
        """How many of the results can be walked from."""
        return len(self._recording.roots)

    def put(self, name: Name, tensor: Tensor) -> None:
        """``tensor``, as it stands on the tape now, is what the recording calls ``name``."""
        key = key_of(name)
        tensor._data  # noqa: B018  (a compiled step counts the changes of those that were asked for)
        if tensor._cell is None:
            tensor._cell = [0, 0]
        self._cells[key] = tensor._cell
        if tensor._rg and tensor._node is not self:
            self._ends[key] = tensor if tensor._node is None else tensor._node, tensor._index

    def find(self, leaves: Sequence[Any]) -> None:
        """Look all Tensors up that were there before the call, whose arguments ``leaves`` are."""
        for name in (*self._recording.ends, *self._recording.cells):
            if not (name is None or isinstance(name, tuple)):
                self.put(name, name.find(leaves))

    def dress(self, outputs: Sequence[Any], own: Sequence[Any]) -> list[Any]:
        """The outputs, of which the roots are Tensors that stand before this Node; the arrays that it saved are kept.

        Args:
            outputs: of the program: arrays.
            own: those that it returned for the backward alone.
        """
        flat = jax.tree.leaves((*self._inputs, *self._cts))
        self._arrays = self._recording.saved_from(flat, outputs, own)
        dressed = list(outputs)
        for i, number in enumerate(self._recording.outputs):
            t = dressed[number] = wrap(outputs[number])
            t._rg, t._node, t._index = True, self, i
        return dressed

    def settle(self, made: Mapping[int, Tensor]) -> None:
        """Lead to the Tensors that are there now, which must not be changed any more.

        Args:
            made: those that the call made, by the numbers of the pieces.
        """
        for number, tensor in made.items():  # all: a backward that is recorded itself may ask for more of them
            self.put(("made", number), tensor)
        for name in self._recording.ends:
            edge, slot = self._ends.get(key_of(name), _NOWHERE)
            self.edges.append(edge)
            self.slots.append(slot)
        cells = [self._cells.get(key_of(name)) for name in self._recording.cells]
        self._versions = [None if cell is None else (cell, cell[1]) for cell in cells]

    def choose(self, wanted: frozenset[int]) -> None:
        """Look at the way to these ends alone, at the next walk."""
        self._wanted = wanted

    def _verify(self, present: tuple[bool, ...]) -> tuple[int, ...]:
        """The steps that are to be walked, once it is sure that they can be."""
        steps, visited = self._recording.steps, self._recording.visited(present, self._wanted)
        for number in visited:
            if number in self._freed:
                raise RuntimeError(FREED)
            steps[number].verify(self._changed)
            if not self._used.isdisjoint(steps[number].parts):  # by way of another result of the same loop
                raise RuntimeError(FREED)
        return visited

    def _changed(self, number: int) -> tuple[int, int] | None:
        entry = self._versions[number]
        return None if entry is None or entry[0][1] == entry[1] else (entry[0][1], entry[1])

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Run the compiled backward."""
        visited = self._verify(tuple(ct is not None for ct in cts))
        self._walked = set(visited)
        self._wanted = None
        return self._behind.backward(self._recording, visited)(self._saved_for(visited), tuple(cts))

    def _saved_for(self, visited: Sequence[int]) -> list[Any]:
        needed = {i for number in visited for i in self._recording.steps[number].saved}
        return [x if i in needed else None for i, x in enumerate(self._arrays)]

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Run a compiled backward that is recorded itself: the function once more, and the walk over its tape."""
        present = tuple(ct is not None for ct in cts)
        visited = self._verify(present)
        self._walked = set(visited)
        if not self._inputs:
            return self._linear(visited, cts)
        level, chain = len(self._chain), (*self._chain, (present, self._wanted))
        self._wanted = None
        pulls = (*self._cts, tuple(None if ct is None else ct._data for ct in cts))
        before, modes.autocast = modes.autocast, self.autocast
        try:
            grads, own, recording = self._behind.again(chain, self._inputs, pulls)
        finally:
            modes.autocast = before
        node = ProgramNode(self._behind, recording, self._inputs, self.autocast, chain, pulls)
        node._ends.update(self._ends)
        node._cells.update(self._cells)
        for i, ct in enumerate(cts):
            if ct is not None:
                node.put(("cotangent", level, i), ct)
        node.settle({})
        return [wrap(g) if isinstance(g, jax.Array) else g for g in node.dress(grads, own)]

    def _linear(self, visited: tuple[int, ...], cts: Sequence[Tensor | None]) -> list[Tensor | None]:
        """The backward by steps that saved nothing of what they were given, recorded as a function of ``cts`` alone."""
        backward, saved = self._behind.backward(self._recording, visited), self._saved_for(visited)
        self._wanted = None
        there: list[int] = []

        def fn(*given: Any) -> Any:
            values = iter(given)
            grads = backward(saved, tuple(None if ct is None else next(values) for ct in cts))
            there[:] = [i for i, g in enumerate(grads) if g is not None]
            return tuple(grads[i] for i in there)

        found = outputs(CallNode.apply(Record(fn, "backward", "residuals"), [ct for ct in cts if ct is not None]))
        grads: list[Tensor | None] = [None] * len(self.edges)
        for i, grad in zip(there, found, strict=True):
            grads[i] = grad
        return grads

    def release(self) -> None:
        """Drop what the steps that were walked saved; what others need stays."""
        steps = self._recording.steps
        self._freed.update(number for number in self._walked if steps[number].frees)
        self._used.update(part for number in self._walked for part in steps[number].parts)
        self._walked.clear()
        left = [i for i, step in enumerate(steps) if i not in self._freed]
        needed = {k for i in left for k in steps[i].saved}
        self._arrays = [x if i in needed else None for i, x in enumerate(self._arrays)]
        if self._freed and not any(steps[i].frees for i in left):
            self._inputs = ()
