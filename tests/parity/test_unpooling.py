"""Pooling undone, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")

RTOL, ATOL = 1.3e-6, 1e-5

POOLS = [(d, size, options) for d in (1, 2, 3) for size in (6, 7) for options in ({}, {"stride": 3}, {"padding": 1})]


@pytest.mark.parametrize(("d", "size", "options"), POOLS)
def test_pooling_is_undone_as_in_torch(d: int, size: int, options: dict[str, int]) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3) + (size,) * d).astype("float32")
    found = []
    for library in (torch, fxtorch):
        given = library.tensor(x, requires_grad=True)
        pool = getattr(library.nn, f"MaxPool{d}d")(3, return_indices=True, **options)
        undo = getattr(library.nn, f"MaxUnpool{d}d")(3, **options)
        values, places = pool(given)
        back = undo(values, places, output_size=given.shape)
        (back**2).sum().backward()
        found.append([repr(undo), *(t.detach().numpy() for t in (values, places, back, given.grad))])
    assert found[0][0] == found[1][0]
    for theirs, ours in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(ours, theirs, RTOL, ATOL)
