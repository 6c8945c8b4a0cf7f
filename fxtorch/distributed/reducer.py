"""What DistributedDataParallel and SyncBatchNorm need of the other processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.distributed import axis
from fxtorch.distributed.collectives import all_reduce, all_reduce_coalesced, broadcast
from fxtorch.distributed.objects import exchange
from fxtorch.distributed.process_group import get_world_size, is_initialized
from fxtorch.distributed.reduce_op import ReduceOp
from fxtorch.tensor import Tensor


class Reducer:
    """Collectives for ``nn.parallel``: one message for each type."""

    def size(self, group: Any) -> int:
        """How many processes; 1 where one program runs over all of them already."""
        return 1 if axis.current.whole else get_world_size(group)

    def average(self, tensors: Sequence[Tensor], group: Any) -> None:
        """Put the mean over all processes into each Tensor."""
        for some in _by_type(tensors):
            all_reduce_coalesced(some, ReduceOp.SUM, group)
            for t in some:
                t.detach().div_(self.size(group))

    def from_first(self, tensors: Sequence[Tensor], group: Any) -> None:
        """Put the first process's values into each Tensor."""
        for t in tensors:
            broadcast(t.detach(), group=group, group_src=0)

    def started(self) -> bool:
        """Whether ``init_process_group`` has run."""
        return is_initialized()

    def total(self, tensor: Tensor, group: Any) -> Tensor:
        """The sum over all processes."""
        out = tensor.detach().clone()
        all_reduce(out, ReduceOp.SUM, group)
        return out

    def alike(self, value: str, group: Any) -> bool:
        """Whether ``value`` is the same in all processes."""
        return len(set(exchange(value, group))) == 1


def _by_type(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    groups: dict[Any, list[Tensor]] = {}
    for t in tensors:
        groups.setdefault(t.dtype, []).append(t)
    return list(groups.values())
