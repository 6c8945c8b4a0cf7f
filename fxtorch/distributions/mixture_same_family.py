"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.categorical import Categorical
from fxtorch.distributions.distribution import Distribution
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A component is drawn from a categorical distribution, then a value from that component.

    >>> import fxtorch as torch
    >>> from fxtorch.distributions import Normal
    >>> mix = Categorical(torch.ones(2))
    >>> MixtureSameFamily(mix, Normal(torch.tensor([-1.0, 3.0]), 1.0)).mean
    tensor(1.)

    Args:
        mixture_distribution: a :class:`Categorical` distribution of the component.
        component_distribution: the components, along the last batch dimension.
        validate_args: whether to check arguments.

    Raises:
        ValueError: the shapes, or the number of components, do not fit.
    """

    arg_constraints = {}
    _expanded = {}

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        batch_shape = component_distribution.batch_shape[:-1]
        for a, b in zip(reversed(mixture_distribution.batch_shape), reversed(batch_shape), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture_distribution.batch_shape}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch_shape})"
                )
        self._num_component = component_distribution.batch_shape[-1]
        classes = mixture_distribution.logits.shape[-1]
        if classes != self._num_component:
            raise ValueError(
                f"`mixture_distribution component` ({classes}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({self._num_component})"
            )
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._component_distribution = self._component_distribution.expand((*batch_shape, self._num_component))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component = self._num_component
        new._event_ndims = self._event_ndims
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        """That of the components."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _weights(self) -> Tensor:
        """The components' probabilities, broadcastable to their values."""
        probs = self.mixture_distribution.probs
        return probs.reshape(*probs.shape, *(1,) * self._event_ndims)

    @property
    def mean(self) -> Tensor:
        """The components' means, weighted."""
        return (self._weights() * self.component_distribution.mean).sum(-1 - self._event_ndims)

    @property
    def variance(self) -> Tensor:
        """The components' mean variance and the variance of their means."""
        weights, dim = self._weights(), -1 - self._event_ndims
        spread = (self.component_distribution.mean - self.mean.unsqueeze(dim)).pow(2)
        return (weights * (self.component_distribution.variance + spread)).sum(dim)

    def cdf(self, value: Tensor) -> Tensor:
        """The components' own, weighted."""
        inside = self.component_distribution.cdf(value.unsqueeze(-1 - self._event_ndims))
        return (inside * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """``log sum_i p_i exp(log_prob_i)``."""
        if self._validate_args:
            self._validate_sample(value)
        each = self.component_distribution.log_prob(value.unsqueeze(-1 - self._event_ndims))
        return torch.logsumexp(each + torch.log_softmax(self.mixture_distribution.logits, dim=-1), dim=-1)

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """A draw of every component, of which one is taken."""
        with no_grad():
            sample_shape = Size(sample_shape)
            dim = len(sample_shape) + len(self.batch_shape)
            which = self.mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            which = which.reshape(*which.shape, *(1,) * (self._event_ndims + 1))
            which = which.expand(*sample_shape, *self.batch_shape, 1, *self.event_shape)
            return torch.gather(self.component_distribution.sample(sample_shape), dim, which).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
