"""What stops a function from being compiled, said so that the user can act on it."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Sequence

import jax

from fxtorch.ops.checks import ValuesUnknown
from fxtorch.tensor.checking import is_users_file, user_line

VALUE_NEEDED = (
    ValuesUnknown,
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


class NotCompilable(RuntimeError):
    """The function cannot be one program; without ``fullgraph=True`` it runs eagerly instead."""


class DataDependent(NotCompilable):
    """Python asked for the value of a Tensor, which is not known while the function is compiled."""


class NotYet(NotCompilable):
    """This call must run eagerly, and the next one may be compiled."""


class Shared(NotCompilable):
    """Two ways lead to the same memory, and the function changes it."""


class AlsoArgument(Shared):
    """An argument is a Tensor that the function reaches in another way, too."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__("an argument is a Tensor that the function also reaches by another way")
        self.positions = positions


class Escaped(RuntimeError):
    """A Tensor made inside a compiled function was stored where the function cannot hand it back."""


class StateChanged(Exception):
    """The state has other shapes or types than the program was compiled for."""


def source_line() -> str:
    """``file:line: source`` of the innermost frame that is neither fxtorch's nor JAX's."""
    return shown(user_line())


def shown(line: str) -> str:
    """``file:line`` with the source."""
    file, _, number = line.rpartition(":")
    return f"{file}:{number}: {linecache.getline(file, int(number)).strip()}" if number.isdigit() else "an unknown line"


def needs_value(what: str, line: str = "") -> DataDependent:
    """The error for ``what`` (``.item()``, ``if`` ...) in a function that is being compiled."""
    return DataDependent(
        f"{what} needs the value of a Tensor, which a compiled function does not have while it is being compiled, at\n"
        f"  {line or source_line()}\n"
        "Use torch.where to choose between values, fxtorch.cond, while_loop or scan for control flow, "
        "fxtorch.debug.print to print, or return the Tensor and look at it outside of the compiled function."
    )


def from_trace(error: Exception) -> NotCompilable:
    """What to tell the user of an error that a trace ended with, with the line that it came from."""
    if isinstance(error, NotCompilable):
        return error
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_users_file(f.filename)]
    line = f"{frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else "an unknown line"
    if isinstance(error, ValuesUnknown):
        return DataDependent(f"{error}, at\n  {line}")
    return needs_value("this", line)


class Unsettled(Exception):
    """A trace found state that the traces before it had not; it must be repeated."""
