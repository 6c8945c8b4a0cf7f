"""New arrays of given values."""

from __future__ import annotations

import numpy as np

from tests.cases import case, error
from tests.cases.data import randint, randn, tensor

INT, DOUBLE, BOOL = np.dtype("int64"), np.dtype("float64"), np.dtype("bool")

CASES = [
    *(case(name, 2, 3) for name in ("zeros", "ones")),
    *(case(name, (2, 0), dtype=INT) for name in ("zeros", "ones")),
    *(case(name, ()) for name in ("zeros", "ones")),
    case("full", (2, 3), 1.5),
    case("full", (2,), 7),
    case("full", (2,), True),
    case("full", (), 2, dtype=DOUBLE),
    *(case(name, randn(2, 3)) for name in ("zeros_like", "ones_like")),
    *(case(name, randint(2), dtype=DOUBLE) for name in ("zeros_like", "ones_like")),
    case("full_like", randn(2), 3),
    case("full_like", randint(2), 2.5, dtype=DOUBLE),
    case("arange", 5),
    case("arange", 2, 7),
    case("arange", 7, 1, -2),
    case("arange", 0, 1, 0.1),
    case("arange", 1.5, 4),
    case("arange", 0, 5, dtype=DOUBLE),
    case("arange", 0),
    case("linspace", 0, 1, 5),
    case("linspace", -3.0, 7.0, 1),
    case("linspace", 0, 1, 0),
    case("linspace", 0, 10, 11, dtype=INT),
    case("linspace", tensor(1.0), tensor(3.0), 4).but(grad=False),
    case("linspace", 0.5, 5.9, 3, dtype=INT),
    case("logspace", -1, 2, 7),
    case("logspace", 2, 1.2, 2, dtype=INT),
    case("logspace", 0, 4, 5, 2.0),
    case("eye", 3),
    case("eye", 2, 4, dtype=INT),
    case("tril_indices", 3, 4),
    case("tril_indices", 3, 3, -1),
    case("triu_indices", 3, 4),
    case("triu_indices", 3, 3, 1),
]

ERRORS = [
    error("arange", 5, 1, match="upper bound and lower bound inconsistent with step sign"),
    error("arange", 1, 5, 0, match="step must be nonzero"),
    error("eye", -1, match="n must be greater or equal to 0, got -1"),
    error("zeros", -1, match="negative"),
    error("linspace", 0, 1, -1, match="number of steps must be non-negative"),
    error("randint", 5, 2, (2,), match="random_ expects 'from' to be less than 'to'"),
    error("normal", 0.0, -1.0, (2,), match="normal expects std >= 0.0|normal expects all elements of std >= 0.0"),
    error("multinomial", tensor([0.0, 0.0]), 1, match="sum of probabilities <= 0"),
    error("multinomial", tensor([-1.0, 0.0]), 2, match="contains either `inf`, `nan` or element < 0"),
    error("multinomial", tensor([0.5, 0.5]), 3, match="cannot sample n_sample > prob_dist.size"),
    error("bernoulli", tensor([2.0]), match="Expected p_in >= 0"),
    error("poisson", tensor([-1.0]), match="invalid Poisson rate"),
    error("randperm", -1, match="negative dimension"),
    error("Tensor.uniform_", randn(2), 2.0, 1.0, match="found from=2"),
    error("Tensor.normal_", randn(2), 0.0, -1.0, match="normal expects std >= 0.0"),
    error("Tensor.exponential_", randn(2), -1.0, match="exponential_ expects lambda > 0.0"),
    error("Tensor.bernoulli_", randn(2), 2.0, match="bernoulli_ expects p to be in"),
    error("Tensor.geometric_", randn(2), 0.0, match="geometric_ expects p to be in"),
    error("Tensor.random_", randn(2), 5, 2, match="random_ expects 'from' to be less than 'to'"),
]
