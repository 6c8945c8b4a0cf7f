"""torch.nn.grad: gradients of convolutions."""

from __future__ import annotations

import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch.nn import grad


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gradients_are_those_of_the_tape(n: int) -> None:
    conv = getattr(F, f"conv{n}d")
    x, w = torch.randn(2, 2, *[5] * n, requires_grad=True), torch.randn(4, 1, *[3] * n, requires_grad=True)
    options = {"stride": 2, "padding": 1, "groups": 2}
    y = conv(x, w, **options)
    ct = torch.randn_like(y)
    by_input, by_weight = torch.autograd.grad(y, (x, w), ct)
    torch.testing.assert_close(getattr(grad, f"conv{n}d_input")(x.shape, w, ct, **options), by_input)
    torch.testing.assert_close(getattr(grad, f"conv{n}d_weight")(x, w.shape, ct, **options), by_weight)
