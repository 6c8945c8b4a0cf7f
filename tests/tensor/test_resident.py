"""Values that a program keeps: whoever asks gets them, also while the collector lets the program go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import pytest

import fxtorch as torch
from fxtorch.tensor import resident
from fxtorch.tensor.resident import Resident
from fxtorch.tensor.slots import Slot

SLOTS = [Slot((0,)), Slot((1, 2))]  # one that is by itself, and two rows


def kept() -> tuple[list[torch.Tensor], Resident]:
    tensors = [torch.empty(2) for _ in range(3)]
    held = Resident(tensors, SLOTS)
    held.renew([jnp.zeros(2), jnp.ones((2, 2)) * jnp.array([[1.0], [2.0]])])
    return tensors, held


class Collecting(dict[Any, Any]):
    """A dict that lets the collector run whenever it is asked."""

    collect: Callable[[], None]

    def __getitem__(self, key: Any) -> Any:
        self.collect()
        return super().__getitem__(key)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_dissolved_while_an_array_is_taken_still_gives_it(number: int) -> None:
    tensors, held = kept()
    held._places = Collecting(held._places)
    held._places.collect = held.dissolve
    assert tensors[number].tolist() == [float(number)] * 2
    assert [tensor.tolist() for tensor in tensors] == [[0.0] * 2, [1.0] * 2, [2.0] * 2]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_dissolved_before_an_array_is_taken_still_gives_it(number: int) -> None:
    tensors, held = kept()
    held.dissolve()
    assert held.take(tensors[number]).tolist() == [float(number)] * 2


def test_what_is_dissolved_while_all_is_released_still_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, held = kept()
    plain = resident.read

    def read(*args: Any) -> Any:
        held.dissolve()
        return plain(*args)

    monkeypatch.setattr(resident, "read", read)
    held.release()
    assert [tensor.tolist() for tensor in tensors] == [[0.0] * 2, [1.0] * 2, [2.0] * 2]
