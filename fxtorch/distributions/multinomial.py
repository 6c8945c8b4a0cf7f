"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.binomial import Binomial
from fxtorch.distributions.categorical import Categorical
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each class comes in ``total_count`` draws.

    >>> import fxtorch as torch
    >>> Multinomial(4, torch.tensor([1.0, 3.0])).mean
    tensor([1., 3.])

    Args:
        total_count: the number of draws, an int.
        probs: ``(..., n)``, not negative; normalised.
        logits: or their logarithms, up to a constant.
        validate_args: whether to check arguments.

    Raises:
        NotImplementedError: ``total_count`` is not one int.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    _expanded = {}

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that do not exceed ``total_count`` together."""
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        """``n p``."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        """``n p (1 - p)``."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Counts."""
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = torch.zeros(self._extended_shape(sample_shape), dtype=self.mean.dtype, device=self.mean.device)
        return counts.scatter_add(-1, drawn, torch.ones_like(drawn, dtype=counts.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        """``log(n! / prod_i x_i!) + sum_i x_i log(p_i)``."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        impossible = (value == 0) & (logits == -math.inf)
        weighted = torch.where(impossible, 0.0, logits) * value
        return torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1) + weighted.sum(-1)

    def entropy(self) -> Tensor:
        """``n H(p) - log(n!) + sum_i E log(x_i!)``, the counts ``x_i`` being binomial."""
        each = Binomial(self.total_count, probs=self.probs)
        values = each.enumerate_support(expand=False)[1:]
        expected = (torch.exp(each.log_prob(values)) * torch.lgamma(values + 1)).sum([0, -1])
        return self.total_count * self._categorical.entropy() - math.lgamma(self.total_count + 1) + expected
