"""torch.cpu.amp: :mod:`fxtorch.amp` for the CPU, in the signatures that older programs use."""

from __future__ import annotations

from fxtorch.amp import GradScaler as _GradScaler
from fxtorch.amp import autocast as _autocast
from fxtorch.tensor.dtype import bfloat16
from fxtorch.tensor.dtype import dtype as _dtype

__all__ = ["GradScaler", "autocast"]


class autocast(_autocast):
    """``torch.amp.autocast("cpu", ...)``.

    Args:
        enabled: False casts nothing.
        dtype: bfloat16 or float16.
        cache_enabled: whether a parameter that was cast is kept for its next use in the region.
    """

    def __init__(self, enabled: bool = True, dtype: _dtype = bfloat16, cache_enabled: bool = True) -> None:
        super().__init__("cpu", dtype, enabled, cache_enabled)


class GradScaler(_GradScaler):
    """``torch.amp.GradScaler("cpu", ...)``.

    Args:
        init_scale, growth_factor, backoff_factor, growth_interval, enabled: see :class:`fxtorch.amp.GradScaler`.
    """

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
