"""Transforms into simplices and triangular matrices."""

from __future__ import annotations

import math

from fxtorch import linalg
from fxtorch.distributions import constraints
from fxtorch.distributions.transforms.base import Elementwise
from fxtorch.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.dtype import finfo


class SoftmaxTransform(Elementwise):
    """``y = softmax(x)``: onto the simplex, with one number more than is needed."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return F.softmax(x, dim=-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """``shape``, which needs a dimension."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(Elementwise):
    """``n`` numbers onto the simplex of ``n + 1``, one to one.

    Each number says, through a sigmoid, which part of the stick that is left is broken off; shifted so that zeros give
    equal parts.  Source: Stan Reference Manual, "Unit simplex".
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _shifted(self, x: Tensor) -> Tensor:
        n = x.shape[-1]
        return x - torch.arange(n, 0, -1, dtype=x.dtype, device=x.device).log()

    def _call(self, x: Tensor) -> Tensor:
        limits = finfo(x.dtype)
        z = torch.clamp(torch.sigmoid(self._shifted(x)), min=limits.tiny, max=1.0 - limits.eps)
        left = (1 - z).cumprod(-1)
        return F.pad(z, [0, 1], value=1.0) * F.pad(left, [1, 0], value=1.0)

    def _inverse(self, y: Tensor) -> Tensor:
        head = y[..., :-1]
        left = (1 - head.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        n = head.shape[-1]
        return head.log() - left.log() + torch.arange(n, 0, -1, dtype=y.dtype, device=y.device).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum over the breaks of the part's derivative and of the stick it is a part of."""
        shifted = self._shifted(x)
        return (F.logsigmoid(shifted) - shifted + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The last dimension is one longer."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The last dimension is one shorter."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Elementwise):
    """Square matrices to lower triangular ones with a positive diagonal, its exponential."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Elementwise):
    """Square matrices to positive definite ones, by :class:`LowerCholeskyTransform` and ``L @ L.mT``."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(linalg.cholesky(y))


class CorrCholeskyTransform(Elementwise):
    """``n (n - 1) / 2`` numbers to the Cholesky factor of a correlation matrix, one to one.

    Each number's ``tanh`` is an entry below the diagonal, scaled to what its row has left of length 1.
    Source: Lewandowski, Kurowicka and Joe (2009); Stan Reference Manual, "Cholesky factors of correlation matrices".
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = finfo(x.dtype).eps
        r = vec_to_tril_matrix(torch.tanh(x).clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - r * r).sqrt().cumprod(-1)
        r = r + torch.eye(r.shape[-1], dtype=r.dtype, device=r.device)
        return r * F.pad(left[..., :-1], [1, 0], value=1.0)

    def _inverse(self, y: Tensor) -> Tensor:
        # Rounding may leave less than nothing.
        left = (1 - torch.cumsum(y * y, dim=-1)).clamp(min=finfo(y.dtype).tiny)
        below = tril_matrix_to_vec(y, diag=-1)
        part = below / tril_matrix_to_vec(F.pad(left[..., :-1], [1, 0], value=1.0), diag=-1).sqrt()
        return (part.log1p() - (-part).log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Half the logarithms of what the rows had left, and the derivatives of ``tanh``."""
        left = 1 - (y * y).cumsum(dim=-1)
        stick = 0.5 * tril_matrix_to_vec(left, diag=-2).log().sum(-1)
        tanh = -2 * (x + F.softplus(-2 * x) - math.log(2.0)).sum(dim=-1)
        return stick + tanh

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """``(..., n (n - 1) / 2)`` to ``(..., n, n)``."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """``(..., n, n)`` to ``(..., n (n - 1) / 2)``."""
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)
