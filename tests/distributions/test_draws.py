"""Draws follow their distribution, repeat with the seed, and are new at each call of a compiled function."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import jax
import numpy as np
import pytest
from jax.core import Tracer
from scipy import stats

import fxtorch as torch
from fxtorch import distributions as dist
from tests.distributions.examples import EXAMPLES, at_once, t
from tests.distributions.test_densities import SCIPY

N = 1500
CONTINUOUS = ["Beta", "Cauchy", "Exponential", "Gamma", "GeneralizedPareto", "Laplace", "Uniform", "VonMises"]
COUNTS = ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson"]
OTHERS = [
    "ContinuousBernoulli", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal of a precision", "Wishart",
]  # fmt: skip


@functools.cache
def draws(name: str) -> np.ndarray:
    """``N`` draws by one compiled program, which also checks that all lie in the support."""
    distribution = EXAMPLES[name].make(torch)

    @torch.jit
    def draw() -> Any:
        found = distribution.sample((N,))
        return found, distribution.support.check(found)

    found, valid = draw()
    assert found.shape == (N, *distribution.batch_shape, *distribution.event_shape)
    assert found.dtype == torch.float64 and not found.requires_grad
    assert valid.all()
    return found.numpy()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_draws_pass_kolmogorov_and_smirnovs_test(name: str) -> None:
    cumulative = SCIPY[name].cdf(draws(name))
    if name == "VonMises":  # SciPy's goes on beyond pi
        cumulative = cumulative - SCIPY[name].cdf(-np.pi)
    for column in np.asarray(cumulative).T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", COUNTS)
def test_counts_come_as_often_as_they_should(name: str) -> None:
    for k in range(4):
        p = SCIPY[name].pmf(k)
        assert np.all(np.abs((draws(name) == k).mean(0) - p) <= 5 * np.sqrt(p * (1 - p) / N) + 1e-12)


@pytest.mark.parametrize("name", OTHERS)
def test_draws_have_the_mean_and_variance_that_are_said(name: str) -> None:
    made = EXAMPLES[name].make
    said = at_once({"mean": lambda: made(torch).mean, "variance": lambda: made(torch).variance})
    mean, variance = said["mean"].numpy(), said["variance"].numpy()
    assert np.all(np.abs(draws(name).mean(0) - mean) < 5 * np.sqrt(variance / N) + 1e-12)
    np.testing.assert_allclose(draws(name).var(0), variance, rtol=0.35, atol=1e-3)


def test_classes_come_as_often_as_they_should() -> None:
    drawn = dist.Categorical(torch.tensor([[1.0, 2.0, 5.0], [1.0, 0.0, 0.0]])).sample((N,)).numpy()
    assert np.allclose(np.bincount(drawn[:, 0], minlength=3) / N, [1 / 8, 2 / 8, 5 / 8], atol=0.06)
    assert not drawn[:, 1].any()


def test_correlations_of_concentration_one_are_uniform() -> None:
    factor = torch.jit(lambda: dist.LKJCholesky(3, torch.tensor(1.0)).sample((N,)))().numpy()
    correlation = factor @ factor.transpose(0, 2, 1)
    np.testing.assert_allclose(np.diagonal(correlation, axis1=1, axis2=2), 1, rtol=1e-5)
    # each correlation of a uniform 3 x 3 matrix is (Beta(3/2, 3/2) * 2 - 1)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert stats.kstest((correlation[:, i, j] + 1) / 2, stats.beta(1.5, 1.5).cdf).pvalue > 1e-3


def test_a_seed_repeats_draws() -> None:
    draws = []
    for _ in range(2):
        torch.manual_seed(5)
        draws.append(dist.Gamma(torch.tensor(2.0), 1.0).sample((3,)).tolist())
    assert draws[0] == draws[1]


def test_a_compiled_function_draws_anew_and_checks_nothing_it_cannot_know() -> None:
    @torch.jit(fullgraph=True)
    def step(scale: Any) -> Any:
        draws = dist.Normal(torch.tensor(0.0), scale).rsample((2,))
        return draws, dist.Gamma(scale, scale).log_prob(draws.abs())

    scale = torch.tensor(2.0)
    first, second = step(scale)[0].tolist(), step(scale)[0].tolist()
    assert first != second


def test_a_distribution_from_outside_keeps_nothing_of_a_compiled_program() -> None:
    outside = dist.Categorical(logits=torch.tensor([0.0, 1.0]))
    transform = dist.TanhTransform(cache_size=1)
    parameter = torch.tensor([0.3])

    @torch.jit(fullgraph=True)
    def step(x: Any) -> Any:
        return outside.probs * transform(x)

    step(parameter)
    kept = jax.tree.leaves([vars(outside), transform._cached_x_y[0] is None])
    assert not any(isinstance(getattr(x, "_data", None), Tracer) for x in kept)
    assert transform._cached_x_y == (None, None)
    np.testing.assert_allclose(outside.probs.sum().item(), 1, rtol=1e-6)


def test_a_transform_made_inside_a_compiled_program_keeps_its_pair() -> None:
    @torch.jit(fullgraph=True)
    def squashed(x: Any) -> Any:
        transform = dist.TanhTransform(cache_size=1)
        return transform.inv(transform(x))

    assert squashed(torch.tensor([30.0])).tolist() == [30.0]  # without the pair: infinite


def test_distributions_map_over_a_batch() -> None:
    def one(loc: Any, value: Any) -> Any:
        return dist.MultivariateNormal(loc, torch.eye(2)).log_prob(value)

    loc, value = torch.randn(3, 2), torch.randn(3, 2)
    expected = dist.MultivariateNormal(loc, torch.eye(2)).log_prob(value)
    torch.testing.assert_close(torch.func.vmap(one)(loc, value), expected)
    draw = torch.func.vmap(lambda rate: dist.Exponential(rate).sample(), randomness="different")
    assert len(set(draw(torch.ones(4)).tolist())) == 4


def test_a_pickled_distribution_is_the_same() -> None:
    for name in ("Gamma", "TransformedDistribution", "MultivariateNormal"):
        distribution = EXAMPLES[name].make(torch)
        twin = pickle.loads(pickle.dumps(distribution))
        value = t(torch, EXAMPLES[name].values)
        assert twin.log_prob(value).tolist() == distribution.log_prob(value).tolist()
