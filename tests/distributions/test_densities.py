"""Densities, quantiles, entropies and moments against SciPy's."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

import fxtorch as torch
from fxtorch import distributions as dist
from fxtorch.distributions.utils import lazy_property
from tests.distributions.examples import COVARIANCE, EXAMPLES, TRIL, at_once, t

C: Any = np.asarray(COVARIANCE)
L: Any = np.asarray(TRIL)
W: Any = np.asarray([1.0, 0.5, -0.3])
LOW_RANK: Any = np.outer(W, W) + np.diag([0.6, 1.0, 0.4])
PRECISE: Any = np.linalg.inv(C)
LOC = [0.5, -1.0, 0.2]
HALF = np.asarray([0.3, 0.8])

# The same distributions by SciPy's parameters.
SCIPY: dict[str, Any] = {
    "Bernoulli": stats.bernoulli(HALF),
    "Beta": stats.beta([0.7, 2.5], [1.5, 3.0]),
    "Binomial": stats.binom(5, [0.3, 0.6]),
    "Cauchy": stats.cauchy([0.5, -1.0], [0.8, 2.0]),
    "Chi2": stats.chi2([0.9, 4.0]),
    "Exponential": stats.expon(scale=1 / np.asarray([0.7, 3.0])),
    "FisherSnedecor": stats.f([1.5, 4.0], [5.0, 6.5]),
    "Gamma": stats.gamma([0.6, 3.0], scale=1 / np.asarray([1.5, 0.8])),
    "GeneralizedPareto": stats.genpareto([0.3, -0.2], [0.1, -0.5], [0.7, 2.0]),
    "GeneralizedPareto without a tail": stats.genpareto([0.0, 0.0], [0.1, 0.2], [0.7, 2.0]),
    "Geometric": stats.geom(HALF, loc=-1),
    "Gumbel": stats.gumbel_r([0.5, -1.0], [0.8, 2.0]),
    "HalfCauchy": stats.halfcauchy(scale=[0.8, 2.0]),
    "HalfNormal": stats.halfnorm(scale=[0.8, 2.0]),
    "InverseGamma": stats.invgamma([2.6, 3.0], scale=[1.5, 0.8]),
    "Laplace": stats.laplace([0.5, -1.0], [0.8, 2.0]),
    "LogNormal": stats.lognorm([0.8, 0.3], scale=np.exp([0.5, -1.0])),
    "MultivariateNormal": stats.multivariate_normal(LOC, C),
    "MultivariateNormal of a precision": stats.multivariate_normal(LOC, PRECISE),
    "MultivariateNormal of factors": stats.multivariate_normal(LOC, L @ L.T),
    "LowRankMultivariateNormal": stats.multivariate_normal(LOC, LOW_RANK),
    "NegativeBinomial": stats.nbinom([3.0, 2.5], 1 - np.asarray([0.3, 0.6])),
    "Normal": stats.norm([0.5, -1.0], [0.8, 2.0]),
    "Pareto": stats.pareto([2.5, 3.0], scale=[0.3, 0.5]),
    "Poisson": stats.poisson([0.7, 4.0]),
    "StudentT": stats.t([2.5, 4.0], [0.5, -1.0], [0.8, 2.0]),
    "Uniform": stats.uniform([-1.0, 0.5], [1.4, 2.5]),
    "VonMises": stats.vonmises([0.8, 20.0], [0.5, -1.0]),
    "Weibull": stats.weibull_min([1.5, 3.0], scale=[0.8, 2.0]),
    "Wishart": stats.wishart(4.5, C),
}
CDF = [name for name in SCIPY if type(EXAMPLES[name].make(torch)).cdf is not dist.Distribution.cdf]
# Whose entropies SciPy takes by sums or integrals of its own, or means differently.
NO_ENTROPY = {"VonMises", "NegativeBinomial", "Poisson", "FisherSnedecor"}


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-7, atol=1e-7)


@functools.cache
def facts(name: str) -> dict[str, Any]:
    """What a distribution says of itself and of its example's values, in one compiled program."""
    make, values = EXAMPLES[name].make, EXAMPLES[name].values
    return at_once(
        {
            "log_prob": lambda: make(torch).log_prob(t(torch, values)),
            "cdf": lambda: make(torch).cdf(t(torch, values)),
            "icdf": lambda: make(torch).icdf(make(torch).cdf(t(torch, values))),
            "entropy": lambda: make(torch).entropy(),
            "mean": lambda: make(torch).mean,
            "variance": lambda: make(torch).variance,
        }
    )


@pytest.mark.parametrize("name", SCIPY)
def test_log_probabilities_are_scipys(name: str) -> None:
    reference, values = SCIPY[name], np.asarray(EXAMPLES[name].values)
    discrete = isinstance(getattr(reference, "dist", None), stats.rv_discrete)
    close(facts(name)["log_prob"], reference.logpmf(values) if discrete else reference.logpdf(values))


