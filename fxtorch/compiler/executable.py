"""Which of its compiled forms a program runs as: JAX's own, one that was compiled ahead, or one in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from fxtorch.compiler import errors
from fxtorch.compiler.pieces import CALLS, in_pieces
from fxtorch.ops.xla import compiled

Given = tuple[Sequence[Any], Sequence[Any], Sequence[Any], Sequence[Any]]


class Executable:
    """A pure function of (state to overwrite, other state, arguments, numbers), compiled.

    JAX compiles it for the types that it is first run on, unless it was compiled ahead of that; and once more after
    many calls, where that gains (see :mod:`fxtorch.compiler.pieces`).

    Args:
        function: it.
        name: what to call it.

    Attributes:
        jitted: what ``jax.jit`` makes of it, once it was traced.
        traced: whether JAX has traced it, so that running it runs no Python code.
        in_pieces: what runs in place of ``jitted`` once there were enough calls; None where nothing does.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.name = name
        self.jitted: Any = None
        self._function = function
        self.traced = False
        self.in_pieces: Callable[..., Any] | None = None
        self._ahead: Callable[..., Any] | None = None
        self._calls = 0

    def trace(self, given: Given) -> None:
        """Let JAX trace it, before the first run, and choose how to compile what it then knows."""
        self.jitted = compiled(self._function, given, donate_argnums=0)
        self.traced = True

    def lower(self, given: Given) -> Any:
        """As JAX lowers it for such inputs."""
        return compiled(self._function, given, donate_argnums=0).lower(*given)

    def use(self, ahead: Callable[..., Any]) -> None:
        """Run what :meth:`lower` gave, compiled, wherever the types of the inputs are what they were."""
        self._ahead, self.traced = ahead, True

    def run(self, given: Given) -> Any:
        """The outputs.

        Raises:
            StateChanged: it was compiled ahead, for inputs of other types.
            JaxRuntimeError: it failed; where memory ran out, what it was to overwrite may be lost.
        """
        if self._ahead is not None:
            try:
                return self._ahead(*given)
            except (TypeError, ValueError) as error:
                raise errors.StateChanged from error
        try:
            return self._run_again(given) if self._calls >= CALLS else self.jitted(*given)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" in str(error) and any(array.is_deleted() for array in given[0]):
                raise jax.errors.JaxRuntimeError(
                    f"{error}\n{self.name} reuses the memory of what it overwrites, and the state that it was to "
                    "overwrite is lost: restore it from a checkpoint; fxtorch.jit(..., donate=False) keeps it"
                ) from error
            raise
        finally:
            self._calls += 1

    def _run_again(self, given: Given) -> Any:
        if self._calls == CALLS:
            self.in_pieces = in_pieces(self.jitted, given)
        if self.in_pieces is not None:
            try:
                return self.in_pieces(*given)
            except (TypeError, ValueError):  # other types than at that call, for which JAX compiles anew
                self.in_pieces = None
        return self.jitted(*given)
