"""What stops a function from being compiled, said so that the user can act on it."""

from __future__ import annotations

import traceback
from pathlib import Path

import jax

_OURS = (str(Path(__file__).resolve().parent.parent), str(Path(jax.__file__).resolve().parent))


class NotCompilable(RuntimeError):
    """The function cannot be one program; without ``fullgraph=True`` it runs eagerly instead."""


class DataDependent(NotCompilable):
    """Python asked for the value of a Tensor, which is not known while the function is compiled."""


class Shared(NotCompilable):
    """Two ways lead to the same memory, and the function changes it."""


class Escaped(RuntimeError):
    """A Tensor made inside a compiled function was stored where the function cannot hand it back."""


class StateChanged(Exception):
    """The state has other shapes or types than the program was compiled for."""


def user_line() -> str:
    """``file:line: source`` of the innermost frame that is neither fxtorch's nor JAX's."""
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith(_OURS) and not frame.filename.startswith("<"):
            return f"{frame.filename}:{frame.lineno}: {frame.line}"
    return "an unknown line"


def needs_value(what: str) -> DataDependent:
    """The error for ``what`` (``.item()``, ``if`` ...) in a function that is being compiled."""
    return DataDependent(
        f"{what} needs the value of a Tensor, which a compiled function does not have while it is being compiled, at\n"
        f"  {user_line()}\n"
        "Use torch.where to choose between values, fxtorch.cond, while_loop or scan for control flow, or return the "
        "Tensor and look at it outside of the compiled function."
    )


class Unsettled(Exception):
    """A trace found state that the traces before it had not; it must be repeated."""
