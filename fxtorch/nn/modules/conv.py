"""Convolution layers and their transposes, in one to three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.lazy import LazyModuleMixin
from fxtorch.nn.modules.module import Module
from fxtorch.nn.modules.utils import ntuple, per_side
from fxtorch.nn.parameter import Parameter, UninitializedParameter
from fxtorch.tensor import Tensor

Size = int | Sequence[int]


class _ConvNd(Module):
    """What all convolutions share: configuration, parameters and their initialisation."""

    n: ClassVar[int]
    transposed: ClassVar[bool] = False
    _also_written: ClassVar[tuple[str, ...]] = ("transposed", "_reversed_padding_repeated_twice")
    padding_modes: ClassVar[tuple[str, ...]] = ("zeros", "reflect", "replicate", "circular")
    weight: Any
    bias: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        output_padding: Size = 0,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = ntuple(kernel_size, self.n)
        self.stride = ntuple(stride, self.n)
        self.padding = padding if isinstance(padding, str) else ntuple(padding, self.n)
        self.dilation = ntuple(dilation, self.n)
        self.output_padding = ntuple(output_padding, self.n)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check_padding()
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _check_padding(self) -> None:
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}")
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in self.padding_modes:
            allowed = ", ".join(repr(mode) for mode in self.padding_modes)
            raise ValueError(f"padding_mode must be one of {{{allowed}}}, but got padding_mode='{self.padding_mode}'")

    @property
    def _reversed_padding_repeated_twice(self) -> tuple[int, ...]:
        """The padding as ``F.pad`` wants it."""
        if not isinstance(self.padding, str):
            return per_side(self.padding)
        sides: list[int] = []
        for d, k in zip(reversed(self.dilation), reversed(self.kernel_size), strict=True):
            total = d * (k - 1) if self.padding == "same" else 0
            sides += [total // 2, total - total // 2]
        return tuple(sides)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, from U(-k, k) with k = 1 / sqrt(weight.shape[1] * prod(kernel_size))."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def extra_repr(self) -> str:
        zeros, ones = (0,) * self.n, (1,) * self.n
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != zeros:
            parts.append(f"padding={self.padding}")
        if self.dilation != ones:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != zeros:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Conv(_ConvNd):
    """A convolution in ``n`` dimensions."""

    convolve: ClassVar[Callable[..., Tensor]]

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self.n
        return type(self).convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of ``input``, with or without a batch dimension."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """out[n, o] = bias[o] + sum over i of weight[o, i] * input[n, i], where * is the valid cross-correlation.

    Shapes: input (N, in_channels, L) or (in_channels, L), output (N, out_channels, L') with
    L' = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1; ``weight`` (out_channels,
    in_channels / groups, kernel_size).  Parameters start from U(-k, k), k = sqrt(groups / (in_channels kernel_size)).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: the width of the filters.
        stride: the step between two outputs.
        padding: what is added on both sides, or ``"same"`` or ``"valid"``.
        dilation: the step between two taps of a filter.
        groups: how many separate convolutions the channels are split into.
        bias: whether a bias is added and learned.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: where the parameters live.
        dtype: their type.

    Raises:
        ValueError: ``groups`` does not divide the channels, or the padding is unknown.

    >>> import fxtorch as torch
    >>> torch.nn.Conv1d(16, 33, 3, stride=2)(torch.randn(20, 16, 50)).shape
    torch.Size([20, 33, 24])
    """

    n = 1
    convolve = F.conv1d


class Conv2d(_Conv):
    """The convolution of :class:`Conv1d` over images.

    Shapes: input (N, in_channels, H, W) or (in_channels, H, W), output (N, out_channels, H', W'); sizes may be a
    number or a pair.  Arguments, initialisation and errors as for :class:`Conv1d`.

    >>> import fxtorch as torch
    >>> torch.nn.Conv2d(3, 8, (3, 5), padding=(1, 2))(torch.randn(2, 3, 10, 12)).shape
    torch.Size([2, 8, 10, 12])
    """

    n = 2
    convolve = F.conv2d


class Conv3d(_Conv):
    """The convolution of :class:`Conv1d` over volumes.

    Shapes: input (N, in_channels, D, H, W) or without N, output (N, out_channels, D', H', W'); sizes may be a number
    or three.  Arguments, initialisation and errors as for :class:`Conv1d`.
    """

    n = 3
    convolve = F.conv3d


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution in ``n`` dimensions."""

    transposed = True
    convolve: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
            output_padding,
        )

    def _check_padding(self) -> None:
        if self.padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """What to add on one side so that the output has ``output_size``."""
        if output_size is None:
            return self.output_padding
        n, others = self.n, input.ndim - self.n
        if len(output_size) == n + others:
            output_size = output_size[others:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.ndim}D input, output_size must have {n} or {n + others} elements "
                f"(got {len(output_size)})"
            )
        geometry = zip(input.shape[others:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        low = [(size - 1) * s - 2 * p + d * (k - 1) + 1 for size, s, p, d, k in geometry]
        high = [least + s - 1 for least, s in zip(low, self.stride, strict=True)]
        if any(not least <= size <= most for least, size, most in zip(low, output_size, high, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {low} to {high} "
                f"(for an input of {input.shape[2:]})"
            )
        return tuple(size - least for size, least in zip(output_size, low, strict=True))

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution of ``input``.

        Args:
            input: with or without a batch dimension.
            output_size: which of the sizes that the stride makes possible.

        Raises:
            ValueError: ``output_size`` is not possible.
        """
        output_padding = self._output_padding(input, output_size)
        return type(self).convolve(
            input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups, self.dilation
        )


class ConvTranspose1d(_ConvTransposeNd):
    """The gradient of :class:`Conv1d` with respect to its input, as a layer.

    Shapes: input (N, in_channels, L) or (in_channels, L), output (N, out_channels, L') with
    L' = (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1; ``weight`` (in_channels,
    out_channels / groups, kernel_size).  Parameters start from U(-k, k), k = sqrt(groups / (out_channels kernel_size)).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: the width of the filters.
        stride: the step between the outputs of two neighbouring inputs.
        padding: what is cut off on both sides.
        output_padding: what is added on one side.
        groups: how many separate convolutions the channels are split into.
        bias: whether a bias is added and learned.
        dilation: the step between two taps of a filter.
        padding_mode: ``"zeros"`` only.
        device: where the parameters live.
        dtype: their type.
    """

    n = 1
    convolve = F.conv_transpose1d


class ConvTranspose2d(_ConvTransposeNd):
    """The transposed convolution of :class:`ConvTranspose1d` over images.

    Shapes: input (N, in_channels, H, W) or without N; sizes may be a number or a pair.

    >>> import fxtorch as torch
    >>> up = torch.nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1)
    >>> up(torch.randn(1, 16, 6, 6), output_size=(12, 12)).shape
    torch.Size([1, 8, 12, 12])
    """

    n = 2
    convolve = F.conv_transpose2d


class ConvTranspose3d(_ConvTransposeNd):
    """The transposed convolution of :class:`ConvTranspose1d` over volumes.

    Shapes: input (N, in_channels, D, H, W) or without N; sizes may be a number or three.
    """

    n = 3
    convolve = F.conv_transpose3d


class _LazyConvNd(LazyModuleMixin):
    """Learns ``in_channels`` from the first input."""

    def __init__(self: Any, out_channels: int, *args: Any, bias: bool = True, **kwargs: Any) -> None:
        super().__init__(0, 0, *args, bias=False, **kwargs)
        self.out_channels = out_channels
        where: dict[str, Any] = {"device": kwargs.get("device"), "dtype": kwargs.get("dtype")}
        self.weight = UninitializedParameter(**where)
        if bias:
            self.bias = UninitializedParameter(**where)

    def reset_parameters(self: Any) -> None:
        """Draw the parameters anew, once they have shapes."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self: Any, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Give the parameters the shapes that ``input`` asks for."""
        if input.ndim not in (self.n + 1, self.n + 2):
            raise RuntimeError(
                f"Expected {self.n + 1}D (unbatched) or {self.n + 2}D (batched) input to {type(self).__name__}, but "
                f"got input of size: {input.shape}"
            )
        self.in_channels = input.shape[-self.n - 1]
        if not self.has_uninitialized_params():  # loaded before the first call
            return
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        channels = (self.in_channels, self.out_channels)
        first, second = channels if self.transposed else channels[::-1]
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class LazyConv1d(_LazyConvNd, Conv1d):
    """A :class:`Conv1d` without ``in_channels``, which it learns from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvNd, Conv2d):
    """A :class:`Conv2d` without ``in_channels``, which it learns from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConvNd, Conv3d):
    """A :class:`Conv3d` without ``in_channels``, which it learns from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvNd, ConvTranspose1d):
    """A :class:`ConvTranspose1d` without ``in_channels``, which it learns from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvNd, ConvTranspose2d):
    """A :class:`ConvTranspose2d` without ``in_channels``, which it learns from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvNd, ConvTranspose3d):
    """A :class:`ConvTranspose3d` without ``in_channels``, which it learns from its first input."""

    cls_to_become = ConvTranspose3d
