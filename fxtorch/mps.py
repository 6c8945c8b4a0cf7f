"""torch.mps: Apple's GPUs, which JAX does not see."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor.device import is_there


def is_available() -> bool:
    """Whether JAX sees one."""
    return is_there("mps")


def device_count() -> int:
    """How many JAX sees."""
    return int(is_available())


def _need() -> None:
    if not is_available():
        raise RuntimeError("No mps device is available: JAX sees none")


def synchronize(device: Any = None) -> None:
    """Raise: there is none to wait for.

    Raises:
        RuntimeError: always.
    """
    _need()


def empty_cache() -> None:
    """Nothing: JAX keeps the memory it has taken."""


def manual_seed(seed: int) -> None:
    """Nothing, as in torch without such a device."""


def manual_seed_all(seed: int) -> None:
    """Nothing, as in torch without such a device."""
