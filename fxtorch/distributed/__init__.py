"""torch.distributed on JAX: one process a device or one process for all of them.

Between processes: ``init_process_group`` (jax.distributed; gloo on CPUs), collectives, ``DistributedDataParallel`` and
``python -m fxtorch.distributed.run``.  Within one process, and over all of them in one program: ``parallel``,
``fully_shard`` and ``fxtorch.pmap``, on jax.sharding.
"""

from typing import Any as _Any

from fxtorch.distributed import algorithms as algorithms
from fxtorch.distributed import fsdp
from fxtorch.distributed import nn as nn
from fxtorch.distributed import tensor as tensor
from fxtorch.distributed.collectives import (
    Work,
    all_gather,
    all_gather_coalesced,
    all_gather_into_tensor,
    all_gather_single,
    all_reduce,
    all_reduce_coalesced,
    all_to_all,
    all_to_all_single,
    barrier,
    broadcast,
    gather,
    monitored_barrier,
    reduce,
    reduce_scatter,
    reduce_scatter_single,
    reduce_scatter_tensor,
    scatter,
)
from fxtorch.distributed.errors import DistBackendError, DistError, DistNetworkError, DistStoreError, QueueEmptyError
from fxtorch.distributed.mesh import DeviceMesh, init_device_mesh
from fxtorch.distributed.objects import (
    all_gather_object,
    broadcast_object_list,
    gather_object,
    scatter_object_list,
)
from fxtorch.distributed.parallel import parallel
from fxtorch.distributed.pmap import pmap
from fxtorch.distributed.point_to_point import (
    P2POp,
    batch_isend_irecv,
    irecv,
    isend,
    recv,
    recv_object_list,
    send,
    send_object_list,
)
from fxtorch.distributed.process_group import (
    GroupMember,
    ProcessGroup,
    default_pg_timeout,
    destroy_process_group,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_node_local_rank,
    get_pg_count,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    group,
    init_process_group,
    is_available,
    is_initialized,
    new_group,
    new_subgroups,
    new_subgroups_by_enumeration,
)
from fxtorch.distributed.queries import (
    Backend,
    DebugLevel,
    breakpoint,
    get_backend_config,
    get_debug_level,
    get_default_backend_for_device,
    is_backend_available,
    is_gloo_available,
    is_mpi_available,
    is_nccl_available,
    is_torchelastic_launched,
    is_ucc_available,
    is_xccl_available,
    set_debug_level,
    set_debug_level_from_env,
    split_group,
    supports_complex,
)
from fxtorch.distributed.reduce_op import ReduceOp, reduce_op
from fxtorch.distributed.reducer import Reducer
from fxtorch.distributed.sharding import fully_shard
from fxtorch.nn._collectives import set_collectives

set_collectives(Reducer())

__all__ = [
    "Backend",
    "DebugLevel",
    "DeviceMesh",
    "DistBackendError",
    "DistError",
    "DistNetworkError",
    "DistStoreError",
    "GroupMember",
    "P2POp",
    "ProcessGroup",
    "QueueEmptyError",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_coalesced",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_gather_single",
    "all_reduce",
    "all_reduce_coalesced",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "batch_isend_irecv",
    "breakpoint",
    "broadcast",
    "broadcast_object_list",
    "default_pg_timeout",
    "destroy_process_group",
    "fsdp",
    "fully_shard",
    "gather",
    "gather_object",
    "get_backend",
    "get_backend_config",
    "get_debug_level",
    "get_default_backend_for_device",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_pg_count",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_device_mesh",
    "init_process_group",
    "irecv",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
    "is_xccl_available",
    "isend",
    "monitored_barrier",
    "new_group",
    "new_subgroups",
    "new_subgroups_by_enumeration",
    "parallel",
    "pmap",
    "recv",
    "recv_object_list",
    "reduce",
    "reduce_op",
    "reduce_scatter",
    "reduce_scatter_single",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
    "send",
    "send_object_list",
    "set_debug_level",
    "set_debug_level_from_env",
    "split_group",
    "supports_complex",
]

_NOT_HERE = {
    "stores and rendezvous, whose work JAX's coordination service does": "Store PrefixStore TCPStore FileStore "
    "HashStore rendezvous register_rendezvous_handler",
    "backends of their own: XLA's collectives are used": "ProcessGroupGloo ProcessGroupNCCL ProcessGroupMPI "
    "BackendConfig AllToAllOptions AllreduceOptions AllreduceCoalescedOptions BarrierOptions BroadcastOptions "
    "GatherOptions ReduceOptions ReduceScatterOptions ScatterOptions",
    "groups that shrink while they run": "shrink_group",
    "PyTorch's own records of its communication": "record_comm GroupName log",
}


def __getattr__(name: str) -> _Any:
    for what, names in _NOT_HERE.items():
        if name in names.split():
            raise AttributeError(f"torch.distributed.{name} is not in fxtorch: it has no {what}")
    raise AttributeError(f"module 'fxtorch.distributed' has no attribute {name!r}")
