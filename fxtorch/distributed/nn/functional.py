"""Collectives that return new Tensors, and whose gradient is the collective that brings cotangents back.

Each process is taken to have a loss of its own, and the gradient is that of the sum of all of them: what a process
gives to others earns it the others' cotangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from fxtorch.autograd.function import Function
from fxtorch.distributed import axis, collectives
from fxtorch.distributed.errors import DistBackendError
from fxtorch.distributed.process_group import get_rank, get_world_size
from fxtorch.distributed.reduce_op import ReduceOp
from fxtorch.tensor import Tensor, unwrap
from fxtorch.tensor.dispatch import namespace

_cat = namespace("torch")["cat"]


def _size(group: Any) -> int:
    return axis.current.axis.size if axis.current.axis is not None else get_world_size(group)


def _rank() -> Any:
    return axis.current.axis.rank() if axis.current.axis is not None else get_rank()


def _like(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


class _AllReduce(Function):
    @staticmethod
    def forward(ctx: Any, op: ReduceOp, group: Any, tensor: Tensor) -> Tensor:
        ctx.op, ctx.group = op, group
        out = _like(tensor)
        collectives.all_reduce(out, op, group)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, None, _AllReduce.apply(ctx.op, ctx.group, grads[0])


class _Broadcast(Function):
    @staticmethod
    def forward(ctx: Any, src: int, group: Any, tensor: Tensor) -> Tensor:
        ctx.src, ctx.group = src, group
        out = _like(tensor)
        collectives.broadcast(out, src, group)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        total = _like(grads[0])
        collectives.reduce(total, ctx.src, ReduceOp.SUM, ctx.group)
        collectives.fill(total, jnp.where(_rank() == ctx.src, unwrap(total), 0))  # the others' Tensors were not used
        return None, None, total


class _Reduce(Function):
    @staticmethod
    def forward(ctx: Any, dst: int, op: ReduceOp, group: Any, tensor: Tensor) -> Tensor:
        ctx.dst, ctx.group = dst, group
        out = _like(tensor)
        collectives.reduce(out, dst, op, group)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, None, None, _Broadcast.apply(ctx.dst, ctx.group, grads[0])


class _AllGather(Function):
    @staticmethod
    def forward(ctx: Any, group: Any, tensor: Tensor) -> tuple[Tensor, ...]:
        ctx.group = group
        rows = [_like(tensor) for _ in range(_size(group))]
        collectives.all_gather(rows, tensor.detach(), group)
        return tuple(rows)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, _ReduceScatter.apply(ReduceOp.SUM, ctx.group, *grads)


class _ReduceScatter(Function):
    @staticmethod
    def forward(ctx: Any, op: ReduceOp, group: Any, *tensors: Tensor) -> Tensor:
        if op is not ReduceOp.SUM and any(ctx.needs_input_grad):
            raise RuntimeError(f"reduce_scatter has a gradient with ReduceOp.SUM only, and got {op}")
        ctx.group = group
        out = _like(tensors[0])
        collectives.reduce_scatter(out, [t.detach() for t in tensors], op, group)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, None, *_AllGather.apply(ctx.group, grads[0])


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, dst: int, group: Any, tensor: Tensor) -> tuple[Tensor, ...]:
        ctx.dst, ctx.group = dst, group
        rows = [_like(tensor) * 0 for _ in range(_size(group))]
        collectives.gather(tensor.detach(), rows if get_rank() == dst else None, dst, group)
        return tuple(rows)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, None, _Scatter.apply(ctx.dst, ctx.group, *grads)


class _Scatter(Function):
    @staticmethod
    def forward(ctx: Any, src: int, group: Any, *tensors: Tensor) -> Tensor:
        ctx.src, ctx.group = src, group
        out = _like(tensors[0])
        collectives.scatter(out, [t.detach() for t in tensors] if get_rank() == src else None, src, group)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, None, *_Gather.apply(ctx.src, ctx.group, grads[0])


class _AllToAll(Function):
    @staticmethod
    def forward(ctx: Any, group: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.group = group
        out = [_like(t) for t in tensors]
        collectives.all_to_all(out, [t.detach() for t in tensors], group)
        return tuple(out)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, *_AllToAll.apply(ctx.group, *grads)


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The reduction of the Tensors of all processes; its gradient is reduced in the same way.

    >>> import fxtorch as torch
    >>> total = torch.pmap(lambda x: torch.distributed.nn.functional.all_reduce(x))
    >>> total(torch.ones(1, 2))
    tensor([[1., 1.]])
    """
    return _AllReduce.apply(op, group, tensor)


def broadcast(tensor: Tensor, src: int, group: Any = None) -> Tensor:
    """The Tensor of ``src``, whose gradient is the sum of what all processes have for it."""
    return _Broadcast.apply(src, group, tensor)


def reduce(tensor: Tensor, dst: int, op: ReduceOp = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The reduction in ``dst``, and ``tensor`` everywhere else."""
    return _Reduce.apply(dst, op, group, tensor)


def all_gather(tensor: Tensor, group: Any = None) -> tuple[Tensor, ...]:
    """The Tensors of all processes, in the order of their ranks; the gradient sums what all of them have for it."""
    return _AllGather.apply(group, tensor)


def gather(tensor: Tensor, dst: int = 0, group: Any = None) -> tuple[Tensor, ...]:
    """The Tensors of all processes in ``dst``, and zeros everywhere else."""
    return _Gather.apply(dst, group, tensor)


def scatter(tensors: Sequence[Tensor], src: int = 0, group: Any = None) -> Tensor:
    """The entry of the list of ``src`` that belongs to this process; the other lists give shapes."""
    return _Scatter.apply(src, group, *tensors)


def reduce_scatter(
    output: Tensor, input_list: Sequence[Tensor], op: ReduceOp = ReduceOp.SUM, group: Any = None
) -> Tensor:
    """The lists of all processes reduced entry by entry, of which each gets its own.

    Args:
        output: a Tensor of the result's shape; it is not written to.
        input_list: an entry for each process.
        op: how; a gradient flows through sums only.
        group: whose; of all processes if not given.

    Raises:
        RuntimeError: a gradient is asked for, and ``op`` is not the sum.
    """
    return _ReduceScatter.apply(op, group, *input_list)


def all_to_all(
    output_tensor_list: Sequence[Tensor], input_tensor_list: Sequence[Tensor], group: Any = None
) -> tuple[Tensor, ...]:
    """Entry i of the list goes to process i; entry i of the result comes from there.

    Args:
        output_tensor_list: Tensors of the results' shapes; they are not written to.
        input_tensor_list: an entry for each process.
        group: whose; of all processes if not given.
    """
    return _AllToAll.apply(group, *input_tensor_list)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
) -> Tensor:
    """:func:`all_to_all` of the equal parts of one Tensor's first dimension.

    Raises:
        DistBackendError: split sizes were given that differ.
        ValueError: the parts would not be equal.
    """
    if any(len(set(sizes)) > 1 for sizes in (output_split_sizes, input_split_sizes) if sizes):
        raise DistBackendError("all_to_all_single with split sizes that differ is not supported")
    size = _size(group)
    if input.shape[0] % size:
        raise ValueError(f"the first dimension, {input.shape[0]}, must be divisible by the group's size {size}")
    parts = _AllToAll.apply(group, *input.chunk(size))
    return _cat(parts)
