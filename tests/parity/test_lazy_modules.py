"""Lazy layers, which take their sizes from the first input, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")

RTOL, ATOL = 1.3e-6, 1e-5

LAZY = {
    "LazyLinear": ((4,), (5, 3)),
    "LazyConv1d": ((4, 2), (2, 3, 8)),
    "LazyConv2d": ((4, 2), (2, 3, 8, 8)),
    "LazyConv3d": ((4, 2), (2, 3, 4, 4, 4)),
    "LazyConvTranspose1d": ((4, 2), (2, 3, 8)),
    "LazyConvTranspose2d": ((4, 2), (2, 3, 8, 8)),
    "LazyConvTranspose3d": ((4, 2), (2, 3, 4, 4, 4)),
    "LazyBatchNorm1d": ((), (4, 3)),
    "LazyBatchNorm2d": ((), (4, 3, 2, 2)),
    "LazyBatchNorm3d": ((), (4, 3, 2, 2, 2)),
    "LazyInstanceNorm1d": ((1e-5, 0.1, True, True), (4, 3, 5)),
    "LazyInstanceNorm2d": ((1e-5, 0.1, True, True), (4, 3, 2, 2)),
    "LazyInstanceNorm3d": ((1e-5, 0.1, True, True), (4, 3, 2, 2, 2)),
}


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_layer_becomes_what_torchs_becomes(name: str) -> None:
    made, shape = LAZY[name]
    x = np.random.default_rng(2).normal(size=shape).astype("float32")
    theirs, ours = (getattr(library.nn, name)(*made) for library in (torch, fxtorch))
    assert repr(ours) == repr(theirs)
    ours(fxtorch.tensor(x))
    theirs(torch.tensor(x))
    assert type(ours).__name__ == type(theirs).__name__ and repr(ours) == repr(theirs)
    ours.load_state_dict({k: fxtorch.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    np.testing.assert_allclose(
        ours(fxtorch.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), RTOL, ATOL
    )
