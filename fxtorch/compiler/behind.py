"""The backward of a compiled call whose results are walked from outside, as compiled programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from fxtorch.compiler.recording import Recording
from fxtorch.compiler.then import as_then
from fxtorch.ops.xla import compiled_anywhere
from fxtorch.tensor.tracing import traces

if TYPE_CHECKING:
    from fxtorch.compiler.program import Program


class Walk:
    """The backward of a program with one result, as a part of a larger program: what ``replay`` takes for a plan.

    Args:
        recording: of the graph.
    """

    carries = (True,)

    def __init__(self, recording: Recording) -> None:
        self.backward = self
        self._recording, self._visited = recording, frozenset(recording.visited((True,)))

    def nested(self, saved: Sequence[Any], out: Any, residuals: Any, cts: Sequence[Any]) -> list[Any]:
        """The gradients."""
        return self._recording.walk(saved, cts, self._visited)


Chain = tuple[tuple[tuple[bool, ...], frozenset[int] | None], ...]


class Behind:
    """The backward programs of one compiled program, and of its backwards.

    Args:
        program: it.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._backwards: dict[Any, tuple[Recording, Callable[..., Any]]] = {}
        self._walks: dict[int, Walk] = {}
        self._again: dict[Chain, tuple[Callable[..., Any], list[Recording]]] = {}

    def backward(self, recording: Recording, visited: tuple[int, ...]) -> Callable[..., Any]:
        """The compiled ``(saved arrays, cotangents) -> gradients``; arrays that are not needed may be None.

        Args:
            recording: of the graph.
            visited: the steps of it that are walked.
        """
        key = id(recording), visited
        found = self._backwards.get(key)
        if found is None:

            def run(saved: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
                return recording.walk(saved, cts, frozenset(visited))

            run.__name__ = run.__qualname__ = f"{self.program.name}_backward"
            found = self._backwards[key] = recording, compiled_anywhere(run)
        return found[1]

    def walk(self, recording: Recording) -> Walk:
        """The backward as a part of a larger program, the same one each time."""
        found = self._walks.get(id(recording))
        if found is None:
            found = self._walks[id(recording)] = Walk(recording)
        return found

    def again(self, chain: Chain, inputs: Sequence[Any], pulls: Sequence[Any]) -> tuple[list[Any], Any, Recording]:
        """The gradients that a backward gives, when it is itself recorded.

        Args:
            chain: of each backward so far, this one included, which roots have cotangents, and which ends are wanted
                (None: all).
            inputs: what the program was run on.
            pulls: these cotangents.

        Returns:
            the gradients, what is saved for the next backward, and the graph behind the gradients.

        Raises:
            RuntimeError: the function would not do what it did.
        """
        entry = self._again.get(chain)
        if entry is None:
            kept: list[Recording] = []

            def run(state: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any], pulls: Any) -> Any:
                grads, own, recording = self.program.traced.derivative(
                    state, arrays, scalars, [*zip(pulls, (wanted for _, wanted in chain), strict=True)]
                )
                kept[:] = [recording]
                return grads, own

            run.__name__ = run.__qualname__ = f"{self.program.name}_backward"
            entry = compiled_anywhere(run), kept
            guards = self.program.guards
            with traces.lock, nullcontext() if guards.hold() else as_then(guards):
                self._check_unchanged()
                grads, own = entry[0](*inputs, pulls)
            self._again[chain] = entry
        else:
            grads, own = entry[0](*inputs, pulls)
        return grads, own, entry[1][0]

    def _check_unchanged(self) -> None:
        guards = self.program.guards
        if not guards.hold():
            raise RuntimeError(
                f"the backward of the compiled {self.program.name} is to be differentiated, for which the function is "
                f"traced once more, but since its call something has changed: {'; '.join(guards.broken()[:5])}"
            )
