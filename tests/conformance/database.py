"""The entries of ``op_db``, and which function of fxtorch each of them is about."""

from __future__ import annotations

import fnmatch
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

import fxtorch
from tests.conformance.convert import Arguments, is_of_the_tests, rebuilt
from tests.conformance.inapplicable import INAPPLICABLE

MOST_ELEMENTS = 20_000  # samples that hold more numbers are left out

_BY_RANK = {"sort": 0, "argsort": 0, "topk": 1, "kthvalue": 1}  # where dim stands after the input
_DTYPES = ("float32", "complex64", "int64", "bool", "float64")


class MissingName(Exception):
    """fxtorch has no such name."""


class Entry:
    """One operator of the database.

    Attributes:
        info: PyTorch's ``OpInfo``.
        id: its name, with that of the variant in brackets.
        left_out: how many samples were not taken since somebody set it to 0, because fewer were asked for.
    """

    def __init__(self, info: Any) -> None:
        self.info = info
        self.left_out = 0
        self.id = f"{info.name}[{info.variant_test_name}]" if info.variant_test_name else str(info.name)

    @functools.cached_property
    def theirs(self) -> Callable[..., Any]:
        """PyTorch's function, drawing anew at each call."""
        return rebuilt(self.info.op, torch) if is_of_the_tests(self.info.op) else self.info.op

    @functools.cached_property
    def ours(self) -> Callable[..., Any]:
        """fxtorch's function of the same name.

        Raises:
            MissingName: there is none.
        """
        if is_of_the_tests(self.info.op):
            return rebuilt(self.info.op, fxtorch)
        return find(self.info.name)

    @functools.cached_property
    def dtype(self) -> torch.dtype:
        """The type that it is mostly tested with: float32, where it takes that."""
        return next(d for d in map(functools.partial(getattr, torch), _DTYPES) if d in self.info.dtypes)

    def samples(self, dtype: torch.dtype, *, grad: bool = False, most: int | None = None) -> list[Arguments]:
        """Its samples of that type, no more than ``most`` of them, evenly spread."""
        torch.manual_seed(0)
        wants = dtype.is_floating_point or dtype.is_complex
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = [Arguments(s) for s in self.info.sample_inputs("cpu", dtype, requires_grad=grad and wants)]
        small = [a for a in given if a.elements() <= MOST_ELEMENTS]
        for a in small:
            a.ranks = _ranks(self.info.name, a, dtype)
        if most is None or len(small) <= most:
            return small
        self.left_out += len(small) - most
        return [small[i * len(small) // most] for i in range(most)]


def _ranks(name: str, arguments: Arguments, dtype: torch.dtype) -> tuple[int, bool] | None:
    """Along which dimension elements that may be equal (of numbers drawn from a few) are put in order, if any."""
    args, kwargs = arguments.of_torch(arguments.tensors)
    if name not in _BY_RANK or dtype in (torch.float32, torch.float64) or kwargs.get("stable"):
        return None
    given = args[1 + _BY_RANK[name] :]
    keepdim = kwargs.get("keepdim", given[1] if len(given) > 1 else False)
    return kwargs.get("dim", given[0] if given else -1), name != "kthvalue" or keepdim


def find(name: str, library: Any = fxtorch) -> Any:
    """What ``library`` calls ``name``: a function, else a method.

    Raises:
        MissingName: neither.
    """
    for space in (library, library.Tensor):
        found: Any = space
        for part in name.removeprefix("torch.").split("."):
            found = getattr(found, part, None)
        if callable(found):
            return found
    raise MissingName(f"missing name {name}")


def entries(pattern: str = "*") -> Iterator[Entry]:
    """The entries that apply and whose id fits the pattern (several, with commas)."""
    for entry in every():
        fits = any(fnmatch.fnmatchcase(entry.id, p) or entry.info.name == p for p in pattern.split(","))
        if fits and entry.id not in INAPPLICABLE:
            yield entry


@functools.cache
def every() -> tuple[Entry, ...]:
    """All entries of the database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    return tuple(Entry(info) for info in op_db)
