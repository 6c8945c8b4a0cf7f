"""torch.cpu: what programs that are written for any device ask of the CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fxtorch.cpu import amp as amp


def is_available() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """``"cpu"``."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one."""


def synchronize(device: Any = None) -> None:
    """Nothing: reading a value waits for it."""


class Stream:
    """An order of work, in name."""

    def wait_stream(self, stream: Any) -> None:
        """Nothing: there is one order."""


def current_stream(device: Any = None) -> Stream:
    """The one order of work."""
    return Stream()


@contextlib.contextmanager
def stream(stream: Any) -> Iterator[None]:
    """The block."""
    yield
