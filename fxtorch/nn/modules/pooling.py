"""Pooling layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.nn.modules.utils import ntuple
from fxtorch.tensor import Tensor

Size = int | Sequence[int]


class _MaxPoolNd(Module):
    """Maximum pooling in ``n`` dimensions."""

    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are in the flattened input."""
        return type(self).pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The maximum over each window of (N, C, L) or (C, L).

    Output length: floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, or ceil with ``ceil_mode``.

    Args:
        kernel_size: the width of a window.
        stride: the step between two windows; by default its width.
        padding: how far windows reach over the edge, at most half their width.
        dilation: the step between two elements of a window.
        return_indices: whether the places of the maxima are returned too (for ``MaxUnpool``).
        ceil_mode: whether the last, incomplete window counts.

    >>> import fxtorch as torch
    >>> torch.nn.MaxPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[3., 5.]])
    """

    pool = F.max_pool1d


class MaxPool2d(_MaxPoolNd):
    """:class:`MaxPool1d` over images (N, C, H, W) or (C, H, W); sizes may be a number or a pair."""

    pool = F.max_pool2d


class MaxPool3d(_MaxPoolNd):
    """:class:`MaxPool1d` over volumes (N, C, D, H, W) or (C, D, H, W); sizes may be a number or three."""

    pool = F.max_pool3d


class _MaxUnpoolNd(Module):
    """The partial inverse of maximum pooling in ``n`` dimensions."""

    n: ClassVar[int]
    unpool: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size = ntuple(kernel_size, self.n)
        self.stride = ntuple(stride if stride is not None else kernel_size, self.n)
        self.padding = ntuple(padding, self.n)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The values of ``input`` put back where ``indices`` say, zeros elsewhere."""
        return type(self).unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Puts the maxima of a :class:`MaxPool1d` back where they were, zeros elsewhere.

    Args:
        kernel_size: the width of a window.
        stride: the step between two windows; by default its width.
        padding: the padding of the pooling.
    """

    n = 1
    unpool = F.max_unpool1d


class MaxUnpool2d(_MaxUnpoolNd):
    """:class:`MaxUnpool1d` for images."""

    n = 2
    unpool = F.max_unpool2d


class MaxUnpool3d(_MaxUnpoolNd):
    """:class:`MaxUnpool1d` for volumes."""

    n = 3
    unpool = F.max_unpool3d


class AvgPool1d(Module):
    """The mean over each window of (N, C, L) or (C, L).

    Args:
        kernel_size: the width of a window.
        stride: the step between two windows; by default its width.
        padding: zeros added on both sides.
        ceil_mode: whether the last, incomplete window counts.
        count_include_pad: whether the added zeros count in the mean.

    >>> import fxtorch as torch
    >>> torch.nn.AvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[2.0000, 3.5000]])
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = ntuple(kernel_size, 1)
        self.stride = ntuple(stride if stride is not None else kernel_size, 1)
        self.padding = ntuple(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:  # noqa: D102
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPoolNd(Module):
    """Mean pooling in two or three dimensions."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return type(self).pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPoolNd):
    """:class:`AvgPool1d` over images (N, C, H, W) or (C, H, W).

    Further argument: ``divisor_override``, what the sum is divided by instead of the window's size.
    """

    pool = F.avg_pool2d


class AvgPool3d(_AvgPoolNd):
    """:class:`AvgPool2d` over volumes (N, C, D, H, W) or (C, D, H, W)."""

    pool = F.avg_pool3d


class _FractionalMaxPoolNd(Module):
    """Maximum pooling over windows of randomly varying places."""

    n: ClassVar[int]

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = f"FractionalMaxPool{self.n}d"
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.kernel_size = ntuple(kernel_size, self.n)
        self.output_size = None if output_size is None else ntuple(output_size, self.n)
        self.output_ratio = None if output_ratio is None else ntuple(output_ratio, self.n)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are."""
        pool = F.fractional_max_pool2d if self.n == 2 else F.fractional_max_pool3d
        return pool(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maxima over windows whose places are random, so that the output may have any size.  Source: Graham 2014.

    Args:
        kernel_size: the size of a window.
        output_size: the size of the output.
        output_ratio: or, its size as a fraction of the input's.
        return_indices: whether the places of the maxima are returned too.
    """

    n = 2


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """:class:`FractionalMaxPool2d` for volumes."""

    n = 3


class _LPPoolNd(Module):
    """Power-mean pooling."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """The norms of the windows."""
        return type(self).pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window of (N, C, L).

    Args:
        norm_type: p.
        kernel_size: the width of a window.
        stride: the step between two windows; by default its width.
        ceil_mode: whether the last, incomplete window counts.
    """

    pool = F.lp_pool1d


class LPPool2d(_LPPoolNd):
    """:class:`LPPool1d` over images (N, C, H, W)."""

    pool = F.lp_pool2d


class LPPool3d(_LPPoolNd):
    """:class:`LPPool1d` over volumes (N, C, D, H, W)."""

    pool = F.lp_pool3d


class _AdaptiveAvgPoolNd(Module):
    """Mean pooling to a given size."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return type(self).pool(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means over ``output_size`` windows that cover (N, C, L): window i is [floor(i L / out), ceil((i + 1) L / out)).

    Args:
        output_size: the length of the output.

    >>> import fxtorch as torch
    >>> torch.nn.AdaptiveAvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 6.0]]))
    tensor([[2., 4.]])
    """

    pool = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """:class:`AdaptiveAvgPool1d` over images; a size of None leaves that dimension as it is."""

    pool = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """:class:`AdaptiveAvgPool1d` over volumes; a size of None leaves that dimension as it is."""

    pool = F.adaptive_avg_pool3d


class _AdaptiveMaxPoolNd(Module):
    """Maximum pooling to a given size."""

    pool: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are."""
        return type(self).pool(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima over the windows of :class:`AdaptiveAvgPool1d`.

    Args:
        output_size: the length of the output.
        return_indices: whether the places of the maxima are returned too.
    """

    pool = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """:class:`AdaptiveMaxPool1d` over images."""

    pool = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """:class:`AdaptiveMaxPool1d` over volumes."""

    pool = F.adaptive_max_pool3d
