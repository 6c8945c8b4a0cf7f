"""The gamma distribution."""

from __future__ import annotations

from typing import Any

from fxtorch import special
from fxtorch.distributions import constraints
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.dtype import finfo

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """The density ``rate^a x^(a - 1) exp(-rate x) / Gamma(a)`` with ``a = concentration``.

    >>> import fxtorch as torch
    >>> Gamma(torch.tensor(2.0), 4.0).mean
    tensor(0.5000)

    Args:
        concentration: the shape.
        rate: the inverse of the scale.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    _expanded = {"concentration": 0, "rate": 0}

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """``concentration / rate``."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        """``(concentration - 1) / rate``, at least 0."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        """``concentration / rate^2``."""
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Draws that carry gradients to both parameters; to the concentration, at a fixed quantile."""
        shape = self._extended_shape(sample_shape)
        drawn = torch._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        return drawn.clamp(min=finfo(drawn.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return torch.xlogy(a, rate) + torch.xlogy(a - 1, value) - rate * value - torch.lgamma(a)

    def cdf(self, value: Tensor) -> Tensor:
        """The regularized incomplete gamma function."""
        if self._validate_args:
            self._validate_sample(value)
        return special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        """``a - log(rate) + log Gamma(a) + (1 - a) digamma(a)``."""
        a = self.concentration
        return a - torch.log(self.rate) + torch.lgamma(a) + (1.0 - a) * torch.digamma(a)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return torch.lgamma(x + 1) + (x + 1) * torch.log(-y.reciprocal())
