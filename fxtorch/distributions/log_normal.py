"""The log-normal distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.normal import Normal
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import ExpTransform
from fxtorch.tensor import Tensor

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """The exponential of a normal variable.

    >>> import fxtorch as torch
    >>> LogNormal(torch.tensor(0.0), 1.0).mean
    tensor(1.6487)

    Args:
        loc: the mean of the logarithm.
        scale: its standard deviation.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _expanded = {}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Tensor:
        """The mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """The standard deviation of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        """``exp(loc + scale^2 / 2)``."""
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def mode(self) -> Tensor:
        """``exp(loc - scale^2)``."""
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self) -> Tensor:
        """``(exp(scale^2) - 1) exp(2 loc + scale^2)``."""
        square = self.scale.pow(2)
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self) -> Tensor:
        """The normal one's and ``loc``."""
        return self.base_dist.entropy() + self.loc
