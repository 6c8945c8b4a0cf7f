"""Positive definite matrices of distributions, given by themselves, by their inverse or by their Cholesky factor."""

from __future__ import annotations

from typing import Any

from fxtorch import linalg
from fxtorch.distributions.utils import lazy_property
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.inquiry import broadcast_shapes


class OfScaleMatrix:
    """What distributions have in common whose covariance, or a multiple of it, is ``L L^T``."""

    _batch_shape: Size
    _unbroadcasted_scale_tril: Tensor

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)  # type: ignore[misc]
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        return new

    def _spread(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

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
