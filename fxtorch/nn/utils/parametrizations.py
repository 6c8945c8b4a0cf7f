"""Weights with a property that training keeps: orthogonal, of bounded norm, magnitude and direction apart."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from fxtorch.autograd import no_grad
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from fxtorch.nn.modules.module import Module
from fxtorch.nn.utils.parametrize import register_parametrization
from fxtorch.tensor import Tensor
from fxtorch.tensor import dtype as types
from fxtorch.tensor.dispatch import namespace

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)
_linalg = namespace("linalg")


# --- orthogonal -------------------------------------------------------------------------------------------------------


def _gram_is_identity(q: Tensor) -> bool:
    gram = q.mH @ q
    eps = 10 * q.shape[-2] * types.finfo(q.dtype).eps
    return bool(((gram - torch.eye(q.shape[-1], dtype=q.dtype)).abs() < eps).all())


def _orthonormalized(x: Tensor) -> Tensor:
    """The orthogonal factor of ``x``, with the signs that keep an orthogonal ``x`` as it is."""
    q, r = _linalg["qr"](x)
    signs = r.diagonal(dim1=-2, dim2=-1).sgn()
    return q * torch.where(signs == 0, torch.ones_like(signs), signs).unsqueeze(-2)


class _OrthMaps(Enum):
    matrix_exp = "matrix_exp"
    cayley = "cayley"
    householder = "householder"


class _Orthogonal(Module):
    """An orthogonal (or unitary) matrix as a function of any; wide ones have orthonormal rows, tall ones columns."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrix of ``X``."""
        n, k = X.shape[-2], X.shape[-1]
        wide = n < k
        if wide:
            X, n, k = X.mT, k, n
        if self.orthogonal_map is _OrthMaps.householder:
            lower = X.tril(diagonal=-1)
            tau = 2.0 / (1.0 + (lower * lower).sum(dim=-2))
            Q = _linalg["householder_product"](lower, tau)
            Q = Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)  # signs, which are not trained
        else:
            Q = self._of_skew(X.tril(), n, k)
        base = getattr(self, "base", None)
        if base is not None:
            Q = base @ Q
        return Q.mT if wide else Q

    def _of_skew(self, X: Tensor, n: int, k: int) -> Tensor:
        if n != k:
            X = torch.cat([X, X.new_zeros(*X.shape[:-2], n, n - k)], dim=-1)
        A = X - X.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            Q = torch.matrix_exp(A)
        else:
            one = torch.eye(n, dtype=A.dtype)
            Q = _linalg["solve"](one - 0.5 * A, one + 0.5 * A)
        return Q[..., :k] if n != k else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        """What gives ``Q``: with a base, ``Q`` becomes the base; without, only Householder's map can be inverted.

        Raises:
            ValueError: the shape is another.
            NotImplementedError: the map cannot be inverted.
        """
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        Q_init, n, k = Q, Q.shape[-2], Q.shape[-1]
        wide = n < k
        if wide:
            Q, n, k = Q.mT, k, n
        if "base" not in self._buffers:
            if self.orthogonal_map is not _OrthMaps.householder:
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            A, tau = torch.geqrf(Q)
            diagonal = A.diagonal(dim1=-2, dim2=-1)
            signs = diagonal.sign() * torch.where(tau == 0, -torch.ones_like(tau), torch.ones_like(tau))
            A = A - torch.diag_embed(diagonal - signs) if n == k else A.diagonal_scatter(signs, dim1=-2, dim2=-1)
            return A.mT if wide else A
        if n == k:
            Q = Q.clone() if _gram_is_identity(Q) else _orthonormalized(Q)
        else:  # the base is square: completed by what is orthogonal to Q
            Q = _orthonormalized(torch.cat([Q, torch.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype)], dim=-1))
        self.base = Q.detach()
        start = torch.zeros_like(Q_init)  # each map gives the identity for it
        return start.diagonal_scatter(-torch.ones_like(start.diagonal(dim1=-2, dim2=-1)), dim1=-2, dim2=-1)


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Keep a weight orthogonal: ``Q^T Q = 1``, or of a wide one ``Q Q^T = 1``.

    Args:
        module: the layer.
        name: the weight's name; a matrix, or a batch of them.
        orthogonal_map: ``"matrix_exp"`` and ``"cayley"`` are functions of a skew-symmetric matrix, ``"householder"``
            is a product of reflections; by default the first for square and complex weights, else the last.
        use_trivialization: start from the weight as it is (made orthogonal), kept as the buffer ``base``.

    Raises:
        ValueError: the weight is no matrix, the map is unknown, or Householder's is asked for a complex weight.

    Source: Lezcano-Casado and Martinez-Rubio, "Cheap orthogonal constraints in neural networks", 2019.

    >>> import fxtorch as torch
    >>> layer = orthogonal(torch.nn.Linear(20, 40))
    >>> torch.dist(layer.weight.T @ layer.weight, torch.eye(20)).item() < 1e-4
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _OrthMaps.__members__:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, _OrthMaps[orthogonal_map], use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


# --- weight normalisation ---------------------------------------------------------------------------------------------


class _WeightNorm(Module):
    """g v / ||v||."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim == -1:
            return v.norm()
        others = [d for d in range(v.ndim) if d != self.dim % v.ndim]
        return v.square().sum(others, keepdim=True).sqrt() if others else v.abs()

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return weight_v * (weight_g / self._norm(weight_v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The norms of ``weight``, and ``weight``."""
        return self._norm(weight), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Train a weight as magnitude and direction: ``original0`` its norms, ``original1`` its direction.

    Args:
        module: the layer.
        name: the weight's name.
        dim: the dimension that keeps norms of its own; None for a single norm.

    Dictionaries of the older :func:`fxtorch.nn.utils.weight_norm` (``weight_g``, ``weight_v``) load, too.

    Source: Salimans and Kingma, "Weight normalization", 2016.

    >>> import fxtorch as torch
    >>> layer = weight_norm(torch.nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    torch.Size([40, 1])
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state for key in old):
            for i, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


# --- spectral normalisation -------------------------------------------------------------------------------------------


class _SpectralNorm(Module):
    """A weight over its largest singular value, which power iteration follows while training."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight.detach())
            for key, size in zip(("_u", "_v"), matrix.shape, strict=True):
                self.register_buffer(key, F.normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        """The weight with ``dim`` as rows."""
        return weight.movedim(self.dim, 0).flatten(1)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        with no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.mH @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its norm."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the backward needs them as they are now
        return weight / torch.vdot(u, matrix @ v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """``value``: what has another norm is scaled at its next use."""
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its largest singular value.

    Args:
        module: the layer.
        name: the weight's name.
        n_power_iterations: steps of power iteration at each use while training.
        eps: keeps its norms away from 0.
        dim: which dimension is the outputs; by default 0, and 1 for transposed convolutions.

    Raises:
        ValueError: there is no such Tensor, or the number of iterations is not positive.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    >>> import fxtorch as torch
    >>> layer = spectral_norm(torch.nn.Linear(20, 40))
    >>> 0.8 < torch.linalg.matrix_norm(layer.weight, 2).item() < 1.2
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
