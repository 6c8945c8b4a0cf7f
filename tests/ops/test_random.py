"""Random operators: the distributions, and that randomness is state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import fxtorch as torch
from fxtorch.ops import random as ops

N = 20_000
FILLED: dict[str, tuple[Callable[[Any], Any], float, float]] = {  # draws, their mean and standard deviation
    "uniform_": (lambda x: x.uniform_(-1, 3), 1, 4 / math.sqrt(12)),
    "normal_": (lambda x: x.normal_(2, 3), 2, 3),
    "bernoulli_": (lambda x: x.bernoulli_(0.3), 0.3, math.sqrt(0.21)),
    "exponential_": (lambda x: x.exponential_(2), 0.5, 0.5),
    "geometric_": (lambda x: x.geometric_(0.25), 4, math.sqrt(0.75) / 0.25),
    "log_normal_": (lambda x: x.log_normal_(0, 0.5), math.exp(0.125), math.sqrt((math.exp(0.25) - 1) * math.exp(0.25))),
    "random_": (lambda x: x.random_(10, 20), 14.5, math.sqrt(99 / 12)),
    "rand": (lambda x: torch.rand(N), 0.5, 1 / math.sqrt(12)),
    "randn": (lambda x: torch.randn(N), 0, 1),
    "rand_like": (torch.rand_like, 0.5, 1 / math.sqrt(12)),
    "randn_like": (torch.randn_like, 0, 1),
    "randint": (lambda x: torch.randint(5, (N,)), 2, math.sqrt(2)),
    "randint_like": (lambda x: torch.randint_like(x, 3, 6), 4, math.sqrt(2 / 3)),
    "normal of numbers": (lambda x: torch.normal(1.0, 2.0, (N,)), 1, 2),
    "normal of a mean": (lambda x: torch.normal(x + 5, 2.0), 5, 2),
    "normal of a spread": (lambda x: torch.normal(1.0, x + 3), 1, 3),
    "normal of both": (lambda x: torch.normal(x + 5, x + 2), 5, 2),
    "bernoulli": (lambda x: torch.bernoulli(x + 0.7), 0.7, math.sqrt(0.21)),
    "poisson": (lambda x: torch.poisson(x + 4), 4, 2),
    "multinomial": (
        lambda x: torch.multinomial(torch.tensor([1.0, 0, 2, 1]), N, replacement=True),
        7 / 4,
        math.sqrt(17 / 4 - 49 / 16),
    ),
}


@pytest.mark.parametrize("name", FILLED)
def test_draws_have_their_mean_and_spread(name: str) -> None:
    draw, mean, std = FILLED[name]
    x = draw(torch.zeros(N)).double()
    assert abs(x.mean().item() - mean) < 5 * std / math.sqrt(N)
    assert abs(x.std().item() / std - 1) < 0.05


def test_cauchy_draws_have_their_quartiles() -> None:
    quartiles = np.quantile(torch.zeros(N).cauchy_(1, 2).numpy(), [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [-1, 1, 3], atol=0.15)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_draws_are_made_in_the_type_that_is_asked_for(dtype: Any) -> None:
    for draw in (torch.rand(8, dtype=dtype), torch.randn(8, dtype=dtype), torch.zeros(8, dtype=dtype).uniform_()):
        assert draw.dtype == dtype
    text = jax.jit(lambda key: ops.rand((8,), key=key, dtype=np.dtype("float32"))).lower(ops.make_key(0)).as_text()
    assert "xf64" not in text  # but for the bounds, single numbers


def test_complex_draws_have_unit_variance() -> None:
    x = torch.randn(N, dtype=torch.complex64).numpy()
    assert abs(np.mean(np.abs(x) ** 2) - 1) < 0.05
    assert abs(np.mean(x.real * x.imag)) < 0.02


def test_a_seed_repeats_and_each_draw_is_new() -> None:
    torch.manual_seed(3)
    first, second = torch.rand(4), torch.rand(4)
    torch.manual_seed(3)
    assert first.tolist() == torch.rand(4).tolist() != second.tolist()


def test_a_generator_of_ones_own_leaves_the_default_one_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3).tolist()
    torch.manual_seed(0)
    own = torch.Generator().manual_seed(1)
    torch.zeros(3).normal_(generator=own)
    assert torch.rand(3).tolist() == expected


def test_randperm_has_every_integer_once() -> None:
    found = torch.randperm(100)
    assert sorted(found.tolist()) == list(range(100)) != found.tolist()


def test_multinomial_without_replacement_draws_nothing_twice_and_nothing_impossible() -> None:
    weights = torch.tensor([[0.0, 1, 2, 3], [4, 0, 1, 1]]).repeat(50, 1)
    found = torch.multinomial(weights, 3).numpy()
    assert all(sorted(row) == ([1, 2, 3] if i % 2 == 0 else [0, 2, 3]) for i, row in enumerate(found))


def test_fillers_return_the_tensor_itself_and_draw_anew() -> None:
    x = torch.zeros(5)
    assert x.normal_() is x
    before = x.tolist()
    assert x.normal_().tolist() != before


def test_random_covers_what_the_type_holds() -> None:
    assert set(torch.zeros(200, dtype=torch.bool).random_().tolist()) == {True, False}
    assert torch.zeros(2000, dtype=torch.uint8).random_().max().item() > 240
    assert torch.zeros(100).random_().max().item() > 2**22


def test_range_includes_its_end() -> None:
    assert torch.range(1, 2, 0.5).tolist() == [1, 1.5, 2]
