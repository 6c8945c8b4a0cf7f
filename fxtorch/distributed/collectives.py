"""Collectives of Tensors, in place as torch's are: between processes, or inside of ``pmap`` between devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.compiler.errors import NotCompilable
from fxtorch.distributed import axis
from fxtorch.distributed.errors import DistBackendError
from fxtorch.distributed.process_group import GroupMember, get_global_rank, get_group, get_rank
from fxtorch.distributed.reduce_op import ReduceOp
from fxtorch.tensor import Tensor, modes, unwrap


class Work:
    """A collective that was started with ``async_op=True``.  JAX orders and waits by itself: it is done when asked."""

    def __init__(self, value: Any = None) -> None:
        self._value = value

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Return when the result is there."""
        if self._value is not None:
            jax.block_until_ready(unwrap(self._value))
        return True

    def is_completed(self) -> bool:
        """True."""
        return True

    def is_success(self) -> bool:
        """True: a failure raises where the collective is called."""
        return True

    def result(self) -> Any:
        """The Tensors that were filled."""
        return self._value


def channel(group: Any) -> Any:
    """What carries arrays: the mapped axis inside of ``pmap``, a group's transport everywhere else.

    Raises:
        NotCompilable: inside of a compiled step, whose program runs in this process alone.
    """
    if axis.current.axis is not None:
        return axis.current.axis
    if axis.current.whole:
        raise NotCompilable(
            "inside of a step of fxtorch.distributed.parallel every Tensor is that of the whole batch already; leave "
            "the collective out"
        )
    if modes.capture is not None:
        raise NotCompilable(
            "a collective between processes cannot be part of a compiled step; compile the step with "
            "fxtorch.distributed.parallel, which runs one program over all processes"
        )
    return get_group(group).transport


def _outside(group: Any) -> bool:
    """Whether this process has no part in the collective."""
    return group is GroupMember.NON_GROUP_MEMBER


def _place(group: Any, rank: int | None, group_rank: int | None, default: int | None = None) -> int:
    """A process by its number in the group."""
    if (rank is None) == (group_rank is None):
        if default is None or rank is not None:
            raise ValueError("give either the global rank or the rank in the group, and not both")
        return default
    if group_rank is not None:
        return group_rank
    assert rank is not None
    if axis.current.axis is not None:
        return rank
    ranks = get_group(group).ranks
    if rank not in ranks:
        raise ValueError(f"Global rank {rank} is not part of group {group}")
    return ranks.index(rank)


def fill(tensor: Tensor, array: Any) -> None:
    """Put ``array`` into ``tensor``, outside of the graph.

    Raises:
        ValueError: the shapes differ.
    """
    if tuple(array.shape) != tuple(tensor.shape):
        raise ValueError(
            f"the result of shape {tuple(array.shape)} does not fit a Tensor of shape {tuple(tensor.shape)}"
        )
    tensor._rebind(jnp.asarray(array).astype(unwrap(tensor).dtype))


def _done(value: Any, async_op: bool) -> Work | None:
    return Work(value) if async_op else None


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Reduce the Tensors of all processes, into each of them.

    >>> import fxtorch as torch
    >>> total = torch.pmap(lambda x: (torch.distributed.all_reduce(x), x)[1])
    >>> total(torch.ones(1, 2))
    tensor([[1., 1.]])

    Args:
        tensor: the own one, and where the result goes.
        op: how.
        group: whose; of all processes if not given.
        async_op: return a :class:`Work`.
    """
    if not _outside(group):
        fill(tensor, channel(group).reduce(unwrap(tensor), op.known))
    return _done(tensor, async_op)


def all_reduce_coalesced(
    tensors: Sequence[Tensor], op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """:func:`all_reduce` of several Tensors of one type, in one message."""
    if not _outside(group):
        flat = channel(group).reduce(jnp.concatenate([unwrap(t).reshape(-1) for t in tensors]), op.known)
        at = 0
        for t in tensors:
            fill(t, flat[at : at + t.numel()].reshape(tuple(t.shape)))
            at += t.numel()
    return _done(tensors[-1] if tensors else None, async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Reduce the Tensors of all processes, into that of ``dst``."""
    if not _outside(group):
        place, out = _place(group, dst, group_dst), channel(group).reduce(unwrap(tensor), op.known)
        if axis.current.axis is not None:
            fill(tensor, jnp.where(axis.current.axis.rank() == place, out, unwrap(tensor)))
        elif get_rank(group) == place:
            fill(tensor, out)
    return _done(tensor, async_op)


