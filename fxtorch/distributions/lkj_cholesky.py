"""The LKJ distribution of correlation matrices, by their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import linalg
from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.beta import Beta
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.dtype import finfo

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """The law of the Cholesky factor of a correlation matrix with density proportional to ``det^(concentration - 1)``.

    Source: Lewandowski, Kurowicka and Joe, "Generating random correlation matrices based on vines and extended onion
    method" (2009).

    >>> import fxtorch as torch
    >>> LKJCholesky(3, 0.5).sample().shape
    torch.Size([3, 3])

    Args:
        dim: how many variables, at least 2.
        concentration: 1 for all matrices alike; more favours the identity.
        validate_args: whether to check arguments.

    Raises:
        ValueError: ``dim`` is less than 2.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _expanded = {"concentration": 0}

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new.dim = self.dim
        return new

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Row by row: a direction, uniform on a sphere, and its squared length, from a beta distribution."""
        n = self.dim
        like = {"dtype": self.concentration.dtype, "device": self.concentration.device}
        with no_grad():
            below = torch.arange(n, **like).clamp(min=1)  # entries left of the diagonal; the first row is set apart
            others = self.concentration.unsqueeze(-1) + 0.5 * (n - 1 - below)
            square = Beta(0.5 * below, others, validate_args=False).sample(sample_shape).unsqueeze(-1)
            direction = torch.randn(self._extended_shape(sample_shape), **like).tril(-1)
            length = linalg.norm(direction, dim=-1, keepdim=True)
            direction = direction / torch.where(length == 0, 1.0, length)  # the first row has none
            first = torch.arange(n, device=self.concentration.device).reshape(n, 1) == 0
            square = torch.where(first, 0.0, square)
            rest = (1 - square).clamp(min=finfo(square.dtype).tiny).sqrt().squeeze(-1)
            return square.sqrt() * direction + torch.diag_embed(rest)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density of the factor."""
        if self._validate_args:
            self._validate_sample(value)
        n, eta = self.dim, self.concentration
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = 2 * (eta - 1).unsqueeze(-1) + n - torch.arange(2, n + 1, dtype=eta.dtype, device=eta.device)
        # the constant of Lewandowski et al., p. 1999
        alpha = eta + 0.5 * (n - 1)
        constant = torch.mvlgamma(alpha - 0.5, p=n - 1) - torch.lgamma(alpha) * (n - 1)
        return (order * diagonal.log()).sum(dim=-1) - constant - 0.5 * (n - 1) * math.log(math.pi)
