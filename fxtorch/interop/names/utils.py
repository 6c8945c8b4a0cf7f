"""``torch._utils``: lists of Tensors as one flat Tensor and back, which programs for several devices use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.serialization.rebuild import _rebuild_parameter as _rebuild_parameter
from fxtorch.serialization.rebuild import _rebuild_sparse_tensor as _rebuild_sparse_tensor
from fxtorch.serialization.rebuild import _rebuild_tensor_v2 as _rebuild_tensor_v2
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

_torch = namespace("torch")


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """All elements, one Tensor after the other."""
    return _torch["cat"]([t.reshape(-1) for t in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """``flat`` cut into the shapes of ``tensors``."""
    parts, start = [], 0
    for t in tensors:
        parts.append(flat.narrow(0, start, t.numel()).view_as(t))
        start += t.numel()
    return tuple(parts)


def _get_available_device_type() -> str | None:
    """None: the CPU needs no name."""


def alert_not_deterministic(caller: str) -> None:
    """Nothing: XLA's programs are deterministic on the CPU."""


class ExceptionWrapper:
    """An exception that is raised again elsewhere.

    Args:
        exc_info: as ``sys.exc_info()`` gives it.
        where: where it came from.
    """

    def __init__(self, exc_info: Any, where: str = "in background") -> None:
        self.error, self.where = exc_info[1], where

    def reraise(self) -> None:
        """Raise it."""
        raise self.error


def _is_compiling() -> bool:
    """False: code of the program's own is run, not rewritten."""
    return False
