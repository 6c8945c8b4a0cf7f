"""torch.distributed.tensor on one device: what can be placed, and how."""

from __future__ import annotations

from typing import Any

import pytest

import fxtorch as torch
from fxtorch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from fxtorch.distributed.tensor.placement_types import _StridedShard


def mesh() -> Any:
    return torch.distributed.init_device_mesh("cpu", (1,))


@pytest.mark.parametrize(
    ("placements", "words"),
    [
        ([Partial()], "cannot be placed by Partial"),
        ([_StridedShard(0, 2)], "cannot be placed by _StridedShard"),
        ([Shard(2)], r"Shard\(dim=2\) of a Tensor of shape \(2, 3\)"),
        ([Replicate(), Shard(0)], "2 placements for a mesh of 1 dimensions"),
    ],
)
def test_what_cannot_be_placed_is_said(placements: list[Any], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        distribute_tensor(torch.ones(2, 3), mesh(), placements)


def test_a_placed_tensor_computes_as_any_other_and_stays_placed() -> None:
    x = DTensor.from_local(torch.ones(2, 3), mesh(), [Shard(1)])
    y = x + 1
    assert isinstance(y, DTensor) and y.placements == (Shard(1),) and repr(y.device_mesh) == "DeviceMesh(cpu, dim0=1)"
    assert type(y.full_tensor()) is torch.Tensor and y.full_tensor().sum().item() == 12


def test_parts_are_equal_but_for_the_last_ones() -> None:
    parts = [Shard.local_shard_size_and_offset(10, 4, rank) for rank in range(5)]
    assert parts == [(3, 0), (3, 3), (3, 6), (1, 9), (0, 10)]
