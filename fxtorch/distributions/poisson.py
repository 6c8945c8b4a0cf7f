"""The Poisson distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """``P(k) = rate^k exp(-rate) / k!``.

    >>> import fxtorch as torch
    >>> Poisson(torch.tensor(4.0)).variance
    tensor(4.)

    Args:
        rate: the mean.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    _expanded = {"rate": 0}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """``rate``."""
        return self.rate

    @property
    def mode(self) -> Tensor:
        """The integer part of ``rate``."""
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        """``rate``."""
        return self.rate

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Counts."""
        with no_grad():
            return torch.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """``k log(rate) - rate - log(k!)``."""
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (torch.log(self.rate),)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return torch.exp(natural_params[0])
