"""torch.cuda.nvtx: named ranges, as XLA's profiler (and through it NVIDIA's) shows them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax

_open: list[Any] = []


def range_push(msg: str) -> int:
    """Begin a range; how many were open before."""
    region = jax.profiler.TraceAnnotation(msg)
    region.__enter__()
    _open.append(region)
    return len(_open) - 1


def range_pop() -> int:
    """End the innermost range; how many are open still."""
    if _open:
        _open.pop().__exit__(None, None, None)
    return len(_open)


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A range as a ``with`` block or decorator; ``msg`` is formatted with the arguments."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()


def mark(msg: str) -> None:
    """A range of no length."""
    with jax.profiler.TraceAnnotation(msg):
        pass
