"""How long a program took to make, and whether it was found on the disk."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax

_HIT, _MISS = "/jax/compilation_cache/cache_hits", "/jax/compilation_cache/cache_misses"
_COMPILE = "/jax/core/compile/backend_compile_duration"


@dataclass
class Making:
    """What making a program took.

    Attributes:
        seconds: in all: tracing, lowering and compiling, and the first run's dispatch.
        compiling: of these, XLA's.
        hits: programs read from the disk, ``misses``: programs that were not there.
    """

    seconds: float = 0.0
    compiling: float = 0.0
    hits: int = 0
    misses: int = 0

    def __str__(self) -> str:
        disk = f", {self.hits} from the disk" if self.hits else ""
        return f"{self.seconds:.2f} s, of which XLA {self.compiling:.2f} s{disk}"


class _Open(threading.local):
    making: Making | None = None


_open = _Open()


def _event(event: str, **_: Any) -> None:
    if _open.making is not None:
        _open.making.hits += event == _HIT
        _open.making.misses += event == _MISS


def _duration(event: str, duration_secs: float, **_: Any) -> None:
    if _open.making is not None and event == _COMPILE:
        _open.making.compiling += duration_secs


jax.monitoring.register_event_listener(_event)
jax.monitoring.register_event_duration_secs_listener(_duration)


@contextlib.contextmanager
def timed() -> Iterator[Making]:
    """Measure what is made within."""
    before, _open.making = _open.making, Making()
    start = time.perf_counter()
    try:
        yield _open.making
    finally:
        _open.making.seconds = time.perf_counter() - start
        _open.making = before
