"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.chi2 import Chi2
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import _standard_normal, broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["StudentT"]


class StudentT(Distribution):
    """``loc + scale z / sqrt(c / df)`` with a standard normal ``z`` and a chi-squared ``c``.

    >>> import fxtorch as torch
    >>> StudentT(torch.tensor(4.0)).variance
    tensor(2.)

    Args:
        df: the degrees of freedom.
        loc: the centre.
        scale: the scale.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _expanded = {"df": 0, "loc": 0, "scale": 0}

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    @property
    def mean(self) -> Tensor:
        """``loc``; NaN unless ``df > 1``."""
        return torch.where(self.df > 1, self.loc, math.nan)

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """``scale^2 df / (df - 2)``; infinite for ``1 < df <= 2``, NaN below."""
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return torch.where(self.df > 2, finite, torch.where(self.df > 1, math.inf, math.nan).to(finite.dtype))

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """A normal draw over the root of a chi-squared one."""
        z = _standard_normal(self._extended_shape(sample_shape), self.df.dtype, self.df.device)
        return self.loc + self.scale * z * torch.rsqrt(self._chi2.rsample(sample_shape) / self.df)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        half = 0.5 * (self.df + 1.0)
        normalizer = self.scale.log() + 0.5 * (self.df.log() + math.log(math.pi))
        normalizer = normalizer + torch.lgamma(0.5 * self.df) - torch.lgamma(half)
        return -half * torch.log1p(y**2.0 / self.df) - normalizer

    def entropy(self) -> Tensor:
        """``log(scale) + (df + 1) / 2 (digamma((df + 1) / 2) - digamma(df / 2)) + log(sqrt(df) B(1 / 2, df / 2))``."""
        half = 0.5 * (self.df + 1)
        beta = torch.lgamma(0.5 * self.df) + math.lgamma(0.5) - torch.lgamma(half)
        difference = torch.digamma(half) - torch.digamma(0.5 * self.df)
        return self.scale.log() + half * difference + 0.5 * self.df.log() + beta
