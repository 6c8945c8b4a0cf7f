"""The Wishart distribution of positive definite matrices."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import linalg
from fxtorch.distributions import constraints
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.distributions.gamma import Gamma
from fxtorch.distributions.scale_matrix import OfScaleMatrix, factor, half_log_det, only_matrix, solve_lower
from fxtorch.distributions.utils import _standard_normal, is_traced
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.construction import as_tensor
from fxtorch.tensor.dtype import finfo
from fxtorch.tensor.inquiry import broadcast_shapes

__all__ = ["Wishart"]


class Wishart(OfScaleMatrix, ExponentialFamily):
    """The law of ``X^T X`` where the ``df`` rows of ``X`` are normal with mean 0 and the covariance given.

    >>> import fxtorch as torch
    >>> Wishart(torch.tensor(3.0), torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])

    Args:
        df: the degrees of freedom, more than ``n - 1``; need not be an integer.
        covariance_matrix: ``(..., n, n)``, positive definite.
        precision_matrix: or its inverse.
        scale_tril: or its lower Cholesky factor.
        validate_args: whether to check arguments.

    Raises:
        ValueError: not one matrix is given, its shape does not fit, or ``df`` is too small.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _expanded = {"df": 0, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = only_matrix(covariance_matrix, precision_matrix, scale_tril)
        df = as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = broadcast_shapes(matrix.shape[:-2], df.shape)
        event_shape = matrix.shape[-2:]
        n = event_shape[-1]
        self.df = df.expand(batch_shape)
        if not is_traced(df) and bool((df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        setattr(self, name, matrix.expand(*batch_shape, *event_shape))
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor(name, matrix)

    @property
    def arg_constraints(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Positive definite matrices, and enough degrees of freedom for them."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    @property
    def _df(self) -> Tensor:
        return self.df[..., None, None]

    @property
    def mean(self) -> Tensor:
        """``df C``."""
        return self._df * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """``(df - n - 1) C``; NaN unless that is positive."""
        left = self._df - self._event_shape[-1] - 1
        return torch.where(left > 0, left, math.nan) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        """``df (C_ij^2 + C_ii C_jj)``."""
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        return self._df * (self.covariance_matrix.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _dfs(self) -> Tensor:
        """The degrees of freedom that each row has left."""
        n = self._event_shape[-1]
        return self.df.unsqueeze(-1) - torch.arange(n, dtype=self.df.dtype, device=self.df.device)

    def rsample(self, sample_shape: tuple[int, ...] = Size(), max_try_correction: int | None = None) -> Tensor:
        """``(L A) (L A)^T`` with Bartlett's triangular ``A``: roots of chi-squared draws above normal ones.

        Args:
            sample_shape: the shape of the draws.
            max_try_correction: accepted; the diagonal of ``A`` is kept positive, so no draw is repeated.
        """
        n = self._event_shape[-1]
        shape = self._extended_shape(sample_shape)
        squares = Gamma(self._dfs() / 2, 0.5, validate_args=False).rsample(sample_shape)
        normal = _standard_normal(shape, self.df.dtype, self.df.device)
        bartlett = normal.tril(-1) + torch.diag_embed(squares.sqrt().clamp(min=finfo(squares.dtype).eps))
        chol = self._unbroadcasted_scale_tril @ bartlett.expand(*shape[:-2], n, n)
        return chol @ chol.mT

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        n, df, tril = self._event_shape[-1], self.df, self._unbroadcasted_scale_tril
        root = linalg.cholesky(value)
        trace = solve_lower(tril, root).pow(2).sum((-2, -1))
        return (
            (df - n - 1) * half_log_det(root)
            - 0.5 * trace
            - df * (half_log_det(tril) + 0.5 * n * math.log(2))
            - torch.mvlgamma(df / 2, p=n)
        )

    def entropy(self) -> Tensor:
        """``(n + 1) log det L + n (n + 1) log(2) / 2 + log Gamma_n(df / 2) - (df - n - 1) psi_n / 2 + df n / 2``."""
        n, df = self._event_shape[-1], self.df
        psi = torch.digamma(self._dfs() / 2).sum(-1)
        return (
            (n + 1) * (half_log_det(self._unbroadcasted_scale_tril) + 0.5 * n * math.log(2))
            + torch.mvlgamma(df / 2, p=n)
            - 0.5 * (df - n - 1) * psi
            + 0.5 * df * n
        )

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -0.5 * self.precision_matrix, 0.5 * (self.df - self._event_shape[-1] - 1)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        n = self._event_shape[-1]
        half = y + 0.5 * (n + 1)
        return half * (n * math.log(2) - linalg.slogdet(-2 * x)[1]) + torch.mvlgamma(half, p=n)
