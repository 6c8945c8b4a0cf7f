"""torch.utils.dlpack: arrays of other libraries without a copy."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.tensor.conversion import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """The capsule of a Tensor, for another library's ``from_dlpack``."""
    return tensor.__dlpack__()
