"""The multivariate normal distribution with a covariance of low rank and a diagonal."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import linalg
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.scale_matrix import mahalanobis, solve_lower
from fxtorch.distributions.utils import _standard_normal, lazy_property
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.inquiry import broadcast_shapes

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """:class:`MultivariateNormal` with covariance ``W W^T + diag(d)``, for many dimensions and a narrow ``W``.

    Determinant and inverse go through ``K = I + W^T diag(d)^-1 W``, a small matrix (Woodbury's identity and the matrix
    determinant lemma).

    >>> import fxtorch as torch
    >>> LowRankMultivariateNormal(torch.zeros(2), torch.tensor([[1.0], [0.0]]), torch.ones(2)).covariance_matrix
    tensor([[2., 0.],
            [0., 1.]])

    Args:
        loc: the mean, ``(..., n)``.
        cov_factor: ``W``, ``(..., n, m)``.
        cov_diag: ``d``, ``(..., n)``.
        validate_args: whether to check arguments.

    Raises:
        ValueError: the shapes do not fit.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _expanded = {"loc": 1, "cov_factor": 2, "cov_diag": 1}

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            batch_shape = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc = loc.expand(*batch_shape, *event_shape)
        self.cov_factor = cov_factor.expand(*batch_shape, *cov_factor.shape[-2:])
        self.cov_diag = cov_diag.expand(*batch_shape, *event_shape)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = capacitance_tril(cov_factor, cov_diag)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return new

    def _spread(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The covariance's lower Cholesky factor."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = self._unbroadcasted_cov_factor / root
        inside = scaled @ scaled.mT + torch.eye(scaled.shape[-2], dtype=scaled.dtype, device=scaled.device)
        return self._spread(root * linalg.cholesky(inside))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """``W W^T + diag(d)``."""
        w = self._unbroadcasted_cov_factor
        return self._spread(w @ w.mT + torch.diag_embed(self._unbroadcasted_cov_diag))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """``diag(d)^-1 - diag(d)^-1 W K^-1 W^T diag(d)^-1``."""
        d = self._unbroadcasted_cov_diag
        a = solve_lower(self._capacitance_tril, self._unbroadcasted_cov_factor.mT / d.unsqueeze(-2))
        return self._spread(torch.diag_embed(d.reciprocal()) - a.mT @ a)

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The covariance's diagonal."""
        total = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return total.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """``loc + W e + sqrt(d) f`` with standard normal ``e`` and ``f``."""
        shape = self._extended_shape(sample_shape)
        narrow = (*shape[:-1], self.cov_factor.shape[-1], 1)
        e = _standard_normal(narrow, self.loc.dtype, self.loc.device)
        f = _standard_normal(shape, self.loc.dtype, self.loc.device)
        wide = (self._unbroadcasted_cov_factor @ e).squeeze(-1)
        return self.loc + wide + self._unbroadcasted_cov_diag.sqrt() * f

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        w, d, k = self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag, self._capacitance_tril
        distance = low_rank_mahalanobis(w, d, value - self.loc, k)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + low_rank_log_det(d, k) + distance)

    def entropy(self) -> Tensor:
        """``n (1 + log(2 pi)) / 2 + log(det C) / 2``."""
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        log_det = low_rank_log_det(self._unbroadcasted_cov_diag, self._capacitance_tril)
        return (0.5 * (constant + log_det)).expand(self._batch_shape)


def capacitance_tril(w: Tensor, d: Tensor) -> Tensor:
    """The Cholesky factor of ``K = I + W^T diag(d)^-1 W``."""
    k = (w.mT / d.unsqueeze(-2)) @ w
    return linalg.cholesky(k + torch.eye(k.shape[-1], dtype=k.dtype, device=k.device))


def low_rank_log_det(d: Tensor, k_tril: Tensor) -> Tensor:
    """The log-determinant of ``W W^T + diag(d)``."""
    return 2 * k_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + d.log().sum(-1)


def low_rank_mahalanobis(w: Tensor, d: Tensor, x: Tensor, k_tril: Tensor) -> Tensor:
    """``x^T (W W^T + diag(d))^-1 x``."""
    inner = ((w.mT / d.unsqueeze(-2)) @ x.unsqueeze(-1)).squeeze(-1)
    return (x.pow(2) / d).sum(-1) - mahalanobis(k_tril, inner)
