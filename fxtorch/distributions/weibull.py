"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.exponential import Exponential
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import AffineTransform, PowerTransform
from fxtorch.distributions.utils import broadcast_all, euler_constant
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """``scale e^(1 / concentration)`` with a standard exponential ``e``.

    >>> import fxtorch as torch
    >>> Weibull(torch.tensor(2.0), 1.0).mean
    tensor(2.)

    Args:
        scale: the scale.
        concentration: the shape; 1 for the exponential distribution.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    _expanded = {"scale": 0, "concentration": 0}

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(torch.ones_like(self.scale), validate_args=validate_args)
        transforms = [
            PowerTransform(exponent=self.concentration.reciprocal()),
            AffineTransform(loc=0, scale=self.scale),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    def _moment(self, n: int) -> Tensor:
        """The expectation of the ``n``-th power, without the scale."""
        return torch.exp(torch.lgamma(1 + n * self.concentration.reciprocal()))

    @property
    def mean(self) -> Tensor:
        """``scale Gamma(1 + 1 / concentration)``."""
        return self.scale * self._moment(1)

    @property
    def mode(self) -> Tensor:
        """``scale ((c - 1) / c)^(1 / c)``; 0 unless ``c > 1``."""
        inverse = self.concentration.reciprocal()
        return self.scale * (1 - inverse).clamp(min=0).pow(inverse)

    @property
    def variance(self) -> Tensor:
        """``scale^2 (Gamma(1 + 2 / c) - Gamma(1 + 1 / c)^2)``."""
        return self.scale.pow(2) * (self._moment(2) - self._moment(1).pow(2))

    def entropy(self) -> Tensor:
        """``g (1 - 1 / c) + log(scale / c) + 1`` with Euler's constant ``g``."""
        inverse = self.concentration.reciprocal()
        return euler_constant * (1 - inverse) + torch.log(self.scale * inverse) + 1
