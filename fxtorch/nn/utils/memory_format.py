"""Memory formats of convolutions: XLA chooses its own, so that there is nothing to convert."""

from __future__ import annotations

from typing import Any, TypeVar

M = TypeVar("M")


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """``module`` as it is: XLA lays weights out as it likes."""
    return module


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """``module`` as it is: XLA lays weights out as it likes."""
    return module
