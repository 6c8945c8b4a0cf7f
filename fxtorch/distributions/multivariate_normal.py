"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import linalg
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import _standard_normal, lazy_property
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.inquiry import broadcast_shapes

__all__ = ["MultivariateNormal"]


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of a positive definite matrix, without inverting it.

    With ``J`` the exchange of rows and ``J P J = F F^T``, ``J F J`` is upper triangular, and its transpose's inverse is
    the factor.
    """
    upper = torch.flip(linalg.cholesky(torch.flip(precision, (-2, -1))), (-2, -1))
    eye = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return solve_lower(upper.mT, eye)


def solve_lower(factor: Tensor, right: Tensor) -> Tensor:
    """``L^-1 B``, the batches of both broadcast."""
    shape = broadcast_shapes(factor.shape[:-2], right.shape[:-2])
    return linalg.solve_triangular(
        factor.expand(*shape, *factor.shape[-2:]), right.expand(*shape, *right.shape[-2:]), upper=False
    )


def mahalanobis(scale_tril: Tensor, x: Tensor) -> Tensor:
    """``|L^-1 x|^2`` of vectors ``(..., n)``; one factor for all is solved for all at once."""
    n = x.shape[-1]
    if scale_tril.dim() == 2:
        solved = linalg.solve_triangular(scale_tril, x.reshape(-1, n).mT, upper=False)
        return solved.pow(2).sum(0).reshape(x.shape[:-1])
    return solve_lower(scale_tril, x.unsqueeze(-1)).squeeze(-1).pow(2).sum(-1)


def half_log_det(scale_tril: Tensor) -> Tensor:
    """Half the log-determinant of ``L L^T``."""
    return scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class MultivariateNormal(Distribution):
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

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        return new

    def _spread(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The covariance's lower Cholesky factor."""
        return self._spread(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """``L L^T``."""
        return self._spread(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The covariance's inverse."""
        return self._spread(torch.cholesky_inverse(self._unbroadcasted_scale_tril))

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


def only_matrix(covariance: Any, precision: Any, tril: Any) -> tuple[str, Tensor]:
    """The one matrix that is given, and its name.

    Raises:
        ValueError: not one is given, or it has too few dimensions.
    """
    given = {"covariance_matrix": covariance, "scale_tril": tril, "precision_matrix": precision}
    given = {name: matrix for name, matrix in given.items() if matrix is not None}
    if len(given) != 1:
        raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
    ((name, matrix),) = given.items()
    if matrix.dim() < 2:
        what = "scale_tril matrix" if name == "scale_tril" else name
        raise ValueError(f"{what} must be at least two-dimensional, with optional leading batch dimensions")
    return name, matrix


def factor(name: str, matrix: Tensor) -> Tensor:
    """The covariance's Cholesky factor, from whichever matrix was given."""
    if name == "scale_tril":
        return matrix
    return linalg.cholesky(matrix) if name == "covariance_matrix" else precision_to_scale_tril(matrix)
