"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import special
from fxtorch.distributions import constraints
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.distributions.utils import _standard_normal, broadcast_all
from fxtorch.tensor import Size, Tensor

__all__ = ["Normal"]


class Normal(ExponentialFamily):
    """The density ``exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi))``.

    >>> import fxtorch as torch
    >>> Normal(torch.tensor(0.0), 1.0).log_prob(torch.tensor(0.0))
    tensor(-0.9189)

    Args:
        loc: the mean.
        scale: the standard deviation.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0
    _expanded = {"loc": 0, "scale": 0}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """``scale``."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """``scale^2``."""
        return self.scale.pow(2)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """``loc + scale * e`` with standard normal ``e``."""
        shape = self._extended_shape(sample_shape)
        return self.loc + _standard_normal(shape, self.loc.dtype, self.loc.device) * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        return -((value - self.loc) ** 2) / (2 * self.variance) - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        """``(1 + erf((x - loc) / (scale sqrt(2)))) / 2``."""
        if self._validate_args:
            self._validate_sample(value)
        return special.ndtr((value - self.loc) / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        """``loc + scale sqrt(2) erfinv(2 p - 1)``."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Tensor:
        """``(1 + log(2 pi)) / 2 + log(scale)``."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.loc / self.variance, -0.5 / self.variance

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return -0.25 * x.pow(2) / y + 0.5 * (-math.pi / y).log()
