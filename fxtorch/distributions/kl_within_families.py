"""Divergences of two distributions of one family."""

from __future__ import annotations

import math

from fxtorch.distributions.bernoulli import Bernoulli
from fxtorch.distributions.beta import Beta
from fxtorch.distributions.binomial import Binomial
from fxtorch.distributions.categorical import Categorical
from fxtorch.distributions.cauchy import Cauchy
from fxtorch.distributions.continuous_bernoulli import ContinuousBernoulli
from fxtorch.distributions.dirichlet import Dirichlet
from fxtorch.distributions.exp_family import ExponentialFamily, normalizers
from fxtorch.distributions.exponential import Exponential
from fxtorch.distributions.gamma import Gamma
from fxtorch.distributions.geometric import Geometric
from fxtorch.distributions.gumbel import Gumbel
from fxtorch.distributions.half_normal import HalfNormal
from fxtorch.distributions.independent import Independent
from fxtorch.distributions.kl import kl_divergence, register_kl
from fxtorch.distributions.laplace import Laplace
from fxtorch.distributions.lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
    low_rank_log_det,
    low_rank_mahalanobis,
)
from fxtorch.distributions.multivariate_normal import MultivariateNormal
from fxtorch.distributions.normal import Normal
from fxtorch.distributions.one_hot_categorical import OneHotCategorical
from fxtorch.distributions.pareto import Pareto
from fxtorch.distributions.poisson import Poisson
from fxtorch.distributions.scale_matrix import half_log_det, mahalanobis, solve_lower
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.uniform import Uniform
from fxtorch.distributions.utils import _sum_rightmost, euler_constant, is_traced
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    ones = p.probs * (F.softplus(-q.logits) - F.softplus(-p.logits))
    ones = torch.where(p.probs == 0, 0.0, torch.where(q.probs == 0, math.inf, ones))
    zeros = (1 - p.probs) * (F.softplus(q.logits) - F.softplus(p.logits))
    return ones + torch.where(p.probs == 1, 0.0, torch.where(q.probs == 1, math.inf, zeros))


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return kl_divergence(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    fewer = p.total_count < q.total_count
    if not is_traced(fewer) and bool(fewer.any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + torch.log1p(-p.probs) - torch.log1p(-q.probs))
    return torch.where(p.total_count > q.total_count, math.inf, kl)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    return torch.where(p.probs == 0, 0.0, torch.where(q.probs == 0, math.inf, terms)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot_categorical(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return kl_divergence(p._categorical, q._categorical)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    normalizers = p._cont_bern_log_norm() - q._cont_bern_log_norm()
    return p.mean * (p.logits - q.logits) + normalizers + torch.log1p(-p.probs) - torch.log1p(-q.probs)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    normalizers = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return normalizers + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """The Bregman divergence ``A(q) - A(p) - <q - p, grad A(p)>`` of the natural parameters."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman "
            "divergences"
        )
    others = q._natural_params
    params, (at_p, at_q), gradients = normalizers(p, p._natural_params, others)
    result = at_q - at_p
    for theta, other, g in zip(params, others, gradients, strict=True):
        result = result - _sum_rightmost((other - theta) * g, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    return (
        b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)
    )


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return shift - ratio.log() + ratio * euler_constant + (ratio.add(1).lgamma() - shift).exp() - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    distance, ratio = (p.loc - q.loc).abs(), p.scale / q.scale
    return distance / q.scale + ratio * torch.exp(-distance / p.scale) - ratio.log() - 1


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    _check_sizes(p, q)
    a, b = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    trace = solve_lower(b, a).pow(2).sum((-2, -1))
    distance = mahalanobis(b, q.loc - p.loc)
    return half_log_det(b) - half_log_det(a) + 0.5 * (trace + distance - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: LowRankMultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    _check_sizes(p, q)
    log_det = low_rank_log_det(p._unbroadcasted_cov_diag, p._capacitance_tril)
    parts = p._unbroadcasted_cov_factor, torch.diag_embed(p._unbroadcasted_cov_diag.sqrt())
    return _to_low_rank(p, q, log_det, parts)


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _multivariate_low_rank(p: MultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    _check_sizes(p, q)
    return _to_low_rank(p, q, 2 * half_log_det(p._unbroadcasted_scale_tril), (p._unbroadcasted_scale_tril,))


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_multivariate(p: LowRankMultivariateNormal, q: MultivariateNormal) -> Tensor:
    _check_sizes(p, q)
    b = q._unbroadcasted_scale_tril
    log_det = low_rank_log_det(p._unbroadcasted_cov_diag, p._capacitance_tril)
    parts = p._unbroadcasted_cov_factor, torch.diag_embed(p._unbroadcasted_cov_diag.sqrt())
    trace = sum(solve_lower(b, part).pow(2).sum((-2, -1)) for part in parts)
    distance = mahalanobis(b, q.loc - p.loc)
    return half_log_det(b) + 0.5 * (trace + distance - log_det - p.event_shape[0])


def _to_low_rank(
    p: MultivariateNormal | LowRankMultivariateNormal,
    q: LowRankMultivariateNormal,
    log_det: Tensor,
    parts: tuple[Tensor, ...],
) -> Tensor:
    """The divergence from a normal distribution of covariance ``sum_i A_i A_i^T`` with the ``parts`` ``A_i``."""
    w, d, k = q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag, q._capacitance_tril
    inner = solve_lower(k, w.mT / d.unsqueeze(-2))
    trace = sum((part.pow(2) / d.unsqueeze(-1)).sum((-2, -1)) - (inner @ part).pow(2).sum((-2, -1)) for part in parts)
    distance = low_rank_mahalanobis(w, d, q.loc - p.loc, k)
    return 0.5 * (low_rank_log_det(d, k) - log_det + trace + distance - p.event_shape[0])


def _check_sizes(
    p: MultivariateNormal | LowRankMultivariateNormal, q: MultivariateNormal | LowRankMultivariateNormal
) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {'Low Rank ' * (type(p) is type(q) is LowRankMultivariateNormal)}"
            "Multivariate Normals with different event shapes cannot be computed"
        )


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return torch.where(p.scale < q.scale, math.inf, kl)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where((q.low > p.low) | (q.high < p.high), math.inf, kl)


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    """Source: Chyzak and Nielsen, "A closed-form formula for the KL divergence between Cauchy distributions" (2019)."""
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()
