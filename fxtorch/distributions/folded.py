"""What the absolute values of variables symmetric about 0 have in common."""

from __future__ import annotations

import math

from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


class Folded(TransformedDistribution):
    """The absolute value of ``base_dist``, which is symmetric about 0 and has a ``scale``."""

    @property
    def scale(self) -> Tensor:
        """The scale of the variable that is folded."""
        return self.base_dist.scale

    @property
    def mode(self) -> Tensor:
        """0."""
        return torch.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """The density of the base, doubled; none below 0."""
        if self._validate_args:
            self._validate_sample(value)
        return torch.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        """``2 F(x) - 1``, where ``F`` is that of the base."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        """The base's at ``(p + 1) / 2``."""
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        """The base's less ``log(2)``."""
        return self.base_dist.entropy() - math.log(2)
