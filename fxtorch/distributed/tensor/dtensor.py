"""Tensors that are split over the devices of a mesh: one array of JAX's, which already is what a DTensor is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec

from fxtorch.distributed.mesh import DeviceMesh, as_mesh
from fxtorch.distributed.tensor.placement_types import Placement, Replicate, Shard, _StridedShard
from fxtorch.nn import Module
from fxtorch.tensor import Tensor, unwrap


class DTensor(Tensor):
    """A Tensor that knows how it lies on a mesh; it has the whole shape, and computes as any other.

    XLA moves the parts that an operation needs. One process holds every device of the mesh, so what is local to it is
    the whole Tensor.

    >>> import fxtorch as torch
    >>> from fxtorch.distributed.tensor import Shard, distribute_tensor
    >>> mesh = torch.distributed.init_device_mesh("cpu", (1,))
    >>> x = distribute_tensor(torch.ones(4, 2), mesh, [Shard(0)])
    >>> x.placements, (x * 2).full_tensor().sum().item()
    ((Shard(dim=0),), 16.0)
    """

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh that it lies on."""
        array = unwrap(self)
        sharding = array.sharding
        if isinstance(sharding, NamedSharding):
            return DeviceMesh(self.device.type, sharding.mesh)
        devices = sorted(sharding.device_set, key=lambda d: d.id)
        return DeviceMesh(self.device.type, [d.id for d in devices])

    @property
    def placements(self) -> tuple[Placement, ...]:
        """How it lies on each dimension of its mesh."""
        sharding = unwrap(self).sharding
        if not isinstance(sharding, NamedSharding):
            return (Replicate(),) * self.device_mesh.ndim
        cut: dict[Any, Placement] = {}
        for dim, names in enumerate(sharding.spec):
            for name in names if isinstance(names, tuple) else (names,):
                cut[name] = Shard(dim)
        return tuple(cut.get(name, Replicate()) for name in sharding.mesh.axis_names)

    @staticmethod
    def from_local(
        local_tensor: Tensor,
        device_mesh: DeviceMesh | None = None,
        placements: Sequence[Placement] | None = None,
        *,
        run_check: bool = False,
        shape: Any = None,
        stride: Any = None,
    ) -> DTensor:
        """What this process holds, which is the whole Tensor, on a mesh."""
        return _placed(local_tensor, device_mesh, placements)

    def to_local(self, *, grad_placements: Any = None) -> Tensor:
        """What this process holds, as a plain Tensor: all of it."""
        return self.as_subclass(Tensor)

    def full_tensor(self, *, grad_placements: Any = None) -> Tensor:
        """All of it on every device, as a plain Tensor."""
        return self.redistribute(placements=None).as_subclass(Tensor)

    def redistribute(
        self, device_mesh: DeviceMesh | None = None, placements: Sequence[Placement] | None = None, **options: Any
    ) -> DTensor:
        """The same values, lying otherwise; without placements, all of it on every device.

        Raises:
            RuntimeError: ``placements`` has :class:`Partial`, or does not fit the mesh.
        """
        return _placed(self, device_mesh or self.device_mesh, placements)


def distribute_tensor(
    tensor: Tensor,
    device_mesh: DeviceMesh | None = None,
    placements: Sequence[Placement] | None = None,
    *,
    src_data_rank: int | None = 0,
) -> DTensor:
    """``tensor`` on a mesh: split by :class:`Shard`, and whole by :class:`Replicate`, the default.

    Args:
        tensor: any Tensor; the result is a leaf, and asks for a gradient if it did.
        device_mesh: the devices; all of them in a row if not given.
        placements: one for each dimension of the mesh.
        src_data_rank: accepted: one process has the data.

    Raises:
        RuntimeError: ``placements`` has :class:`Partial`, or does not fit the mesh or the Tensor.
    """
    return _placed(tensor.detach(), device_mesh, placements).requires_grad_(tensor.requires_grad)


def distribute_module(
    module: Module,
    device_mesh: DeviceMesh | None = None,
    partition_fn: Callable[[str, Module, DeviceMesh], None] | None = None,
) -> Module:
    """``module`` with its parameters on a mesh: as ``partition_fn`` places them, and whole where it does not.

    Args:
        module: changed in place, and returned.
        device_mesh: the devices; all of them in a row if not given.
        partition_fn: called with each Module's name, the Module and the mesh.
    """
    mesh = device_mesh or DeviceMesh(jax.default_backend().replace("gpu", "cuda"), as_mesh(None))
    for name, child in module.named_modules():
        if partition_fn is not None:
            partition_fn(name, child, mesh)
        for parameter in child.parameters(recurse=False):
            if not isinstance(unwrap(parameter).sharding, NamedSharding):
                parameter._data = unwrap(distribute_tensor(parameter, mesh))
    return module


def compute_local_shape_and_global_offset(
    global_shape: Sequence[int], mesh: DeviceMesh, placements: Sequence[Placement]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of what this process holds, and where it starts: everything, from the start."""
    return tuple(global_shape), (0,) * len(global_shape)


def _placed(tensor: Tensor, device_mesh: DeviceMesh | None, placements: Sequence[Placement] | None) -> DTensor:
    mesh = as_mesh(device_mesh)
    if len({d.process_index for d in mesh.devices.flat}) > 1:
        raise RuntimeError("a DTensor lies on one process's devices; between processes use DistributedDataParallel")
    given = tuple(placements) if placements is not None else (Replicate(),) * mesh.devices.ndim
    if len(given) != mesh.devices.ndim:
        raise RuntimeError(f"{len(given)} placements for a mesh of {mesh.devices.ndim} dimensions")
    names: list[list[Any]] = [[] for _ in range(tensor.dim())]
    for name, placement in zip(mesh.axis_names, given, strict=True):
        if isinstance(placement, Replicate):
            continue
        if not isinstance(placement, Shard) or isinstance(placement, _StridedShard):
            raise RuntimeError(f"a Tensor cannot be placed by {placement}: use Shard or Replicate")
        if not -tensor.dim() <= placement.dim < tensor.dim():
            raise RuntimeError(f"{placement} of a Tensor of shape {tuple(tensor.shape)}")
        names[placement.dim].append(name)
    sharding = NamedSharding(mesh, PartitionSpec(*[tuple(n) or None for n in names]))
    placed = tensor.clone()
    placed._data = jax.device_put(unwrap(placed), sharding)
    return placed.as_subclass(DTensor)
