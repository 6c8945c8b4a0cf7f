"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.dtype import finfo

__all__ = ["Laplace"]


class Laplace(Distribution):
    """The density ``exp(-|x - loc| / scale) / (2 scale)``.

    >>> import fxtorch as torch
    >>> Laplace(torch.tensor(0.0), 1.0).variance
    tensor(2.)

    Args:
        loc: the mean.
        scale: the mean distance from it.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
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
    def variance(self) -> Tensor:
        """``2 scale^2``."""
        return 2 * self.scale.pow(2)

    @property
    def stddev(self) -> Tensor:
        """``sqrt(2) scale``."""
        return math.sqrt(2) * self.scale

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """``loc - scale sign(u) log(1 - |u|)`` with ``u`` uniform in (-1, 1)."""
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        eps = finfo(self.loc.dtype).eps
        u = u * (2 - eps) + (eps - 1)
        return self.loc - self.scale * u.sign() * torch.log1p(-u.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        return -torch.log(2 * self.scale) - torch.abs(value - self.loc) / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        """``1/2 - sign(d) (exp(-|d|) - 1) / 2`` with ``d = (x - loc) / scale``."""
        if self._validate_args:
            self._validate_sample(value)
        d = (value - self.loc) / self.scale
        return 0.5 - 0.5 * d.sign() * torch.expm1(-d.abs())

    def icdf(self, value: Tensor) -> Tensor:
        """The value that :meth:`cdf` maps to ``value``."""
        side = value - 0.5
        return self.loc - self.scale * side.sign() * torch.log1p(-2 * side.abs())

    def entropy(self) -> Tensor:
        """``1 + log(2 scale)``."""
        return 1 + torch.log(2 * self.scale)
