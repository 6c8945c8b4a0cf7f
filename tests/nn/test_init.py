"""Initialisers: the distributions and shapes they promise."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn

init = nn.init


@pytest.mark.parametrize(
    ("fill", "low", "high", "std"),
    [
        (lambda t: init.uniform_(t, 2, 4), 2, 4, 2 / math.sqrt(12)),
        (lambda t: init.normal_(t, 1, 0.5), -2, 4, 0.5),
        (lambda t: init.trunc_normal_(t, 0, 1, -1, 2), -1, 2, 0.721),
        (lambda t: init.xavier_uniform_(t, 2.0), -2 * math.sqrt(0.02), 2 * math.sqrt(0.02), 2 * math.sqrt(2 / 300)),
        (lambda t: init.xavier_normal_(t), -0.5, 0.5, math.sqrt(2 / 300)),
        (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"), -0.245, 0.245, math.sqrt(2 / 100)),
        (lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), -0.6, 0.6, math.sqrt(2 / 200)),
    ],
)
def test_draws_have_the_bounds_and_spread_of_the_formula(
    fill: Callable[[torch.Tensor], torch.Tensor], low: float, high: float, std: float
) -> None:
    t = torch.empty(200, 100)
    assert fill(t) is t
    values = t.numpy()
    assert low <= values.min() and values.max() <= high
    assert abs(values.std() / std - 1) < 0.03


def test_fans_count_kernels() -> None:
    assert init._calculate_fan_in_and_fan_out(torch.empty(8, 3, 2, 5)) == (30, 80)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_uniform_(torch.empty(3))


def test_gains() -> None:
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("leaky_relu", 2) == math.sqrt(2 / 5)
    with pytest.raises(ValueError, match="Unsupported nonlinearity zz"):
        init.calculate_gain("zz")
    with pytest.raises(ValueError, match="negative_slope x not a valid number"):
        init.calculate_gain("leaky_relu", "x")  # type: ignore[arg-type]


def test_constants() -> None:
    assert init.constant_(torch.empty(2), 3).tolist() == [3.0, 3.0]
    assert init.eye_(torch.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert init.zeros_(init.ones_(torch.empty(1))).item() == 0


def test_dirac_passes_channels_through() -> None:
    conv = nn.Conv1d(4, 4, 3, padding=1, groups=2, bias=False)
    init.dirac_(conv.weight, groups=2)
    x = torch.randn(1, 4, 5)
    np.testing.assert_array_equal(conv(x).detach().numpy(), x.numpy())


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (4, 2, 2)])
def test_orthogonal_matrices_are_orthogonal(shape: tuple[int, ...]) -> None:
    m = init.orthogonal_(torch.empty(*shape), gain=2.0).reshape(shape[0], -1).numpy()
    product = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_sparse_columns_have_their_share_of_zeros() -> None:
    m = init.sparse_(torch.empty(10, 7), 0.25).numpy()
    assert ((m == 0).sum(0) == 3).all()


def test_a_generator_decides_the_draws_and_parameters_stay_leaves() -> None:
    p, q = nn.Parameter(torch.empty(5)), nn.Parameter(torch.empty(5))
    for t in (p, q):
        init.normal_(t, generator=torch.Generator().manual_seed(3))
    assert torch.equal(p, q) and p.is_leaf and p.requires_grad


def test_old_names_warn_and_work() -> None:
    with pytest.warns(FutureWarning, match="deprecated in favor of `nn.init.constant_`"):
        assert init.constant(torch.empty(1), 2).item() == 2


def test_empty_tensors_are_left_alone_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        init.kaiming_uniform_(torch.empty(0, 3))
