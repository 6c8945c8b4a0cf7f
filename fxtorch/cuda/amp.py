"""torch.cuda.amp: :mod:`fxtorch.amp` for CUDA, in the signatures that older programs use."""

from __future__ import annotations

import functools

from fxtorch.amp import GradScaler as _GradScaler
from fxtorch.amp import autocast as _autocast
from fxtorch.amp import custom_bwd as _custom_bwd
from fxtorch.amp import custom_fwd as _custom_fwd
from fxtorch.tensor.dtype import dtype as _dtype
from fxtorch.tensor.dtype import float16

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

custom_fwd = functools.partial(_custom_fwd, device_type="cuda")
custom_bwd = functools.partial(_custom_bwd, device_type="cuda")


class autocast(_autocast):
    """``torch.amp.autocast("cuda", ...)``: where there is no GPU it warns, and casts nothing.

    Args:
        enabled: False casts nothing.
        dtype: float16 or bfloat16.
        cache_enabled: whether a parameter that was cast is kept for its next use in the region.
    """

    def __init__(self, enabled: bool = True, dtype: _dtype = float16, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(_GradScaler):
    """``torch.amp.GradScaler("cuda", ...)``: where there is no GPU it warns, and does nothing.

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
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
