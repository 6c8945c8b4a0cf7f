"""The categorical distribution, its values as one-hot vectors."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.categorical import Categorical
from fxtorch.distributions.distribution import Distribution
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """The one-hot vectors of a :class:`Categorical` distribution's values.

    >>> import fxtorch as torch
    >>> OneHotCategorical(torch.tensor([0.0, 1.0])).sample()
    tensor([0., 1.])

    Args:
        probs: ``(..., n)``, not negative; normalised.
        logits: or their logarithms, up to a constant.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True
    _expanded = {}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def mean(self) -> Tensor:
        """The probabilities."""
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The most probable class."""
        return F.one_hot(self.probs.argmax(-1), self._event_shape[-1]).to(self.probs.dtype)

    @property
    def variance(self) -> Tensor:
        """``p (1 - p)`` for each class."""
        return self.probs * (1 - self.probs)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """One-hot vectors."""
        drawn = self._categorical.sample(sample_shape)
        return F.one_hot(drawn, self._event_shape[-1]).to(self._param.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the class's probability."""
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        """``-sum_i p_i log(p_i)``."""
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """The rows of the identity."""
        n = self._event_shape[0]
        values = torch.eye(n, dtype=self._param.dtype, device=self._param.device)
        values = values.reshape(n, *(1,) * len(self._batch_shape), n)
        return values.expand(n, *self._batch_shape, n) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """:class:`OneHotCategorical` whose samples carry the gradient of the probabilities.

    Source: Bengio, Leonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons" (2013).
    """

    has_rsample = True

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """One-hot vectors; the gradient is that of the probabilities."""
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
