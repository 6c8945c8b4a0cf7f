"""The text of Tensors of many shapes and values, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch as torch

reference = pytest.importorskip("torch", reason="parity needs PyTorch")

_rng = np.random.RandomState(0)
VALUES = {
    "vector": _rng.randn(7),
    "long": _rng.randn(30),
    "matrix": _rng.randn(3, 5) * 100,
    "cube": _rng.randn(2, 3, 4),
    "large": _rng.randn(40, 50),
    "integers": _rng.randint(-1000, 1000, (4, 4)),
    "spread": np.array([1e-6, 1.0, 1e6]),
    "huge": np.array([1e10, 1.0]),
    "whole": np.array([[1.0, 2.0], [3.0, 400.0]]),
    "bools": _rng.rand(3, 3) > 0.5,
    "complex": _rng.randn(2, 2) + 1j * _rng.randn(2, 2),
    "empty": np.zeros((0, 3)),
    "special": np.array([np.nan, -np.inf, 0.5]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "complex64"])
@pytest.mark.parametrize("name", VALUES)
def test_the_text_is_torchs(name: str, dtype: str) -> None:
    value = VALUES[name]
    if np.iscomplexobj(value) != (dtype == "complex64") or (name in ("huge", "special") and dtype == "int64"):
        value = value.real if np.iscomplexobj(value) else np.nan_to_num(value, posinf=1, neginf=-1).clip(-1e6, 1e6)
    value = value.astype(dtype)
    assert repr(torch.tensor(value)) == repr(reference.tensor(value))
