"""Gradients: of densities by finite differences, of samples at a fixed quantile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import fxtorch as torch
from fxtorch import distributions as dist
from tests.distributions.examples import EXAMPLES, t

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "Dirichlet": ([[0.8, 2.0, 1.5], [3.0, 1.0, 2.0]],),
    "MultivariateNormal": ([0.5, -1.0, 0.2], np.eye(3) * 2 + 0.1),
    "NegativeBinomial": ([3.0, 2.5], [0.3, 0.6]),
    "StudentT": ([2.5, 4.0], [0.5, -1.0], [0.8, 2.0]),
    "VonMises": ([0.5, -1.0], [0.8, 20.0]),
}


def leaves(*values: Any) -> list[Any]:
    return [t(torch, v).requires_grad_() for v in values]


@pytest.mark.parametrize("name", PARAMETERS)
def test_densities_have_the_slopes_of_their_parameters(name: str) -> None:
    value = t(torch, EXAMPLES[name].values)

    def log_prob(*parameters: Any) -> Any:
        return getattr(dist, name)(*parameters, validate_args=False).log_prob(value)

    assert torch.autograd.gradcheck(log_prob, leaves(*PARAMETERS[name]))


def test_entropies_and_divergences_have_the_slopes_of_their_parameters() -> None:
    def loss(a: Any, b: Any) -> Any:
        p, q = dist.Gamma(a, b), dist.Gamma(b, a)
        return p.entropy() + dist.kl_divergence(p, q) + dist.kl_divergence(dist.Beta(a, b), dist.Normal(a, b))

    assert torch.autograd.gradcheck(loss, leaves([0.6, 3.0], [1.5, 0.8]))


QUANTILES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "Gamma": (lambda a, b: stats.gamma(a, scale=1 / b), (1.7, 0.8)),
    "Normal": (stats.norm, (0.3, 0.8)),
    "Laplace": (stats.laplace, (0.3, 0.8)),
    "Weibull": (lambda scale, c: stats.weibull_min(c, scale=scale), (0.8, 1.7)),
    "InverseGamma": (lambda a, b: stats.invgamma(a, scale=b), (1.7, 0.8)),
    "Gumbel": (stats.gumbel_r, (0.3, 0.8)),
}


@pytest.mark.parametrize("name", QUANTILES)
def test_samples_move_with_their_quantile(name: str) -> None:
    """dx/d(parameter) = -(dF/d(parameter)) / p, here by differences of SciPy's quantile function."""
    reference, values = QUANTILES[name]
    parameters = leaves(*values)
    sample = getattr(dist, name)(*parameters).rsample()
    level = reference(*values).cdf(sample.item())
    gradients = torch.autograd.grad(sample, parameters)
    for i, gradient in enumerate(gradients):
        step = np.eye(len(values))[i] * 1e-5
        slope = (reference(*(values + step)).ppf(level) - reference(*(values - step)).ppf(level)) / 2e-5
        np.testing.assert_allclose(gradient.item(), slope, rtol=1e-4)


def test_dirichlet_samples_have_the_gradient_of_their_expectation() -> None:
    concentration = torch.tensor([0.7, 2.0, 1.3], requires_grad=True)
    drawn = dist.Dirichlet(concentration).rsample((1500,))
    (slope,) = torch.autograd.grad(drawn[:, 1].mean(), concentration)
    total = 4.0
    np.testing.assert_allclose(slope.numpy(), [-2 / total**2, 2 / total**2, -2 / total**2], atol=2.5e-2)


@pytest.mark.parametrize(
    ("distribution", "parameter"),
    [
        (lambda p: dist.RelaxedBernoulli(torch.tensor(0.5), probs=p.sigmoid()), [0.1, -0.4]),
        (lambda p: dist.OneHotCategoricalStraightThrough(logits=p), [0.1, -0.4, 1.0]),
        (lambda p: dist.ContinuousBernoulli(logits=p), [0.1, -0.4, 0.0]),
        (lambda p: dist.LowRankMultivariateNormal(p, p[:, None], p.exp()), [0.1, -0.4, 1.0]),
        (lambda p: dist.LogisticNormal(p, p.exp()), [0.1, -0.4, 0.5]),
    ],
)
def test_samples_carry_finite_gradients(distribution: Any, parameter: Any) -> None:
    @torch.jit
    def loss(p: Any) -> Any:
        drawn = distribution(p).rsample((4,))
        return torch.autograd.grad((drawn * torch.randn(drawn.shape)).sum(), p)[0]

    gradient = loss(torch.tensor(parameter, requires_grad=True))
    assert gradient.isfinite().all() and (gradient != 0).all()


def test_a_compiled_step_has_the_gradients_of_an_eager_one() -> None:
    def loss(a: Any) -> Any:
        torch.manual_seed(0)
        return dist.Laplace(a, a.exp()).rsample((3,)).square().sum()

    a = torch.tensor([0.7, 2.0], requires_grad=True)
    (eager,) = torch.autograd.grad(loss(a), a)
    torch.testing.assert_close(torch.func.grad(loss)(a.detach()), eager)


def test_a_family_of_ones_own_gets_its_entropy_and_divergence_from_its_normalizer() -> None:
    class Rate(dist.ExponentialFamily):
        arg_constraints = {"rate": dist.constraints.positive}  # noqa: RUF012
        support = dist.constraints.nonnegative
        _mean_carrier_measure = 0

        def __init__(self, rate: Any) -> None:
            self.rate = rate
            super().__init__(rate.shape)

        @property
        def _natural_params(self) -> tuple[Any, ...]:
            return (-self.rate,)

        def _log_normalizer(self, *natural_params: Any) -> Any:
            return -(-natural_params[0]).log()

    p, q = t(torch, [0.7, 2.0]), t(torch, [1.5, 0.4])
    known = dist.Exponential(p), dist.Exponential(q)
    torch.testing.assert_close(Rate(p).entropy(), known[0].entropy())
    torch.testing.assert_close(dist.kl_divergence(Rate(p), Rate(q)), dist.kl_divergence(*known))
    assert torch.autograd.gradcheck(lambda rate: Rate(rate).entropy(), leaves([0.7, 2.0]))
