"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.gamma import Gamma
from fxtorch.distributions.probabilities import ProbsOrLogits, only_one
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits, Distribution):
    """The number of successes before ``total_count`` failures.

    >>> import fxtorch as torch
    >>> NegativeBinomial(3.0, torch.tensor(0.5)).mean
    tensor(3.)

    Args:
        total_count: the number of failures at which the trials end; need not be an integer.
        probs: the probability of success.
        logits: or its log odds.
        validate_args: whether to check arguments.
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    _expanded = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        only_one(probs, logits)
        if probs is not None:
            count, self.probs = broadcast_all(total_count, probs)
        else:
            count, self.logits = broadcast_all(total_count, logits)
        self.total_count = count.to(self._param.dtype)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """``n p / (1 - p)``."""
        return self.total_count * torch.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        """The integer part of ``(n - 1) p / (1 - p)``, at least 0."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        """``n p / (1 - p)^2``."""
        return self.mean / torch.sigmoid(-self.logits)

    @property
    def _gamma(self) -> Gamma:
        """The law of the rate of which the counts are Poisson draws."""
        return Gamma(self.total_count, torch.exp(-self.logits), validate_args=False)

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Poisson draws with gamma distributed rates."""
        with no_grad():
            return torch.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """``log(Gamma(n + k) / (k! Gamma(n))) + n log(1 - p) + k log(p)``."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        weight = n * F.logsigmoid(-self.logits) + value * F.logsigmoid(self.logits)
        ways = torch.lgamma(n + value) - torch.lgamma(1.0 + value) - torch.lgamma(n)
        return weight + torch.where(n + value == 0, 0.0, ways)
