"""Parameters and optimizer state split over devices."""

from __future__ import annotations

from typing import Any, TypeVar

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fxtorch.distributed.mesh import DeviceMesh, as_mesh, axis_of
from fxtorch.nn import Module
from fxtorch.tensor import Tensor, unwrap

M = TypeVar("M", bound=Module)


def fully_shard(module: M, *, mesh: DeviceMesh | Mesh | None = None, axis: str | None = None) -> M:
    """Split every parameter of ``module`` over the devices of a mesh axis, in place; returns ``module``.

    A parameter is split along its longest dimension that the number of devices divides; one that has none is copied to
    all.  Buffers are copied.  Optimizer state that is made afterwards, and gradients in a step of :func:`parallel`, lie
    like their parameter, so that each device holds its share of all three.  XLA gathers a parameter where it is used.

    >>> import fxtorch as torch
    >>> model = torch.distributed.fully_shard(torch.nn.Linear(4, 8))
    >>> model(torch.ones(1, 4)).shape
    torch.Size([1, 8])

    Args:
        module: what to split; make its optimizer afterwards, or before its first step.
        mesh: the devices; all of them if not given.
        axis: which axis of the mesh to split over; its first if not given.

    Raises:
        RuntimeError: the mesh spans several processes.
        ValueError: the mesh has no such axis.
    """
    jax_mesh = as_mesh(mesh)
    name = axis_of(jax_mesh, axis)
    if len({d.process_index for d in jax_mesh.devices.flat}) > 1:
        raise RuntimeError(
            "fully_shard splits over the devices of one process; between processes use "
            "nn.parallel.DistributedDataParallel or distributed.parallel, which keep whole copies"
        )
    for parameter in module.parameters():
        spec = _split(tuple(parameter.shape), jax_mesh.shape[name], name)
        _put(parameter, NamedSharding(jax_mesh, spec))
    for buffer in module.buffers():
        _put(buffer, NamedSharding(jax_mesh, PartitionSpec()))
    return module


def _split(shape: tuple[int, ...], parts: int, name: str) -> PartitionSpec:
    fitting = [d for d, n in enumerate(shape) if n and n % parts == 0]
    if not fitting:
        return PartitionSpec()
    longest = max(fitting, key=lambda d: shape[d])
    return PartitionSpec(*[None] * longest, name)


def _put(tensor: Tensor, sharding: NamedSharding) -> None:
    tensor._data = jax.device_put(unwrap(tensor), sharding, may_alias=False)
    tensor.__dict__["_split"] = sharding


def local_shape(tensor: Any) -> tuple[int, ...]:
    """The shape of the part of ``tensor`` that one device holds."""
    return tuple(unwrap(tensor).addressable_shards[0].data.shape)
