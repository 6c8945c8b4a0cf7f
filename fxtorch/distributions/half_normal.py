"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.normal import Normal
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import AbsTransform
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

__all__ = ["HalfNormal"]


class HalfNormal(TransformedDistribution):
    """The absolute value of a normal variable of mean 0.

    >>> import fxtorch as torch
    >>> HalfNormal(torch.tensor(1.0)).mean
    tensor(0.7979)

    Args:
        scale: the normal variable's standard deviation.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _expanded = {}

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        """The normal variable's standard deviation."""
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        """``scale sqrt(2 / pi)``."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self) -> Tensor:
        """0."""
        return torch.zeros_like(self.scale)

    @property
    def variance(self) -> Tensor:
        """``scale^2 (1 - 2 / pi)``."""
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def log_prob(self, value: Tensor) -> Tensor:
        """The normal density, doubled; none below 0."""
        if self._validate_args:
            self._validate_sample(value)
        return torch.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        """``2 Phi(x / scale) - 1``."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        """The normal one's at ``(p + 1) / 2``."""
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        """The normal one's less ``log(2)``."""
        return self.base_dist.entropy() - math.log(2)
