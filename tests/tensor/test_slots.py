"""Parts of one array are read and written as the arrays that it was made of."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxtorch.tensor.slots import Part, Slot, divided, joined, read, read_all


def parts_of(slot: Slot) -> list[Part]:
    return [part for part in slot.parts() if part is not None]


shapes = st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=4)


@given(shapes)
def test_what_is_joined_is_divided_into_the_same(shapes: list[tuple[int, ...]]) -> None:
    arrays = [jnp.arange(float(np.prod(s))).reshape(s) + i for i, s in enumerate(shapes)]
    whole = joined(arrays)
    parts = parts_of(Slot(tuple(range(len(arrays))), shapes=tuple(shapes)))
    for found in (divided(whole, shapes), read_all(whole, parts), [read(whole, part) for part in parts]):
        for array, part in zip(arrays, found, strict=True):
            np.testing.assert_array_equal(part, array, strict=True)


SLOTS = {
    "rows": (Slot((0, 1)), (2, 2, 3), (2, 3)),
    "together": (Slot((0, 1), shapes=((2, 2), (2, 3))), (10,), (2, 3)),
}


@pytest.mark.parametrize(("slot", "shape", "last"), SLOTS.values(), ids=list(SLOTS))
def test_a_part_that_is_written_leaves_the_others(slot: Slot, shape: tuple[int, ...], last: tuple[int, ...]) -> None:
    whole = jnp.arange(float(np.prod(shape))).reshape(shape)
    first, second = parts_of(slot)
    before = np.array(read(whole, first))
    whole = second.write(whole, jnp.full(last, -1.0))
    np.testing.assert_array_equal(read(whole, second), np.full(last, -1.0))
    np.testing.assert_array_equal(read(whole, first), before)


def test_a_turned_array_is_read_and_written_in_its_tensors_order() -> None:
    (part,) = parts_of(Slot((0,), order=(2, 0, 1)))
    whole = jnp.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(read(whole, part), np.transpose(whole, (2, 0, 1)))
    np.testing.assert_array_equal(part.write(whole, read(whole, part)), whole)
