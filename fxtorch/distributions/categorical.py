"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.probabilities import ProbsOrLogits, only_one
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.dtype import finfo
from fxtorch.tensor.inquiry import broadcast_shapes

__all__ = ["Categorical"]


class Categorical(ProbsOrLogits, Distribution):
    """The integers ``0 .. n - 1`` with probabilities ``probs``.

    >>> import fxtorch as torch
    >>> Categorical(torch.tensor([1.0, 3.0])).probs
    tensor([0.2500, 0.7500])

    Args:
        probs: ``(..., n)``, not negative; normalised.
        logits: or their logarithms, up to a constant.
        validate_args: whether to check arguments.

    Raises:
        ValueError: the parameter has no dimension.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _is_binary = False
    _expanded = {"probs": 1, "logits": 1}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        only_one(probs, logits)
        if probs is not None:
            if probs.dim() < 1:
                raise ValueError("`probs` parameter must be at least one-dimensional.")
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            if logits.dim() < 1:
                raise ValueError("`logits` parameter must be at least one-dimensional.")
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._num_events = self._param.shape[-1]
        super().__init__(self._param.shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._num_events = self._num_events
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """The integers from 0 to ``n - 1``."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: classes have no mean."""
        return torch.full_like(self.probs[..., 0], math.nan)

    @property
    def mode(self) -> Tensor:
        """The most probable class."""
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        """NaN: classes have no variance."""
        return torch.full_like(self.probs[..., 0], math.nan)

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Classes, int64."""
        sample_shape = Size(sample_shape)
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            drawn = torch.multinomial(rows, sample_shape.numel(), True).T
            return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """``log(probs[value])``."""
        if self._validate_args:
            self._validate_sample(value)
        value = value.long().unsqueeze(-1)
        shape = broadcast_shapes(value.shape, (*self._batch_shape, 1))
        logits = self.logits.expand(*shape[:-1], self._num_events)
        return logits.gather(-1, value.expand(shape)).squeeze(-1)

    def entropy(self) -> Tensor:
        """``-sum_i p_i log(p_i)``."""
        logits = torch.clamp(self.logits, min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to ``n - 1``, int64."""
        values = torch.arange(self._num_events, device=self._param.device)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
