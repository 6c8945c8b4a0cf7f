"""torch.xpu: Intel's GPUs, which JAX does not see."""

from __future__ import annotations

from fxtorch.tensor.unseen import Unseen

_xpu = Unseen("xpu")
is_available = _xpu.is_available
device_count = _xpu.device_count
synchronize = _xpu.synchronize
empty_cache = _xpu.empty_cache
manual_seed = manual_seed_all = _xpu.manual_seed
