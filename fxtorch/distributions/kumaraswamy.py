"""The Kumaraswamy distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import AffineTransform, PowerTransform
from fxtorch.distributions.uniform import Uniform
from fxtorch.distributions.utils import broadcast_all, euler_constant
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """``P(x <= t) = 1 - (1 - t^a)^b`` on [0, 1], with ``a = concentration1`` and ``b = concentration0``.

    >>> import fxtorch as torch
    >>> Kumaraswamy(torch.tensor(1.0), 1.0).mean
    tensor(0.5000)

    Args:
        concentration1: the inner exponent.
        concentration0: the outer one.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    _expanded = {"concentration1": 0, "concentration0": 0}

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        zero = torch.zeros_like(self.concentration0)
        base = Uniform(zero, zero + 1, validate_args=validate_args)
        transforms = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    def _moment(self, n: int) -> Tensor:
        """The expectation of the ``n``-th power, ``b B(1 + n / a, b)``."""
        a, b = self.concentration1, self.concentration0
        inner = 1 + n / a
        return torch.exp(b.log() + torch.lgamma(inner) + torch.lgamma(b) - torch.lgamma(inner + b))

    @property
    def mean(self) -> Tensor:
        """``b B(1 + 1 / a, b)``."""
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        """``((a - 1) / (a b - 1))^(1 / a)``; NaN unless ``a`` and ``b`` are at least 1."""
        a, b = self.concentration1, self.concentration0
        return torch.where((a >= 1) & (b >= 1), ((a - 1) / (a * b - 1)).pow(1 / a), math.nan)

    @property
    def variance(self) -> Tensor:
        """From the first two moments."""
        return self._moment(2) - self._moment(1).pow(2)

    def entropy(self) -> Tensor:
        """``1 - 1 / b + (1 - 1 / a) (digamma(b + 1) + g) - log(a b)`` with Euler's constant ``g``."""
        a, b = self.concentration1, self.concentration0
        harmonic = torch.digamma(b + 1) + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - torch.log(a) - torch.log(b)
