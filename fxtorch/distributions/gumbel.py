"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import AffineTransform, ExpTransform
from fxtorch.distributions.uniform import Uniform
from fxtorch.distributions.utils import broadcast_all, euler_constant
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.dtype import finfo

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """The law of a maximum: ``P(x <= t) = exp(-exp(-(t - loc) / scale))``.

    >>> import fxtorch as torch
    >>> Gumbel(torch.tensor(0.0), 1.0).mean
    tensor(0.5772)

    Args:
        loc: the mode.
        scale: the scale.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    _expanded = {"loc": 0, "scale": 0}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = finfo(self.loc.dtype)
        low, high = torch.full_like(self.loc, limits.tiny), torch.full_like(self.loc, 1 - limits.eps)
        transforms = [
            ExpTransform().inv,
            AffineTransform(loc=0, scale=-torch.ones_like(self.scale)),
            ExpTransform().inv,
            AffineTransform(loc=self.loc, scale=-self.scale),
        ]
        base = Uniform(low, high, validate_args=validate_args)
        super().__init__(base, transforms, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """``loc`` and Euler's constant times ``scale``."""
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """``pi scale / sqrt(6)``."""
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        """``(pi scale)^2 / 6``."""
        return self.stddev.pow(2)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return y - y.exp() - self.scale.log()

    def entropy(self) -> Tensor:
        """``log(scale) + 1`` and Euler's constant."""
        return self.scale.log() + (1 + euler_constant)
