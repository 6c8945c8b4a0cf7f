"""A Tensor owns its values: what NumPy does to the memory that it was made of does not reach it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import fxtorch as torch


@pytest.mark.parametrize("make", [torch.tensor, torch.from_numpy, torch.as_tensor, torch.Tensor])
def test_a_tensor_of_a_numpy_array_does_not_follow_its_changes(make: Callable[..., torch.Tensor]) -> None:
    for offset in range(16):  # JAX takes over memory that is aligned
        array = np.zeros((1 << 20) + 16, np.float32)[offset : offset + (1 << 20)]
        x = make(array)
        array[:] = 7
        assert x.sum().item() == 0
