"""torch.autograd.profiler: the profiler under its older name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fxtorch.profiler import EventList, FunctionEvent, record_function
from fxtorch.profiler import profile as _profile

__all__ = ["EventList", "FunctionEvent", "emit_itt", "emit_nvtx", "profile", "record_function"]


class profile(_profile):
    """:class:`fxtorch.profiler.profile` with the older options.

    Args:
        enabled: False watches nothing.
        kwargs: torch's further options, accepted.
    """

    def __init__(self, enabled: bool = True, **kwargs: Any) -> None:
        super().__init__()
        self.enabled = enabled

    def __enter__(self) -> profile:
        if self.enabled:
            self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.enabled:
            self.stop()


@contextlib.contextmanager
def emit_nvtx(enabled: bool = True, record_shapes: bool = False) -> Iterator[None]:
    """Nothing: JAX's traces name its programs themselves."""
    yield


emit_itt = emit_nvtx
