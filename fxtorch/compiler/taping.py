"""The tape at the end of a trace: what its walk needs, and the walks that are themselves recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

from fxtorch.compiler.recording import Name, Recorder, Recording
from fxtorch.compiler.references import Input
from fxtorch.tensor import Tensor, modes, wrap
from fxtorch.tensor.engine import walk

if TYPE_CHECKING:
    from fxtorch.compiler.capture import Capture
    from fxtorch.compiler.results import Collector

Pulls = Sequence[tuple[Sequence[Any], frozenset[int] | None]]
Roots = list[tuple[int, Tensor]]


def taped(
    capture: Capture, collector: Collector, roots: Roots, inputs: Any, outputs: Sequence[Any], pulls: Pulls = ()
) -> tuple[Sequence[Any], list[Any], Recording]:
    """Record the graph behind the results of a traced function, or behind gradients of theirs.

    Args:
        capture: of the trace, which is not over yet.
        collector: what the function hands back.
        roots: the Tensors among it that have a graph, with the numbers of their outputs.
        inputs: of the program, ``pulls`` included.
        outputs: of the program.
        pulls: of one backward after another the cotangents (None where there is none), and the numbers of the ends
            whose gradients are looked for (None: all).

    Returns:
        the outputs: those given, or the gradients that the last of the backwards finds; the saved arrays that are to
        be returned beside them; and the graph behind them.
    """
    names = _Names(capture, collector)
    flat = jax.tree.leaves(inputs)
    recorder = Recorder(roots, flat, outputs, names.of_end, names.of_cells(), names.tensors)
    for level, (cts, wanted) in enumerate(pulls):
        for end in recorder.objects:
            if isinstance(end, Tensor):  # its hooks are called by whoever walks on from there
                end.__dict__.pop("_hooks", None)
        given = names.cotangents(level, cts)
        targets = [*((end, 0) if isinstance(end, Input) else end for end in recorder.objects)]
        grads = _pulled(roots, given, targets, wanted)
        roots = [(i, g) for i, g in enumerate(grads) if g is not None and g._rg]
        outputs = [None if g is None else g._data for g in grads]
        recorder = Recorder(roots, flat, outputs, names.of_end, names.of_cells(), names.tensors)
    return outputs, recorder.own, recorder.recording


def _pulled(
    roots: Roots, given: Sequence[Tensor | None], targets: Sequence[Any], wanted: frozenset[int] | None
) -> list[Tensor | None]:
    """The gradients of the targets that are wanted, recorded."""
    asked = [t for i, t in enumerate(targets) if wanted is None or i in wanted]
    pairs = [(t, ct) for (_, t), ct in zip(roots, given, strict=True) if ct is not None]
    before, modes.grad = modes.grad, True
    try:
        _, found = walk(
            [t for t, _ in pairs], [ct for _, ct in pairs], retain_graph=True, create_graph=True, targets=asked
        )
    finally:
        modes.grad = before
    return [found.get(t if isinstance(t, tuple) else id(t)) for t in targets]


class _Names:
    """What the Tensors of a trace are called after it."""

    def __init__(self, capture: Capture, collector: Collector) -> None:
        self._capture = capture
        self._cotangents: dict[int, tuple[Tensor, Name]] = {}
        self._pieces = {id(t): (t, ("made", n)) for n, t in enumerate(collector.tensors) if capture.is_made(t)}

    @property
    def tensors(self) -> list[Tensor]:
        """All that are known."""
        return [*(t for t, _ in self._pieces.values()), *self._capture.tensors()]

    def of_end(self, end: Any) -> Name:
        """That of a leaf, or of the place of an eager graph."""
        if isinstance(end, Input):
            return end.owner
        if id(end) in self._cotangents:
            return self._cotangents[id(end)][1]
        if self._capture.is_made(end):
            return self._pieces[id(end)][1] if id(end) in self._pieces else None
        return self._capture.argument(end) or self._capture.reference(end)

    def of_cells(self) -> dict[int, Name]:
        """Those of the Tensors, by their counters of changes."""
        named = [*self._pieces.values(), *self._cotangents.values()]
        named += [(t, self.of_end(t)) for t in self._capture.tensors()]
        return {id(t._cell): name for t, name in named if t._cell is not None}

    def cotangents(self, level: int, cts: Sequence[Any]) -> list[Tensor | None]:
        """The cotangents of one backward as Tensors, which want gradients too."""
        given = [None if ct is None else wrap(ct) for ct in cts]
        for i, ct in enumerate(given):
            if ct is not None:
                ct._rg, ct._cell = True, [0, 0]
                self._cotangents[id(ct)] = ct, ("cotangent", level, i)
        return given
