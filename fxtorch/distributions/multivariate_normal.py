"""The multivariate normal distribution."""

from __future__ import annotations

import math

from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.scale_matrix import OfScaleMatrix, factor, half_log_det, mahalanobis, only_matrix
from fxtorch.distributions.utils import _standard_normal
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.inquiry import broadcast_shapes

__all__ = ["MultivariateNormal"]


class MultivariateNormal(OfScaleMatrix, Distribution):
    """The density ``exp(-(x - m)^T C^-1 (x - m) / 2) / sqrt(det(2 pi C))``.

    One of the covariance, its inverse and its Cholesky factor is given; the last is cheapest.

    >>> import fxtorch as torch
    >>> MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
    tensor(-1.8379)

    Args:
        loc: the mean, ``(..., n)``.
        covariance_matrix: ``(..., n, n)``, positive definite.
        precision_matrix: or its inverse.
        scale_tril: or its lower Cholesky factor.
        validate_args: whether to check arguments.

    Raises:
        ValueError: a parameter has too few dimensions, or not one of the three is given.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _expanded = {"loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = only_matrix(covariance_matrix, precision_matrix, scale_tril)
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(*batch_shape, *matrix.shape[-2:]))
        self.loc = loc.expand(*batch_shape, loc.shape[-1])
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor(name, matrix)

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The covariance's diagonal."""
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """``loc + L e`` with standard normal ``e``."""
        e = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype, self.loc.device)
        return self.loc + (self._unbroadcasted_scale_tril @ e.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        distance = mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + distance) - half_log_det(self._unbroadcasted_scale_tril)

    def entropy(self) -> Tensor:
        """``n (1 + log(2 pi)) / 2 + log(det C) / 2``."""
        result = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (result + half_log_det(self._unbroadcasted_scale_tril)).expand(self._batch_shape)
