"""The inverse gamma distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.gamma import Gamma
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import PowerTransform
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """The inverse of a gamma variable.

    >>> import fxtorch as torch
    >>> InverseGamma(torch.tensor(3.0), 4.0).mean
    tensor(2.)

    Args:
        concentration: the gamma variable's shape.
        rate: its rate.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _expanded = {}

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    @property
    def concentration(self) -> Tensor:
        """The gamma variable's shape."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Tensor:
        """The gamma variable's rate."""
        return self.base_dist.rate

    @property
    def mean(self) -> Tensor:
        """``rate / (concentration - 1)``; infinite unless that is positive."""
        c = self.concentration
        return torch.where(c > 1, self.rate / (c - 1), math.inf)

    @property
    def mode(self) -> Tensor:
        """``rate / (concentration + 1)``."""
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        """``rate^2 / ((c - 1)^2 (c - 2))``; infinite unless ``c > 2``."""
        c = self.concentration
        return torch.where(c > 2, self.rate.square() / ((c - 1).square() * (c - 2)), math.inf)

    def entropy(self) -> Tensor:
        """``c + log(rate Gamma(c)) - (1 + c) digamma(c)``."""
        c = self.concentration
        return c + self.rate.log() + c.lgamma() - (1 + c) * c.digamma()
