"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """The law of what exceeds a threshold: ``P(x > loc + scale z) = (1 + concentration z)^(-1 / concentration)``.

    With concentration 0 it is the exponential distribution.

    >>> import fxtorch as torch
    >>> GeneralizedPareto(torch.tensor(0.0), 1.0, 0.5).mean
    tensor(2.)

    Args:
        loc: the threshold.
        scale: of what exceeds it.
        concentration: how heavy the tail is; negative for a bounded one.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _expanded = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """From ``loc`` on; up to ``loc - scale / concentration`` where the concentration is negative."""
        bounded = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, torch.where(self.concentration < 0, bounded, math.inf))

    def _flat(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration with 1 there."""
        zero = torch.isclose(self.concentration, torch.zeros_like(self.concentration))
        return zero, torch.where(zero, 1.0, self.concentration)

    @property
    def mean(self) -> Tensor:
        """``loc + scale / (1 - concentration)``; infinite from 1 on."""
        c = self.concentration
        return torch.where(c < 1, self.loc + self.scale / (1 - c), math.inf)

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """``scale^2 / ((1 - c)^2 (1 - 2 c))``; infinite from 1 / 2 on."""
        c = self.concentration
        return torch.where(c < 0.5, self.scale.pow(2) / ((1 - c).pow(2) * (1 - 2 * c)), math.inf)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """:meth:`icdf` of uniform draws."""
        shape = self._extended_shape(sample_shape)
        return self.icdf(torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        zero, c = self._flat()
        z = (value - self.loc) / self.scale
        power = 1 / c + 1
        falling = torch.where(power == 0, 0.0, power * torch.log1p(c * z))
        return -torch.where(zero, z, falling) - self.scale.log()

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of more than ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        zero, c = self._flat()
        z = (value - self.loc) / self.scale
        return -torch.where(zero, z, torch.log1p(c * z) / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of :meth:`cdf`."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        """``1 - (1 + concentration z)^(-1 / concentration)``."""
        return torch.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        """The value that :meth:`cdf` maps to ``value``."""
        zero, c = self._flat()
        log_left = torch.log1p(-value)
        return self.loc + self.scale * torch.where(zero, -log_left, torch.expm1(-c * log_left) / c)

    def entropy(self) -> Tensor:
        """``log(scale) + concentration + 1``."""
        return self.scale.log() + self.concentration + 1
