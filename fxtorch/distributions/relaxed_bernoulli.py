"""The relaxed Bernoulli (binary Concrete) distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.probabilities import ProbsOrLogits, only_one
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import SigmoidTransform
from fxtorch.distributions.utils import broadcast_all, probs_to_logits
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.construction import as_tensor

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """The log odds of a :class:`RelaxedBernoulli` variable: logistic noise added to the logits, over a temperature.

    Source: Maddison, Mnih and Teh (2017); Jang, Gu and Poole (2017).

    Args:
        temperature: how far from 0 and 1.
        probs: the probability of 1.
        logits: or its log odds.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True
    _expanded = {"probs": 0, "logits": 0}

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        only_one(probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """``(logit(u) + logits) / temperature`` with uniform ``u``."""
        u = torch.rand(self._extended_shape(sample_shape), dtype=self._param.dtype, device=self._param.device)
        return (probs_to_logits(u, is_binary=True) + self.logits) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value * self.temperature
        return as_tensor(self.temperature).log() + difference - 2 * F.softplus(difference)


class RelaxedBernoulli(TransformedDistribution):
    """A continuous stand-in for a Bernoulli variable, with gradients through its samples.

    >>> import fxtorch as torch
    >>> RelaxedBernoulli(torch.tensor(0.5), torch.tensor([0.1, 0.9])).rsample().shape
    torch.Size([2])

    Args:
        temperature: how far from 0 and 1.
        probs: the probability of 1.
        logits: or its log odds.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _expanded = {}

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How far from 0 and 1."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log odds of 1."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probability of 1."""
        return self.base_dist.probs
