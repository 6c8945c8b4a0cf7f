"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.distributions.probabilities import ProbsOrLogits, only_one
from fxtorch.distributions.utils import broadcast_all, clamp_probs
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """The density ``C probs^x (1 - probs)^(1 - x)`` on [0, 1].

    Near ``probs = 1/2`` the closed forms are 0 / 0: between ``lims`` their Taylor series are used.

    Source: Loaiza-Ganem and Cunningham, "The continuous Bernoulli" (2019).

    >>> import fxtorch as torch
    >>> ContinuousBernoulli(torch.tensor(0.5)).mean
    tensor(0.5000)

    Args:
        probs: the parameter, in (0, 1).
        logits: or its log odds.
        lims: between which probabilities the series are used.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    _expanded = {"probs": 0, "logits": 0}

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        only_one(probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._lims = self._lims
        return new

    def _outside(self) -> Tensor:
        """Where the closed forms are exact."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _safe(self) -> Tensor:
        """The probabilities, moved out of where the closed forms are not exact."""
        return torch.where(self._outside(), self.probs, self._lims[0])

    def _cont_bern_log_norm(self) -> Tensor:
        """``log C``, with ``C = 2 atanh(1 - 2 p) / (1 - 2 p)``."""
        p = self._safe()
        exact = torch.log(torch.abs(torch.log1p(-p) - torch.log(p))) - torch.log(torch.abs(1 - 2 * p))
        x = (self.probs - 0.5).pow(2)
        return torch.where(self._outside(), exact, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        """``p / (2 p - 1) + 1 / (2 atanh(1 - 2 p))``."""
        p = self._safe()
        exact = p / (2.0 * p - 1.0) + 1.0 / (torch.log1p(-p) - torch.log(p))
        x = self.probs - 0.5
        return torch.where(self._outside(), exact, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self) -> Tensor:
        """``p (p - 1) / (1 - 2 p)^2 + 1 / (2 atanh(1 - 2 p))^2``."""
        p = self._safe()
        exact = p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / (torch.log1p(-p) - torch.log(p)).pow(2)
        x = (self.probs - 0.5).pow(2)
        return torch.where(self._outside(), exact, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return torch.sqrt(self.variance)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """:meth:`icdf` of uniform draws."""
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype, device=self.probs.device)
        return self.icdf(u)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        cross = F.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return self._cont_bern_log_norm() - cross

    def cdf(self, value: Tensor) -> Tensor:
        """``(p^x (1 - p)^(1 - x) + p - 1) / (2 p - 1)``, between 0 and 1."""
        if self._validate_args:
            self._validate_sample(value)
        p = self._safe()
        exact = (torch.pow(p, value) * torch.pow(1.0 - p, 1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        near = value - 0.5 * self.logits * value * (1.0 - value)
        inside = torch.where(self._outside(), exact, near)
        return torch.where(value <= 0, 0.0, torch.where(value >= 1, 1.0, inside).to(inside.dtype))

    def icdf(self, value: Tensor) -> Tensor:
        """The value that :meth:`cdf` maps to ``value``."""
        p = self._safe()
        exact = torch.log1p(-p + value * (2.0 * p - 1.0)) - torch.log1p(-p)
        near = value + 0.5 * self.logits * value * (1.0 - value)
        return torch.where(self._outside(), exact / (torch.log(p) - torch.log1p(-p)), near)

    def entropy(self) -> Tensor:
        """``-log C - log(1 - p) - mean logits``."""
        return -(self.mean * self.logits + self._cont_bern_log_norm() + torch.log1p(-self.probs))

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """``log((exp(x) - 1) / x)``, by its series near 0."""
        (x,) = natural_params
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = torch.where(outside, x, (self._lims[0] - 0.5) * torch.ones_like(x))
        exact = torch.log(torch.abs(torch.expm1(safe))) - torch.log(torch.abs(safe))
        return torch.where(outside, exact, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0)
