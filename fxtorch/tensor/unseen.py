"""What torch's module of a kind of device offers where JAX has no backend for that kind."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor.device import is_there


class Unseen:
    """Honest answers for devices that are not there.

    >>> from fxtorch.tensor.unseen import Unseen
    >>> Unseen("xpu").is_available(), Unseen("xpu").device_count()
    (False, 0)

    Args:
        kind: torch's name of the kind.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def is_available(self) -> bool:
        """Whether JAX sees one."""
        return is_there(self.kind)

    def device_count(self) -> int:
        """How many JAX sees."""
        return int(self.is_available())

    def synchronize(self, device: Any = None) -> None:
        """Wait for all work.

        Raises:
            RuntimeError: there is no device to wait for.
        """
        if not self.is_available():
            raise RuntimeError(f"No {self.kind} device is available: JAX sees none")

    def empty_cache(self) -> None:
        """Nothing: JAX keeps the memory it has taken."""

    def manual_seed(self, seed: int) -> None:
        """Nothing, as in torch without such a device."""
