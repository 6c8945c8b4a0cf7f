"""The logistic-normal distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.normal import Normal
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import StickBreakingTransform
from fxtorch.tensor import Tensor

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """The distribution on a simplex that :class:`StickBreakingTransform` makes of normal variables.

    >>> import fxtorch as torch
    >>> LogisticNormal(torch.zeros(3), torch.ones(3)).sample().shape
    torch.Size([4])

    Args:
        loc: ``(..., n)``; a value has ``n + 1`` parts.
        scale: ``(..., n)``.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    _expanded = {}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        base = base if base.batch_shape else base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the normal variables."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """Their standard deviations."""
        return self.base_dist.base_dist.scale
