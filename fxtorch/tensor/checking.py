"""Checks of values: at once in eager code, and as a part of the program in a compiled function."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.experimental import checkify

from fxtorch.ops import dtypes as rules
from fxtorch.tensor.modes import modes

_OURS = (str(Path(__file__).resolve().parent.parent), str(Path(jax.__file__).resolve().parent))


class CheckError(RuntimeError):
    """A check of values failed."""


def failed(words: str) -> CheckError:
    """The error for what JAX says of a check that failed."""
    return CheckError(words.removesuffix(" (`check` failed)"))


def is_users_file(file: str) -> bool:
    """Whether code of this file is neither fxtorch's nor JAX's."""
    return not file.startswith((*_OURS, "<"))


def user_line() -> str:
    """``file:line`` of the innermost frame that is neither fxtorch's nor JAX's."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users_file(file):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown line"


def check(ok: Any, words: str, *args: Any, **kwargs: Any) -> None:
    """Raise where ``ok`` is false; in a compiled function when it has run, with everything as it was before.

    Args:
        ok: an array of one bool.
        words: what to say, with fields as in ``str.format``.
        args: arrays for the fields.
        kwargs: the same, by name.

    Raises:
        CheckError: it is false.
    """
    if modes.capture is not None:
        modes.capture.side("check")
    if modes.capture is not None or isinstance(ok, Tracer):
        try:
            checkify.check(ok, words, *args, **kwargs)
        except checkify.JaxRuntimeError as error:  # known after all: eager code, transformed
            raise failed(str(error)) from None
    elif not bool(ok):
        raise CheckError(words.format(*args, **kwargs))


def check_not_nan(name: str, arrays: Any, where: str) -> None:
    """Raise where an array holds NaN.

    Args:
        name: the operator that made them.
        arrays: its results; what is not floating passes.
        where: the user's line.
    """
    for array in arrays:
        if isinstance(array, jax.Array) and rules.is_inexact(array.dtype):
            ok = ~jnp.any(jnp.isnan(array))
            check(ok, f"{name} gave NaN, at {where}".replace("{", "{{").replace("}", "}}"))
