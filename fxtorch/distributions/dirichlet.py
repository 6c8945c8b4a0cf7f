"""The Dirichlet distribution."""

from __future__ import annotations

from fxtorch.distributions import constraints
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """The density ``prod_i x_i^(concentration_i - 1) / B`` on the simplex.

    >>> import fxtorch as torch
    >>> Dirichlet(torch.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])

    Args:
        concentration: ``(..., n)``.
        validate_args: whether to check arguments.

    Raises:
        ValueError: ``concentration`` has no dimension.
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    _mean_carrier_measure = 0
    _expanded = {"concentration": 1}

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The concentrations, normalised."""
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        """``concentration - 1``, at least 0, normalised; a corner where all are less than 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, keepdim=True)
        corner = F.one_hot(mode.argmax(-1), mode.shape[-1]).to(mode.dtype)
        return torch.where((self.concentration < 1).all(-1, keepdim=True), corner, mode)

    @property
    def variance(self) -> Tensor:
        """``a_i (s - a_i) / (s^2 (s + 1))`` with the sum ``s``."""
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """Gamma draws divided by their sum."""
        return torch._sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return torch.xlogy(a - 1.0, value).sum(-1) + torch.lgamma(a.sum(-1)) - torch.lgamma(a).sum(-1)

    def entropy(self) -> Tensor:
        """``log B + (s - n) digamma(s) - sum_i (a_i - 1) digamma(a_i)`` with the sum ``s``."""
        a, n = self.concentration, self.concentration.shape[-1]
        total = a.sum(-1)
        log_b = torch.lgamma(a).sum(-1) - torch.lgamma(total)
        return log_b - (n - total) * torch.digamma(total) - ((a - 1.0) * torch.digamma(a)).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        return x.lgamma().sum(-1) - torch.lgamma(x.sum(-1))
