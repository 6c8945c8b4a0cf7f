"""torch.distributed.tensor: Tensors that are split over the devices of a mesh."""

from fxtorch.distributed.tensor import placement_types as placement_types
from fxtorch.distributed.tensor.dtensor import (
    DTensor,
    compute_local_shape_and_global_offset,
    distribute_module,
    distribute_tensor,
)
from fxtorch.distributed.tensor.placement_types import Partial, Placement, Replicate, Shard

__all__ = [
    "DTensor",
    "Partial",
    "Placement",
    "Replicate",
    "Shard",
    "compute_local_shape_and_global_offset",
    "distribute_module",
    "distribute_tensor",
]
