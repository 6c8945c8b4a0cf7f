"""What the distributions share: broadcasting of parameters, probabilities and logits, values computed once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.core import Tracer

from fxtorch.autograd import enable_grad
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor, unwrap
from fxtorch.tensor.construction import get_default_dtype, tensor
from fxtorch.tensor.dtype import finfo

euler_constant = float(np.euler_gamma)


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as Tensors of one shape; numbers take the type of the first Tensor.

    Raises:
        ValueError: a value is neither.

    >>> import fxtorch as torch
    >>> broadcast_all(torch.zeros(2), 1.0)
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    if not all(isinstance(v, Tensor | Number) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    first = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = get_default_dtype() if first is None else first.dtype
    device = None if first is None else first.device
    made = [v if isinstance(v, Tensor) else tensor(v, dtype=dtype, device=device) for v in values]
    return tuple(torch.broadcast_tensors(*made)) if len({v.shape for v in made}) > 1 else tuple(made)


def is_traced(value: Any) -> bool:
    """Whether the values of a Tensor are not known, because a program is being compiled."""
    return isinstance(value, Tensor) and isinstance(unwrap(value), Tracer)


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Tensor:
    """Standard normal draws."""
    return torch.randn(tuple(shape), dtype=dtype, device=device)


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last ``dim`` dimensions."""
    return value if dim == 0 else value.sum(tuple(range(-dim, 0)))


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log odds (``is_binary``), or of logarithms that need not be normalised."""
    return torch.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """``probs``, no nearer to 0 and 1 than the resolution of its type."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The log odds of probabilities (``is_binary``), or their logarithms; both finite at 0 and 1."""
    inside = clamp_probs(probs)
    return torch.log(inside) - torch.log1p(-inside) if is_binary else torch.log(inside)


if TYPE_CHECKING:
    from functools import cached_property as lazy_property
else:

    class lazy_property:
        """A property that is computed at its first use and then kept.

        A value that exists only while a program is compiled is not kept: the object outlives the program's trace.

        Args:
            wrapped: the method that computes it.
        """

        def __init__(self, wrapped: Callable[[Any], Tensor]) -> None:
            self.wrapped = wrapped
            functools.update_wrapper(self, wrapped)

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return self
            with enable_grad():
                value = self.wrapped(instance)
            if not is_traced(value):
                instance.__dict__[self.wrapped.__name__] = value
            return value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries of the lower triangle (up to diagonal ``diag``) of ``(..., n, n)``, row by row.

    >>> import fxtorch as torch
    >>> tril_matrix_to_vec(torch.tensor([[1, 0], [2, 3]]))
    tensor([1, 2, 3])

    Raises:
        ValueError: ``diag`` lies outside of the matrix.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    row, column = np.tril_indices(n, diag)
    return mat[..., row, column]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The matrix whose lower triangle :func:`tril_matrix_to_vec` would flatten to ``vec``; 0 elsewhere.

    Raises:
        ValueError: no triangle has so many entries.
    """
    count = vec.shape[-1]
    # the positive root of n (n + 1) / 2 + diag n = count + diag (diag + 1) / 2
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if abs(n - round(n)) > finfo(vec.dtype).eps:
        raise ValueError(f"The size of last dimension is {count} which cannot be expressed as the lower triangular part"
                         " of a square D x D matrix.")  # fmt: skip
    size = round(n)
    row, column = np.tril_indices(size, diag)
    place = np.zeros((size, size), np.int64)
    place[row, column] = np.arange(count)
    inside = np.zeros((size, size), bool)
    inside[row, column] = True
    spread = vec[..., tensor(place)]
    return torch.where(tensor(inside), spread, torch.zeros_like(spread))
