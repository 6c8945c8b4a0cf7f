"""Pooling by maximum, mean and power mean."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import distinct, randint, randn, tensor, uniform

F = "nn.functional."
X = distinct(2, 3, 7, 6)
TIES = tensor([[[1.0, 2.0, 2.0, 0.0], [2.0, 1.0, 0.0, 0.0], [3.0, 3.0, 1.0, 1.0], [3.0, 3.0, 1.0, 1.0]]])

CASES = [
    case(F + "max_pool2d", X, 2),
    case(F + "max_pool2d", X, 2, return_indices=True),
    case(F + "max_pool2d", X, 3, stride=2, padding=1),
    case(F + "max_pool2d", X, (3, 2), stride=(2, 1), dilation=2, return_indices=True),
    case(F + "max_pool2d", X, 2, ceil_mode=True),
    case(F + "max_pool2d", distinct(1, 1, 12, 12), 9, stride=2, padding=4, return_indices=True),
    # torch refuses to differentiate by the samples; parity of the layers compares the input's gradient
    case(F + "fractional_max_pool2d", X, 2, (4, 3), return_indices=True, _random_samples=uniform(2, 3, 2)).but(
        grad=False
    ),
    case(
        F + "fractional_max_pool2d", distinct(3, 9, 8), (3, 2), None, (0.5, 0.6), _random_samples=uniform(1, 3, 2)
    ).but(grad=False),
    case(
        F + "fractional_max_pool3d",
        distinct(1, 2, 4, 5, 6),
        (1, 2, 3),
        (2, 3, 3),
        return_indices=True,
        _random_samples=uniform(1, 2, 3),
    ).but(grad=False),
    case(F + "max_pool1d", distinct(2, 3, 9), 3, 2),
    case(F + "max_pool3d", distinct(1, 2, 4, 5, 6), (1, 2, 3), 2),
    case(F + "adaptive_max_pool1d", distinct(2, 3, 7), 3),
    case(F + "adaptive_max_pool2d", X, (3, 4), return_indices=True),
    case(F + "adaptive_max_pool2d", X, (None, 2)),
    case(F + "adaptive_max_pool3d", distinct(1, 2, 4, 4, 4), 2),
    case(F + "max_unpool2d", randn(1, 1, 2, 2), tensor([[[[0, 3], [9, 14]]]]), 2),
    case(F + "max_unpool1d", randn(1, 1, 2), tensor([[[0, 4]]]), 2, output_size=(1, 1, 5)),
    case(F + "avg_pool2d", randn(2, 3, 7, 6), 2),
    case(F + "avg_pool2d", randn(2, 3, 7, 6), 3, stride=2, padding=1, ceil_mode=True),
    case(F + "avg_pool2d", randn(2, 3, 7, 6), 3, stride=2, padding=1, count_include_pad=False),
    case(F + "avg_pool2d", randn(2, 3, 7, 6), 2, divisor_override=3),
    case(F + "avg_pool1d", randn(2, 3, 9), 3, 2, 1),
    case(F + "avg_pool3d", randn(1, 2, 4, 5, 6), (1, 2, 3), 2),
    case(F + "adaptive_avg_pool1d", randn(2, 3, 7), 3),
    case(F + "adaptive_avg_pool2d", randn(2, 3, 7, 6), 1),
    case(F + "adaptive_avg_pool2d", randn(2, 3, 8, 6), (4, 3)),
    case(F + "adaptive_avg_pool2d", randn(2, 3, 7, 6), (3, None)),
    case(F + "adaptive_avg_pool3d", randn(1, 2, 4, 5, 4), 3),
    case(F + "lp_pool1d", uniform(2, 3, 8), 2.0, 2),
    case(F + "lp_pool2d", uniform(2, 3, 7, 6), 3.0, 2, ceil_mode=True),
    case(F + "max_pool2d", TIES, 2, return_indices=True).but(grad=False),
]

ERRORS = [
    error(F + "fractional_max_pool3d", distinct(1, 2, 5, 5, 4), 3, 2, match="too large relative to input"),
    error(F + "fractional_max_pool2d", X, 4, 5, match="too large relative to input"),
    error(F + "fractional_max_pool2d", X, 4, match="requires specifying either an output"),
    error(
        F + "max_pool2d", randn(1, 1, 3, 3), 2, padding=2, match="pad should be at most half of effective kernel size"
    ),
    error(F + "max_pool2d", randn(1, 1, 3, 3), 5, match="Output size is too small"),
    error(F + "max_pool2d", randn(1, 1, 3, 3), 2, stride=0, match="stride should not be zero"),
    error(F + "avg_pool2d", randn(1, 1, 3, 3), 2, divisor_override=0, match="divisor must be not zero"),
    error(
        F + "max_unpool2d", randn(1, 1, 2, 2), randint(1, 1, 2, 3, low=0), 2, match="same as that of the input tensor"
    ),
]
