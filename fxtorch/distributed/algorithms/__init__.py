"""torch.distributed.algorithms: what surrounds training over processes."""

from fxtorch.distributed.algorithms import join as join
from fxtorch.distributed.algorithms.join import Join, Joinable, JoinHook

__all__ = ["Join", "JoinHook", "Joinable"]
