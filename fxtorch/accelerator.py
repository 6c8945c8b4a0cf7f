"""torch.accelerator: the accelerator that JAX sees, whatever kind it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.tensor import device as devices

_KINDS = {"gpu": "cuda", "tpu": "tpu"}


def _kind() -> str | None:
    return _KINDS.get(jax.default_backend())


def is_available() -> bool:
    """Whether JAX sees an accelerator."""
    return _kind() is not None


def current_accelerator(check_available: bool = False) -> devices.device | None:
    """The kind of accelerator, as a device without index; None without one.

    >>> isinstance(torch.accelerator.is_available(), bool)
    True
    """
    kind = _kind()
    return None if kind is None else devices.device(kind)


def device_count() -> int:
    """How many there are."""
    return len(jax.devices()) if is_available() else 0


def _need() -> str:
    kind = _kind()
    if kind is None:
        raise RuntimeError("Cannot access accelerator device when none is available: JAX sees the CPU only")
    return kind


def current_device_index() -> int:
    """The index of the current one.

    Raises:
        RuntimeError: there is none.
    """
    return devices.current_index(_need())


current_device_idx = current_device_index


def set_device_index(device: Any) -> None:
    """Let the accelerator's name without an index mean this one.

    Raises:
        RuntimeError: there is no such device.
    """
    kind = _need()
    wanted = devices.device(kind, device) if isinstance(device, int) else devices.device(device)
    devices.to_jax(wanted)
    devices.set_current_index(kind, wanted.index or 0)


set_device_idx = set_device_index


@contextlib.contextmanager
def device_index(device: int | None) -> Iterator[None]:
    """Within it, the accelerator's name means this one."""
    if device is None:
        yield
        return
    before = current_device_index()
    set_device_index(device)
    try:
        yield
    finally:
        set_device_index(before)


def synchronize(device: Any = None) -> None:
    """Wait until the accelerator has done all that it was given.

    Raises:
        RuntimeError: there is none.
    """
    place = devices.to_jax(devices.device(_need()) if device is None else device)
    jax.block_until_ready(jax.device_put(jnp.zeros((), jnp.float32), place) + 1)


def empty_cache() -> None:
    """Nothing: JAX keeps the memory it has taken (see ``XLA_PYTHON_CLIENT_PREALLOCATE``)."""


def memory_stats(device: Any = None) -> dict[str, int]:
    """What JAX's allocator counts, under its own names; empty without an accelerator."""
    if not is_available():
        return {}
    return dict(devices.to_jax(devices.device(_need()) if device is None else device).memory_stats() or {})


def memory_allocated(device: Any = None) -> int:
    """Bytes in use; 0 without an accelerator."""
    return memory_stats(device).get("bytes_in_use", 0)


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that were in use; 0 without an accelerator."""
    return memory_stats(device).get("peak_bytes_in_use", 0)
