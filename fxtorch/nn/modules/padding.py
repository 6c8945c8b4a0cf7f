"""Padding layers: constant, reflected, replicated and circular, in one to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fxtorch.nn import functional as F
from fxtorch.nn.modules.module import Module
from fxtorch.nn.modules.utils import ntuple
from fxtorch.tensor import Tensor


class _PadNd(Module):
    """Pads the last ``n`` dimensions by ``mode``.

    Args:
        padding: for all sides, or (left, right, top, bottom, front, back) as far as there are dimensions.
    """

    n: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = ntuple(padding, 2 * self.n)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` padded."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    """Pads the last ``n`` dimensions with a value."""

    mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """``input`` padded."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    """Pads the last ``n`` dimensions with zeros."""

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(_ConstantPadNd):
    """Pads both ends of the last dimension with ``value``: (N, C, L) or (C, L).

    Args:
        padding: for both sides, or (left, right); negative numbers cut off.
        value: what is put there.

    >>> import fxtorch as torch
    >>> torch.nn.ConstantPad1d((1, 2), 9.0)(torch.zeros(1, 2))
    tensor([[9., 0., 0., 9., 9.]])
    """

    n = 1


class ConstantPad2d(_ConstantPadNd):
    """:class:`ConstantPad1d` on all sides of images; padding (left, right, top, bottom)."""

    n = 2


class ConstantPad3d(_ConstantPadNd):
    """:class:`ConstantPad1d` on all sides of volumes; padding (left, right, top, bottom, front, back)."""

    n = 3


class ZeroPad1d(_ZeroPadNd):
    """:class:`ConstantPad1d` with 0."""

    n = 1


class ZeroPad2d(_ZeroPadNd):
    """:class:`ConstantPad2d` with 0."""

    n = 2


class ZeroPad3d(_ZeroPadNd):
    """:class:`ConstantPad3d` with 0."""

    n = 3


class ReflectionPad1d(_PadNd):
    """Pads both ends of the last dimension with its mirror image, the edge itself not repeated.

    >>> import fxtorch as torch
    >>> torch.nn.ReflectionPad1d(2)(torch.arange(4.0).reshape(1, 1, 4))
    tensor([[[2., 1., 0., 1., 2., 3., 2., 1.]]])
    """

    n = 1
    mode = "reflect"


class ReflectionPad2d(_PadNd):
    """:class:`ReflectionPad1d` on all sides of images; padding (left, right, top, bottom)."""

    n = 2
    mode = "reflect"


class ReflectionPad3d(_PadNd):
    """:class:`ReflectionPad1d` on all sides of volumes; padding (left, right, top, bottom, front, back)."""

    n = 3
    mode = "reflect"


class ReplicationPad1d(_PadNd):
    """Pads both ends of the last dimension with the value at the edge."""

    n = 1
    mode = "replicate"


class ReplicationPad2d(_PadNd):
    """:class:`ReplicationPad1d` on all sides of images; padding (left, right, top, bottom)."""

    n = 2
    mode = "replicate"


class ReplicationPad3d(_PadNd):
    """:class:`ReplicationPad1d` on all sides of volumes; padding (left, right, top, bottom, front, back)."""

    n = 3
    mode = "replicate"


class _CircularPadNd(_PadNd):
    """Pads the last ``n`` dimensions as if each were a ring."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """``input`` padded.

        Raises:
            ValueError: it has neither a batch and a channel dimension, nor a channel dimension alone.
        """
        if input.ndim not in (self.n + 1, self.n + 2):
            raise ValueError(f"expected {self.n + 1}D or {self.n + 2}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Pads both ends of the last dimension as if it were a ring."""

    n = 1


class CircularPad2d(_CircularPadNd):
    """:class:`CircularPad1d` on all sides of images; padding (left, right, top, bottom)."""

    n = 2


class CircularPad3d(_CircularPadNd):
    """:class:`CircularPad1d` on all sides of volumes; padding (left, right, top, bottom, front, back)."""

    n = 3
