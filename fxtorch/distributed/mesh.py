"""Meshes of devices, under torch's name and JAX's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from fxtorch.tensor import device as devices


class DeviceMesh:
    """Devices in a grid whose dimensions have names; a thin cover of ``jax.sharding.Mesh``.

    Args:
        device_type: ``"cpu"``, ``"cuda"`` or ``"tpu"``.
        mesh: the numbers of the devices, nested to the shape of the grid; a ``jax.sharding.Mesh`` is taken as it is.
        mesh_dim_names: a name for each dimension.

    Attributes:
        jax_mesh: the mesh that JAX's own functions take.
    """

    def __init__(self, device_type: str, mesh: Any, *, mesh_dim_names: Sequence[str] | None = None) -> None:
        self.device_type = device_type
        if isinstance(mesh, Mesh):
            self.jax_mesh = mesh
            return
        numbers = np.asarray(mesh)
        names = _names(numbers.ndim, mesh_dim_names)
        every = _all(device_type)
        if numbers.max() >= len(every):
            raise RuntimeError(f"the mesh names {device_type} device {numbers.max()}, but there are {len(every)}")
        self.jax_mesh = Mesh(np.array(every, object)[numbers], names)

    @property
    def mesh_dim_names(self) -> tuple[str, ...]:
        """The names of the dimensions."""
        return tuple(map(str, self.jax_mesh.axis_names))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many devices each dimension has."""
        return self.jax_mesh.devices.shape

    @property
    def ndim(self) -> int:
        """How many dimensions."""
        return self.jax_mesh.devices.ndim

    def size(self, mesh_dim: int | None = None) -> int:
        """How many devices there are, or along one dimension."""
        return self.jax_mesh.size if mesh_dim is None else self.shape[mesh_dim]

    def __repr__(self) -> str:
        dims = ", ".join(f"{name}={n}" for name, n in zip(self.mesh_dim_names, self.shape, strict=True))
        return f"DeviceMesh({self.device_type}, {dims})"


def init_device_mesh(
    device_type: str, mesh_shape: Sequence[int], *, mesh_dim_names: Sequence[str] | None = None
) -> DeviceMesh:
    """The first devices of a kind as a grid of ``mesh_shape``.

    >>> import fxtorch as torch
    >>> torch.distributed.init_device_mesh("cpu", (1,), mesh_dim_names=("data",))
    DeviceMesh(cpu, data=1)

    Raises:
        RuntimeError: there are not as many devices, or the names do not fit the shape.
    """
    count, there = math.prod(mesh_shape), len(_all(device_type))
    if count > there:
        raise RuntimeError(
            f"a mesh of shape {tuple(mesh_shape)} needs {count} {device_type} devices, and there are {there} (a CPU "
            "counts as several under XLA_FLAGS=--xla_force_host_platform_device_count=N)"
        )
    return DeviceMesh(device_type, np.arange(count).reshape(tuple(mesh_shape)), mesh_dim_names=mesh_dim_names)


def as_mesh(mesh: DeviceMesh | Mesh | None) -> Mesh:
    """``mesh`` as JAX's; without one, all devices in a row."""
    if mesh is None:
        return Mesh(np.array(jax.devices()), ("data",))
    return mesh.jax_mesh if isinstance(mesh, DeviceMesh) else mesh


def axis_of(mesh: Mesh, axis: str | None) -> str:
    """``axis``, or the mesh's first.

    Raises:
        ValueError: the mesh has no such axis.
    """
    if axis is None:
        return str(mesh.axis_names[0])
    if axis not in mesh.axis_names:
        raise ValueError(f"the mesh has no axis {axis!r}, only {', '.join(map(str, mesh.axis_names))}")
    return axis


def _all(kind: str) -> list[Any]:
    devices.to_jax(kind)  # raises where there is none
    return list(jax.devices("gpu" if kind == "cuda" else kind))


def _names(ndim: int, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return tuple(f"dim{i}" for i in range(ndim))
    if len(names) != ndim or len(set(names)) != ndim:
        raise RuntimeError(f"mesh_dim_names {tuple(names)} must be {ndim} different names, one for each dimension")
    return tuple(names)
