"""The Pareto distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.exponential import Exponential
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import AffineTransform, ExpTransform
from fxtorch.distributions.utils import broadcast_all
from fxtorch.tensor import Tensor

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """The density ``alpha scale^alpha / x^(alpha + 1)`` from ``scale`` on.

    >>> import fxtorch as torch
    >>> Pareto(torch.tensor(1.0), 2.0).mean
    tensor(2.)

    Args:
        scale: the least value.
        alpha: how fast it falls.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    _expanded = {"scale": 0, "alpha": 0}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        transforms = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(base, transforms, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """From ``scale`` on."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        """``alpha scale / (alpha - 1)``; infinite unless ``alpha > 1``."""
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        """``scale``."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """``scale^2 alpha / ((alpha - 1)^2 (alpha - 2))``; infinite unless ``alpha > 2``."""
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Tensor:
        """``log(scale / alpha) + 1 + 1 / alpha``."""
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
