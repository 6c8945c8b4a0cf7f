"""A module for each of several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn.modules.module import Module
from fxtorch.tensor.device import device


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """``network`` for each device; where they are one and the same device, the module itself.

    Raises:
        RuntimeError: several different devices are asked for: one process computes on one device here.
    """
    if len({_named(place) for place in devices}) > 1:
        raise RuntimeError("replicate works on one device: use fxtorch.distributed to spread a batch over several")
    return [network for _ in devices]


def _named(place: Any) -> str:
    return str(device(place))
