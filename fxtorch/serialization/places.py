"""Where the Tensors of a file go: ``map_location``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax

from fxtorch.tensor.device import device, to_jax

MapLocation = str | device | Mapping[str, str] | Callable[["StoragePlace", str], Any] | None


META = object()  # in the place of a JAX device: shapes and types alone are kept


class StoragePlace:
    """What a ``map_location`` function is given: a storage that is on the CPU until the function moves it."""

    def __init__(self, where: str = "cpu") -> None:
        self.location = where

    def cpu(self) -> StoragePlace:
        """On the CPU."""
        return StoragePlace("cpu")

    def cuda(self, index: int | None = None) -> StoragePlace:
        """On a GPU."""
        return StoragePlace(f"cuda:{index or 0}")


def default_restore_location(storage: Any, location: str) -> Any:
    """``storage`` at ``location``: what programs answer in a ``map_location`` function of their own."""
    return StoragePlace(str(device(location)))


def location_tag(storage: Any) -> str:
    """The name that files have for where a storage is, ``"cpu"`` or ``"cuda:0"``."""
    if isinstance(storage, StoragePlace):
        return storage.location
    where = device(storage.device)
    return where.type if where.type in ("cpu", "meta") else f"{where.type}:{where.index or 0}"


def place_of(location: str, map_location: MapLocation) -> Any:
    """The JAX device for a storage that was saved at ``location``; None for JAX's own default, or :data:`META`.

    Raises:
        RuntimeError: it was saved on a device that is not here, and ``map_location`` does not say where else.
    """
    if callable(map_location):
        moved = map_location(StoragePlace(), location)
        target = location if moved is None else moved.location
    elif isinstance(map_location, Mapping):
        target = map_location.get(location, location)
    else:
        target = location if map_location is None else map_location
    wanted = device(target)
    if wanted.type == "meta":
        return META
    try:
        found = to_jax(wanted)
    except RuntimeError as error:
        raise RuntimeError(
            f"Attempting to deserialize object on a {wanted.type.upper()} device but {error}. If you are running on a "
            "CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the "
            "CPU."
        ) from None
    # an array that is put nowhere in particular stays free to meet arrays that are
    return None if found == jax.devices()[0] else found
