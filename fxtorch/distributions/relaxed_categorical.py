"""The relaxed one-hot categorical (Concrete, Gumbel-softmax) distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.categorical import Categorical
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import ExpTransform
from fxtorch.distributions.utils import broadcast_all, clamp_probs
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.construction import as_tensor

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a :class:`RelaxedOneHotCategorical` variable.

    Source: Maddison, Mnih and Teh (2017); Jang, Gu and Poole (2017).

    Args:
        temperature: how far from one-hot.
        probs: ``(..., n)``, not negative; normalised.
        logits: or their logarithms, up to a constant.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    # The values' exponentials sum to 1, which no constraint of a vector says.
    support = constraints.real_vector
    has_rsample = True
    _expanded = {}

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """The log-softmax of ``(logits + gumbel) / temperature``."""
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density on the simplex's logarithms."""
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[-1]
        logits, value = broadcast_all(self.logits, value)
        scores = logits - value * self.temperature
        scores = (scores - scores.logsumexp(dim=-1, keepdim=True)).sum(-1)
        return scores + math.lgamma(n) + (n - 1) * as_tensor(self.temperature).log()


class RelaxedOneHotCategorical(TransformedDistribution):
    """A continuous stand-in for a one-hot vector, with gradients through its samples.

    >>> import fxtorch as torch
    >>> RelaxedOneHotCategorical(torch.tensor(0.5), torch.tensor([0.1, 0.9])).rsample().shape
    torch.Size([2])

    Args:
        temperature: how far from one-hot.
        probs: ``(..., n)``, not negative; normalised.
        logits: or their logarithms, up to a constant.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True
    _expanded = {}

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How far from one-hot."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self.base_dist.probs
