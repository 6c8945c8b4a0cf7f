"""torch.utils.data.distributed: the sampler that gives each process its part."""

from fxtorch.utils.data.sampler import DistributedSampler

__all__ = ["DistributedSampler"]
