"""torch.mtia: Meta's accelerators, which JAX does not see."""

from __future__ import annotations

from fxtorch.tensor.unseen import Unseen

_mtia = Unseen("mtia")
is_available = _mtia.is_available
device_count = _mtia.device_count
synchronize = _mtia.synchronize
empty_cache = _mtia.empty_cache
manual_seed = manual_seed_all = _mtia.manual_seed
