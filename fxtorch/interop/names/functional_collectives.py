"""``torch.distributed._functional_collectives``: collectives that return new Tensors, named as compilers name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.distributed.nn import functional
from fxtorch.distributed.reduce_op import ReduceOp
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

_cat = namespace("torch")["cat"]


def wait_tensor(tensor: Tensor) -> Tensor:
    """``tensor``: JAX waits where a value is needed."""
    return tensor


def all_reduce(self: Tensor, reduceOp: str, group: Any = None, tag: str = "") -> Tensor:
    """The reduction, named in words, of the Tensors of all processes."""
    return functional.all_reduce(self, getattr(ReduceOp, reduceOp.upper()), group)


def all_gather_tensor(self: Tensor, gather_dim: int, group: Any = None, tag: str = "") -> Tensor:
    """The Tensors of all processes, joined along a dimension."""
    return _cat(functional.all_gather(self, group), gather_dim)


def broadcast(self: Tensor, src: int, group: Any = None, tag: str = "") -> Tensor:
    """The Tensor of ``src``."""
    return functional.broadcast(self, src, group)


def all_to_all_single(
    self: Tensor,
    output_split_sizes: Sequence[int] | None,
    input_split_sizes: Sequence[int] | None,
    group: Any = None,
    tag: str = "",
) -> Tensor:
    """The equal parts of the first dimension exchanged: part i goes to process i."""
    return functional.all_to_all_single(self, self, output_split_sizes, input_split_sizes, group)


all_gather_tensor_autograd, all_to_all_single_autograd = all_gather_tensor, all_to_all_single
