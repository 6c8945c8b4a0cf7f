"""torch.mps: Apple's GPUs, which JAX does not see."""

from __future__ import annotations

from fxtorch.tensor.unseen import Unseen

_mps = Unseen("mps")
is_available = _mps.is_available
device_count = _mps.device_count
synchronize = _mps.synchronize
empty_cache = _mps.empty_cache
manual_seed = manual_seed_all = _mps.manual_seed
