"""The forms of ``autocast`` and ``GradScaler`` that know their device: ``torch.cuda.amp`` and ``torch.cpu.amp``."""

from __future__ import annotations

from typing import Any

from fxtorch.amp.autocast_mode import autocast
from fxtorch.amp.grad_scaler import GradScaler
from fxtorch.tensor.dtype import dtype as _dtype


def forms(device: str, low: _dtype, module: str) -> tuple[Any, Any]:
    """``autocast(enabled, dtype=low, cache_enabled)`` and ``GradScaler(init_scale, ...)`` of one device, as classes.

    >>> import fxtorch as torch
    >>> with torch.cpu.amp.autocast():
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """

    class Autocast(autocast):
        __doc__ = f"""``torch.amp.autocast("{device}", ...)``, by default in {low}."""

        def __init__(self, enabled: bool = True, dtype: _dtype = low, cache_enabled: bool = True) -> None:
            super().__init__(device, dtype, enabled, cache_enabled)

    class Scaler(GradScaler):
        __doc__ = f"""``torch.amp.GradScaler("{device}", ...)``."""

        def __init__(
            self,
            init_scale: float = 2.0**16,
            growth_factor: float = 2.0,
            backoff_factor: float = 0.5,
            growth_interval: int = 2000,
            enabled: bool = True,
        ) -> None:
            super().__init__(device, init_scale, growth_factor, backoff_factor, growth_interval, enabled)

    for cls, name in ((Autocast, "autocast"), (Scaler, "GradScaler")):
        cls.__name__ = cls.__qualname__ = name
        cls.__module__ = module
    return Autocast, Scaler