def broadcast(
    tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """Put the Tensor of ``src`` into those of all processes."""
    if not _outside(group):
        fill(tensor, channel(group).pick(unwrap(tensor), _place(group, src, group_src)))
    return _done(tensor, async_op)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """Put every process's ``tensor`` into ``tensor_list``, in the order of their ranks.

    Raises:
        ValueError: the list is not as long as the group.
    """
    if not _outside(group):
        rows = channel(group).gather(unwrap(tensor))
        _check_length(tensor_list, rows.shape[0])
        for t, row in zip(tensor_list, rows, strict=True):
            fill(t, row)
    return _done(tensor, async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Every process's ``input_tensor``, joined along the first dimension or stacked, as the output's shape says."""
    if not _outside(group):
        rows = channel(group).gather(unwrap(input_tensor))
        fill(output_tensor, rows.reshape(tuple(output_tensor.shape)))
    return _done(output_tensor, async_op)


all_gather_single = all_gather_into_tensor


def all_gather_coalesced(
    output_tensor_lists: list[list[Tensor]], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """:func:`all_gather` of several Tensors; ``output_tensor_lists`` has a list for each process."""
    for i, tensor in enumerate(input_tensor_list):
        all_gather([row[i] for row in output_tensor_lists], tensor, group)
    return _done(None, async_op)


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Put every process's ``tensor`` into the ``gather_list`` of ``dst`` (the first if not given).

    Raises:
        ValueError: ``dst`` gave no list, or another process did.
    """
    if not _outside(group):
        _no_axis("gather")
        here = get_rank(group) == _place(group, dst, group_dst, 0)
        if here != (gather_list is not None):
            raise ValueError("gather_list must be given on the destination rank, and on no other")
        rows = channel(group).gather(unwrap(tensor))
        if gather_list is not None:
            _check_length(gather_list, rows.shape[0])
            for t, row in zip(gather_list, rows, strict=True):
                fill(t, row)
    return _done(tensor, async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Put one Tensor of the ``scatter_list`` of ``src`` (the first if not given) into ``tensor`` of each process.

    Raises:
        ValueError: ``src`` gave no list, or one of another length than the group.
    """
    if not _outside(group):
        _no_axis("scatter")
        pg, source = get_group(group), _place(group, src, group_src, 0)
        if pg.rank() == source:
            if scatter_list is None:
                raise ValueError("scatter_list must be given on the source rank")
            _check_length(scatter_list, pg.size())
            rows = jnp.stack([unwrap(t) for t in scatter_list])
        else:
            rows = jnp.zeros((pg.size(), *tensor.shape), unwrap(tensor).dtype)
        fill(tensor, channel(group).pick(rows, source)[pg.rank()])
    return _done(tensor, async_op)


def reduce_scatter(
    output: Tensor,
    input_list: Sequence[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Reduce the lists of all processes entry by entry; each process gets the entry of its rank."""
    if not _outside(group):
        rows = jnp.stack([unwrap(t) for t in input_list])
        _own_row(output, rows, op, group)
    return _done(output, async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """:func:`reduce_scatter` of one Tensor that holds the list, joined or stacked along its first dimension."""
    if not _outside(group):
        _own_row(output, unwrap(input).reshape(-1, *output.shape), op, group)
    return _done(output, async_op)


reduce_scatter_single = reduce_scatter_tensor


def _own_row(output: Tensor, rows: Any, op: ReduceOp, group: Any) -> None:
    way = channel(group)
    size = axis.current.axis.size if axis.current.axis is not None else get_group(group).size()
    _check_length(rows, size)
    fill(output, _FOLD[op](way.exchange(rows)))


_FOLD: dict[ReduceOp, Callable[[Any], Any]] = {
    ReduceOp.SUM: lambda rows: rows.sum(0, dtype=rows.dtype),
    ReduceOp.AVG: lambda rows: rows.mean(0).astype(rows.dtype),
    ReduceOp.PRODUCT: lambda rows: rows.prod(0, dtype=rows.dtype),
    ReduceOp.MIN: lambda rows: rows.min(0),
    ReduceOp.MAX: lambda rows: rows.max(0),
}


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """Send entry i of the input list to process i; entry i of the output list comes from process i.

    Raises:
        DistBackendError: the entries differ in shape.
    """
    if not _outside(group):
        if len({(tuple(t.shape), t.dtype) for t in [*input_tensor_list, *output_tensor_list]}) > 1:
            raise DistBackendError("all_to_all of Tensors that differ in shape or type is not supported")
        rows = channel(group).exchange(jnp.stack([unwrap(t) for t in input_tensor_list]))
        for t, row in zip(output_tensor_list, rows, strict=True):
            fill(t, row)
    return _done(None, async_op)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """:func:`all_to_all` of the equal parts of one Tensor's first dimension.

    Raises:
        DistBackendError: split sizes were given that differ.
    """
    if not _outside(group):
        if any(len(set(sizes)) > 1 for sizes in (output_split_sizes, input_split_sizes) if sizes):
            raise DistBackendError("all_to_all_single with split sizes that differ is not supported")
        size = axis.current.axis.size if axis.current.axis is not None else get_group(group).size()
        x = unwrap(input)
        if x.shape[0] % size:
            raise ValueError(f"the first dimension, {x.shape[0]}, must be divisible by the group's size {size}")
        rows = channel(group).exchange(x.reshape(size, x.shape[0] // size, *x.shape[1:]))
        fill(output, rows.reshape(tuple(output.shape)))
    return _done(output, async_op)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait until all processes have come here."""
    if not _outside(group):
        _no_axis("barrier")
        channel(group).reduce(jnp.zeros((), jnp.int32), "sum")
    return _done(None, async_op)


def monitored_barrier(group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False) -> None:
    """:func:`barrier`; who does not come is found by the launcher, which ends a run whose process died."""
    barrier(group)


def _no_axis(name: str) -> None:
    if axis.current.axis is not None:
        raise DistBackendError(f"{name} is not supported inside of pmap, where all devices do the same; use all_gather")


def _check_length(items: Any, size: int) -> None:
    if len(items) != size:
        raise ValueError(f"a list of {len(items)} Tensors for a group of {size} processes")


def source_of(group: Any, src: int | None, group_src: int | None) -> int:
    """The global rank that ``src`` or ``group_src`` means; the group's first if neither is given."""
    return get_global_rank(get_group(group), _place(group, src, group_src, 0))
