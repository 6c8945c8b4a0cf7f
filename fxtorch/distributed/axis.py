"""Collectives inside of ``pmap``: which axis a function is mapped over while it is traced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import lax


@dataclass
class Axis:
    """A mapped axis, its name and how many devices it has."""

    name: str
    size: int

    def reduce(self, x: Any, op: str) -> Any:
        """The reduction of every device's ``x``."""
        if op in _OPS:
            return _OPS[op](x, self.name)
        return _FOLDS[op](self.gather(x))

    def gather(self, x: Any) -> Any:
        """Every device's ``x``, stacked."""
        return lax.all_gather(x, self.name)

    def pick(self, x: Any, source: int) -> Any:
        """The ``x`` of one device."""
        return self.gather(x)[source]

    def exchange(self, x: Any) -> Any:
        """``x`` has a row for each device; the rows that the others have for this one."""
        return lax.all_to_all(x, self.name, 0, 0)

    def rank(self) -> Any:
        """The number of this device, a traced value."""
        return lax.axis_index(self.name)


_OPS: dict[str, Callable[[Any, str], Any]] = {
    "sum": lax.psum,
    "avg": lax.pmean,
    "max": lax.pmax,
    "min": lax.pmin,
}
_FOLDS: dict[str, Callable[[Any], Any]] = {
    "product": lambda x: jnp.prod(x, axis=0, dtype=x.dtype),
    "band": lambda x: jnp.bitwise_and.reduce(x, axis=0),
    "bor": lambda x: jnp.bitwise_or.reduce(x, axis=0),
    "bxor": lambda x: jnp.bitwise_xor.reduce(x, axis=0),
}


class _Current(threading.local):
    axis: Axis | None = None
    whole: bool = False  # one program over all devices is being traced: what it computes is of the whole batch


current = _Current()


@contextmanager
def inside(name: str, size: int) -> Iterator[None]:
    """A function mapped over the axis ``name`` is being traced."""
    before, current.axis = current.axis, Axis(name, size)
    try:
        yield
    finally:
        current.axis = before


@contextmanager
def whole_batch() -> Iterator[None]:
    """A step of ``parallel`` is being traced."""
    before, current.whole = current.whole, True
    try:
        yield
    finally:
        current.whole = before
