"""Divergences of distributions of different families: ``-H(p) - E_p log q(x)``.

``log q`` is a sum of a few functions of x (x, x^2, log x, exp(-x / s) ...), so that one formula for each ``q`` and the
expectations of those functions under each ``p`` give the table.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from fxtorch.distributions.bernoulli import Bernoulli
from fxtorch.distributions.beta import Beta
from fxtorch.distributions.binomial import Binomial
from fxtorch.distributions.continuous_bernoulli import ContinuousBernoulli
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.exponential import Exponential
from fxtorch.distributions.gamma import Gamma
from fxtorch.distributions.gumbel import Gumbel
from fxtorch.distributions.kl import register_kl
from fxtorch.distributions.laplace import Laplace
from fxtorch.distributions.normal import Normal
from fxtorch.distributions.pareto import Pareto
from fxtorch.distributions.poisson import Poisson
from fxtorch.distributions.uniform import Uniform
from fxtorch.distributions.utils import euler_constant
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.dtype import finfo

# --- where q leaves out what p can give ---------------------------------------------------------------------------

_OUTSIDE: dict[type, tuple[type, ...]] = {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Uniform, Pareto, ContinuousBernoulli, Beta),
    Gamma: (Uniform, Pareto, ContinuousBernoulli, Beta),
    Gumbel: (Uniform, Pareto, Gamma, Exponential, ContinuousBernoulli, Beta),
    Laplace: (Uniform, Pareto, Gamma, Exponential, ContinuousBernoulli, Beta),
    Normal: (Uniform, Pareto, Gamma, Exponential, ContinuousBernoulli, Beta),
    Pareto: (Uniform, ContinuousBernoulli, Beta),
    Poisson: (Binomial, Bernoulli),
}


def _infinite(p: Distribution, q: Distribution) -> Tensor:
    like = p.mean * torch.ones(q.batch_shape, dtype=p.mean.dtype, device=p.mean.device)
    return torch.full_like(like, math.inf)


for _p, _qs in _OUTSIDE.items():
    for _q in _qs:
        register_kl(_p, _q)(_infinite)


# --- expectations of log x and of exp(-x / s) under p -------------------------------------------------------------


@functools.singledispatch
def _mean_log(p: Any) -> Tensor:
    """The expectation of ``log x``."""
    raise NotImplementedError


@_mean_log.register
def _(p: Beta) -> Tensor:
    return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()


@_mean_log.register
def _(p: Exponential) -> Tensor:
    return -euler_constant - p.rate.log()


@_mean_log.register
def _(p: Pareto) -> Tensor:
    return p.scale.log() + p.alpha.reciprocal()


@_mean_log.register
def _(p: Uniform) -> Tensor:
    return _uniform_mean_log(p.low, p.high)


def _uniform_mean_log(low: Tensor, high: Tensor) -> Tensor:
    return (torch.xlogy(high, high) - torch.xlogy(low, low)) / (high - low) - 1


@functools.singledispatch
def _log_mean_exp(p: Any, s: Tensor) -> Tensor:
    """The logarithm of the expectation of ``exp(-x / s)``."""
    raise NotImplementedError


@_log_mean_exp.register
def _(p: Exponential, s: Tensor) -> Tensor:
    return -torch.log1p(1 / (p.rate * s))


@_log_mean_exp.register
def _(p: Gamma, s: Tensor) -> Tensor:
    return -p.concentration * torch.log1p(1 / (p.rate * s))


@_log_mean_exp.register
def _(p: Normal, s: Tensor) -> Tensor:
    return 0.5 * (p.scale / s).pow(2) - p.loc / s


@_log_mean_exp.register
def _(p: Uniform, s: Tensor) -> Tensor:
    width = (p.high - p.low) / s
    return torch.log(-torch.expm1(-width) / width) - p.low / s


# --- the formula of each q ----------------------------------------------------------------------------------------


def _of(q: type, *ps: type) -> Callable[[Callable[[Any, Any], Tensor]], Callable[[Any, Any], Tensor]]:
    """Declare one function as the divergence of each of ``ps`` from ``q``."""

    def declare(fn: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        for p in ps:
            register_kl(p, q)(fn)
        return fn

    return declare


@_of(Poisson, Bernoulli)
def _to_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - p.probs * q.rate.log() + q.rate


@_of(ContinuousBernoulli, Beta, Uniform)
def _to_continuous_bernoulli(p: Beta | Uniform, q: ContinuousBernoulli) -> Tensor:
    kl = -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._cont_bern_log_norm()
    return torch.where((p.low < 0) | (p.high > 1), math.inf, kl) if isinstance(p, Uniform) else kl


@_of(Exponential, Beta, ContinuousBernoulli, Gamma, Pareto, Uniform)
def _to_exponential(p: Distribution, q: Exponential) -> Tensor:
    return _from_zero(p, -p.entropy() - q.rate.log() + q.rate * _finite_mean(p))


@_of(Gamma, Beta, Exponential, Pareto, Uniform)
def _to_gamma(p: Distribution, q: Gamma) -> Tensor:
    a = q.concentration
    logs = a.lgamma() - a * q.rate.log() - (a - 1) * _mean_log(p)
    return _from_zero(p, -p.entropy() + logs + q.rate * _finite_mean(p))


def _finite_mean(p: Distribution) -> Tensor:
    """The mean, with a number instead of infinity, which :func:`_from_zero` puts back: gradients stay finite."""
    return torch.where(p.alpha <= 1, p.scale, p.mean) if isinstance(p, Pareto) else p.mean


def _from_zero(p: Distribution, kl: Tensor) -> Tensor:
    """``kl`` where ``p`` has a mean and no negative values; infinite elsewhere."""
    if isinstance(p, Pareto):
        return torch.where(p.alpha <= 1, math.inf, kl)
    return torch.where(p.low < 0, math.inf, kl) if isinstance(p, Uniform) else kl


@_of(Normal, Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform)
def _to_normal(p: Distribution, q: Normal) -> Tensor:
    square = (p.variance + (p.mean - q.loc).pow(2)) / (2 * q.variance)
    kl = -p.entropy() + 0.5 * math.log(2 * math.pi) + q.scale.log() + square
    return torch.where(p.alpha <= 2, math.inf, kl) if isinstance(p, Pareto) else kl


@_of(Gumbel, Exponential, Gamma, Normal, Uniform)
def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    log_mean = _log_mean_exp(p, q.scale) + q.loc / q.scale
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + log_mean.exp()


@_of(Laplace, Normal)
def _to_laplace(p: Normal, q: Laplace) -> Tensor:
    d = (p.loc - q.loc) / p.scale
    distance = math.sqrt(2 / math.pi) * torch.exp(-0.5 * d.pow(2)) + d * torch.erf(d / math.sqrt(2))
    return -p.entropy() + torch.log(2 * q.scale) + p.scale * distance / q.scale


@_of(Uniform, Beta, ContinuousBernoulli)
def _to_uniform(p: Distribution, q: Uniform) -> Tensor:
    return torch.where((q.low > 0) | (q.high < 1), math.inf, -p.entropy() + (q.high - q.low).log())


@_of(Beta, Uniform)
def _uniform_to_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    outside = (p.low < 0) | (p.high > 1)
    low, high = torch.where(outside, 0.25, p.low), torch.where(outside, 0.75, p.high)
    logs = (a - 1) * _uniform_mean_log(low, high) + (b - 1) * _uniform_mean_log(1 - high, 1 - low)
    return torch.where(outside, math.inf, a.lgamma() + b.lgamma() - (a + b).lgamma() - logs - p.entropy())


@_of(Pareto, Uniform)
def _uniform_to_pareto(p: Uniform, q: Pareto) -> Tensor:
    below = p.low < q.scale
    low = torch.where(below, p.high * (1 - finfo(p.high.dtype).eps), p.low)
    logs = (q.alpha + 1) * _uniform_mean_log(low, p.high)
    return torch.where(below, math.inf, logs - q.alpha.log() - q.alpha * q.scale.log() - p.entropy())
