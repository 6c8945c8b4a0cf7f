"""The names of ``torch.compiler`` that programs use to steer torch's own compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxtorch.tensor.modes import modes


def is_compiling() -> bool:
    """Whether :data:`fxtorch.jit` is tracing right now."""
    return modes.capture is not None


def is_exporting() -> bool:
    """False: nothing is exported by tracing in torch's way."""
    return False


is_dynamo_compiling = is_exporting


def disable(fn: Any = None, recursive: bool = True, **kwargs: Any) -> Any:
    """The function itself; a decorator without it."""
    return (lambda f: f) if fn is None else fn


def allow_in_graph(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return fn


assume_constant_result = allow_in_graph


def reset() -> None:
    """Nothing: programs live with the functions that they were compiled for."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: XLA has no such graphs."""


def list_backends(*args: Any, **kwargs: Any) -> list[str]:
    """XLA."""
    return ["xla"]


def set_stance(*args: Any, **kwargs: Any) -> None:
    """Accepted: what cannot be one program runs eagerly."""
