"""The binomial distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.probabilities import ProbsOrLogits, only_one
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["Binomial"]


class Binomial(ProbsOrLogits, Distribution):
    """The number of successes in ``total_count`` trials of probability ``probs``.

    >>> import fxtorch as torch
    >>> Binomial(4, torch.tensor([0.0, 0.5, 1.0])).mean
    tensor([0., 2., 4.])

    Args:
        total_count: the number of trials.
        probs: the probability of success.
        logits: or its log odds.
        validate_args: whether to check arguments.
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    _expanded = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        only_one(probs, logits)
        if probs is not None:
            count, self.probs = broadcast_all(total_count, probs)
        else:
            count, self.logits = broadcast_all(total_count, logits)
        self.total_count = count.to(self._param.dtype)
        super().__init__(self._param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """The integers from 0 to ``total_count``."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        """``n p``."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        """The integer part of ``(n + 1) p``, at most ``n``."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        """``n p (1 - p)``."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Counts."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """``log C(n, k) + k log p + (n - k) log(1 - p)``."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        choose = torch.lgamma(n + 1) - torch.lgamma(value + 1) - torch.lgamma(n - value + 1)
        return choose + value * self.logits - n * F.softplus(self.logits)

    def entropy(self) -> Tensor:
        """The sum over the support.

        Raises:
            NotImplementedError: the batch has different ``total_count``.
        """
        self._count()
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(log_prob) * log_prob).sum(0)

    def _count(self) -> int:
        """The one number of trials."""
        count = int(self.total_count.max())
        if not bool((self.total_count == count).all()):
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        return count

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to ``total_count``.

        Raises:
            NotImplementedError: the batch has different ``total_count``.
        """
        values = torch.arange(1 + self._count(), dtype=self._param.dtype, device=self._param.device)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
