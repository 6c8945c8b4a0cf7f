"""Layer, group, RMS and local response normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.affine import Affine
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor


class LayerNorm(Affine):
    """y = (x - E[x]) / sqrt(Var[x] + eps) * weight + bias, the moments taken over the last dimensions.

    Shapes: input and output (..., *normalized_shape); ``weight`` (starts at 1) and ``bias`` (starts at 0) of
    ``normalized_shape``.

    Args:
        normalized_shape: the sizes of the dimensions to normalise over; a number is one dimension.
        eps: added to the (biased) variance.
        elementwise_affine: whether ``weight`` and ``bias`` are learned.
        bias: whether there is a ``bias`` beside ``weight``.
        device: where the parameters live.
        dtype: their type.

    >>> import fxtorch as torch
    >>> y = torch.nn.LayerNorm(8)(torch.randn(2, 5, 8))
    >>> bool((y.mean(-1).abs() < 1e-6).all())
    True
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._learn(shape, elementwise_affine, bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """``input`` (..., *normalized_shape), normalised."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:  # noqa: D102
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = x / sqrt(E[x^2] + eps) * weight, the mean taken over the last dimensions.

    Shapes: input and output (..., *normalized_shape); ``weight`` (starts at 1) of ``normalized_shape``.
    Source: Zhang and Sennrich 2019.

    Args:
        normalized_shape: the sizes of the dimensions to normalise over; a number is one dimension.
        eps: added to the mean square; by default the machine epsilon of the input's type.
        elementwise_affine: whether ``weight`` is learned.
        device: where the parameters live.
        dtype: their type.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        made = Parameter(torch.empty(shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` (..., *normalized_shape), normalised."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:  # noqa: D102
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Affine):
    """y = (x - E[x]) / sqrt(Var[x] + eps) * weight + bias, the moments taken over a group of channels of one sample.

    Shapes: input and output (N, C, ...); ``weight`` (starts at 1) and ``bias`` (starts at 0) of shape (C,).

    Args:
        num_groups: how many groups the channels are split into.
        num_channels: C.
        eps: added to the (biased) variance.
        affine: whether ``weight`` and ``bias`` are learned.
        device: where the parameters live.
        dtype: their type.
        bias: whether there is a ``bias`` beside ``weight``.

    Raises:
        ValueError: ``num_groups`` does not divide ``num_channels``.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._learn(num_channels, affine, bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """``input`` (N, C, ...), normalised."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:  # noqa: D102
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """y_c = x_c / (k + alpha / size * sum of x^2 over the ``size`` channels around c)^beta.

    Shapes: input and output (N, C, ...).  Source: Krizhevsky et al. 2012.

    Args:
        size: the number of neighbouring channels.
        alpha: the weight of their squares.
        beta: the exponent.
        k: the constant.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """``input`` (N, C, ...), normalised."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:  # noqa: D102
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """:class:`LocalResponseNorm` for images, under its older name.

    PyTorch's own keeps the first channel in all sums from the middle of the first window on; here the window moves.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)
