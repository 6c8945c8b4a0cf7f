"""Checks of values in a program of many steps, members or devices: what they found comes out beside its results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jax.experimental import checkify

from fxtorch.compiler.program import Program
from fxtorch.tensor.checking import failed


def checked(run: Callable[..., Any], members: Iterable[Program]) -> Callable[..., Any]:
    """``run``, with what the checks of the programs in it found before its result; None where there are no checks.

    Args:
        run: a pure function of arrays.
        members: the traced steps that it runs.
    """
    if any("check" in member.layout.sides for member in members):
        return checkify.checkify(run)
    return lambda *given: (None, run(*given))


def passed(outcome: tuple[Any, Any]) -> Any:
    """The result of a function made by :func:`checked`.

    Raises:
        CheckError: a check failed, of which the first is told.
    """
    found, result = outcome
    words = None if found is None else found.get()
    if words is not None:
        raise failed(words)
    return result
