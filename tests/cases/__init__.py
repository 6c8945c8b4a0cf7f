"""Tables of operator calls.

A family's module holds ``CASES``, a list of :func:`case`, and may hold ``ERRORS``, a list of :func:`error`.  Tensors in
a call are written as what they are filled with, ``randn(3, 4)``; each case fills them from its own seed, so that cases
do not depend on one another.  ``tests/ops/test_cases.py`` runs the tables without torch, ``tests/parity/test_ops.py``
against it.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.cases.data import Data

__all__ = ["Case", "Error", "all_cases", "all_errors", "case", "error"]


@dataclass(frozen=True)
class Case:
    """One call of an operator.

    Attributes:
        name: torch's name: ``"add"``, ``"linalg.inv"``, ``"nn.functional.relu"``; ``"Tensor.fill_"`` for a method that
            has no function.
        args: the arguments, Tensors as :class:`Data`.
        kwargs: the keyword arguments.
        grad: whether to compare gradients.
        jit: why it cannot be compiled, where it cannot.
        vmap: why it cannot be batched, where it cannot.
        slope: why the gradient is not the slope, where it is not.
        through: what to compare of the result, where the result itself is not unique (``abs`` of eigenvectors).
        types: whether to try integers and booleans too, in the first case of a name.
        family: the module that lists it; set by :func:`all_cases`.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    grad: bool = True
    jit: str = ""
    vmap: str = ""
    slope: str = ""
    through: Callable[[Any], Any] | None = None
    types: bool = True
    family: str = ""

    @property
    def id(self) -> str:
        """What pytest calls it."""
        return f"{self.family}:{self}"

    def but(self, **changes: Any) -> Case:
        """The same call with other options."""
        return dataclasses.replace(self, **changes)

    def __str__(self) -> str:
        parts = [*map(_show, self.args), *(f"{k}={_show(v)}" for k, v in self.kwargs.items())]
        return f"{self.name}({', '.join(parts)})"

    @property
    def picked(self) -> bool:
        """Whether some values are picked by hand: mostly ties and kinks, where there is no slope."""
        return any(isinstance(a, Data) and a.text.startswith("tensor(") for a in (*self.args, *self.kwargs.values()))

    def fill(self, sample: int = 0, *, double: bool = False) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with NumPy arrays for Tensors; other numbers for another ``sample``.

        With ``double``, single precision becomes double.
        """
        rng = np.random.default_rng([zlib.crc32(str(self).encode()), sample])
        wide = {np.dtype("float32"): np.float64, np.dtype("complex64"): np.complex128}

        def one(value: Any) -> Any:
            if isinstance(value, Data):
                array = value.make(rng)
                return array.astype(wide.get(array.dtype, array.dtype)) if double else array
            if isinstance(value, list | tuple):
                return type(value)(one(v) for v in value)
            return value

        return tuple(one(a) for a in self.args), {k: one(v) for k, v in self.kwargs.items()}


@dataclass(frozen=True)
class Error(Case):
    """A call that must fail as in torch, with words that ``match``."""

    match: str = ""


def _show(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_show, value)) + "]"
    return str(value)


def case(name: str, *args: Any, **kwargs: Any) -> Case:
    """A call; ``case(...).but(grad=False)`` sets options."""
    return Case(name, args, kwargs)


def error(name: str, *args: Any, match: str = "", **kwargs: Any) -> Error:
    """A call that raises the class that torch raises, its text matching ``match``."""
    return Error(name, args, kwargs, match=match)


def _listed(what: str) -> Iterator[Any]:
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if module.name not in ("data", "run"):
            for row in getattr(importlib.import_module(f"{__name__}.{module.name}"), what, []):
                yield row.but(family=module.name)


def all_cases() -> list[Case]:
    """The calls of all families."""
    return list(_listed("CASES"))


def all_errors() -> list[Error]:
    """The failing calls of all families."""
    return list(_listed("ERRORS"))