@pytest.mark.parametrize("name", CDF)
def test_cumulative_probabilities_are_scipys_and_quantiles_their_inverse(name: str) -> None:
    values = np.asarray(EXAMPLES[name].values)
    close(facts(name)["cdf"], SCIPY[name].cdf(values))
    if name not in ("Gamma", "Chi2", "InverseGamma"):
        close(facts(name)["icdf"], values)


@pytest.mark.parametrize("name", [n for n in SCIPY if n not in NO_ENTROPY])
def test_entropies_are_scipys(name: str) -> None:
    entropy = EXAMPLES[name].make(torch).entropy() if name == "Binomial" else facts(name)["entropy"]
    close(entropy, SCIPY[name].entropy())


@pytest.mark.parametrize("name", [n for n in SCIPY if "Multi" not in n and n not in ("Wishart", "VonMises", "Cauchy")])
def test_moments_are_scipys(name: str) -> None:
    reference = SCIPY[name]
    close(facts(name)["mean"], reference.mean() if callable(reference.mean) else reference.mean)
    if hasattr(reference, "var") and "Low" not in name:
        close(facts(name)["variance"], reference.var())


def test_the_von_mises_variance_is_the_circular_one() -> None:
    kappa = np.asarray([0.8, 20.0])
    close(facts("VonMises")["variance"], 1 - special.i1e(kappa) / special.i0e(kappa))


def test_a_wisharts_moments_are_scipys() -> None:
    close(facts("Wishart")["mean"], SCIPY["Wishart"].mean())
    close(facts("Wishart")["variance"], SCIPY["Wishart"].var())


DENSE = ["ContinuousBernoulli", "Kumaraswamy", "RelaxedBernoulli"]


@pytest.mark.parametrize("name", DENSE)
def test_densities_on_the_unit_interval_integrate_to_one(name: str) -> None:
    # with x = s^3 (10 - 15 s + 6 s^2) what is infinite at an end becomes tame
    s = np.linspace(0, 1, 4001)[1:-1]
    x = s**3 * (10 - 15 * s + 6 * s**2)
    with np.errstate(under="ignore"):
        density = np.exp(at_once({"p": lambda: EXAMPLES[name].make(torch).log_prob(t(torch, x[:, None]))})["p"].numpy())
    whole = integrate.simpson(density * (30 * s**2 * (1 - s) ** 2)[:, None], x=s, axis=0)
    np.testing.assert_allclose(whole, 1, atol=2e-4)


def test_modes_have_the_greatest_density() -> None:
    for name in ("Beta", "FisherSnedecor", "Kumaraswamy", "Weibull"):
        distribution = EXAMPLES[name].make(torch)
        mode = distribution.mode.nan_to_num(0.5)  # the first of them has none everywhere
        at = [distribution.log_prob((mode * f).clamp(min=1e-9, max=0.999 if name in ("Beta", "Kumaraswamy") else None))
              for f in (0.98, 1.0, 1.02)]  # fmt: skip
        best = mode[1]
        assert best.item() > 0
        assert at[1][1] > at[0][1] and at[1][1] > at[2][1], name


def test_a_mixture_weighs_its_components() -> None:
    mixture = EXAMPLES["MixtureSameFamily"].make(torch)
    parts: Any = stats.norm([-1.0, 2.0], [0.5, 1.0])
    close(mixture.log_prob(t(torch, 0.4)), np.log(np.sum([0.3, 0.7] * parts.pdf(0.4))))
    close(mixture.cdf(t(torch, 0.4)), np.sum([0.3, 0.7] * parts.cdf(0.4)))


def test_correlation_factors_have_the_density_of_their_determinant() -> None:
    # In two dimensions the correlation's density is proportional to (1 - r^2)^(eta - 1); dL = dr for the one entry.
    r = np.linspace(-1, 1, 2001)[1:-1]
    factor = np.zeros((r.size, 2, 2))
    factor[:, 0, 0], factor[:, 1, 0], factor[:, 1, 1] = 1, r, np.sqrt(1 - r**2)
    density = dist.LKJCholesky(2, t(torch, 2.5)).log_prob(t(torch, factor)).exp().numpy()
    expected = (1 - r**2) ** 1.5 / (math.sqrt(math.pi) * special.gamma(2.5) / special.gamma(3.0))
    np.testing.assert_allclose(density, expected, rtol=1e-7)


def test_a_lazy_property_keeps_what_is_no_tensor() -> None:
    made = []

    class Lazy:
        @lazy_property
        def value(self) -> object:
            made.append(self)
            return "a matrix that is not formed"

    one = Lazy()
    assert one.value is one.value and made == [one]
