"""torch.nn.quantized: the sums and products of quantisable models, in floating point; layers only by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn._torch import torch
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor


class FloatFunctional(Module):
    """Functions as a Module, so that a quantised model could put an observer behind them; here they are themselves."""

    def forward(self, x: Tensor) -> Tensor:
        """Refuse: its methods are what is called.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("FloatFunctional is not intended to use the 'forward'. Please use the underlying operation")

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """``x + y``."""
        return x + y

    add_scalar = add

    def mul(self, x: Tensor, y: Tensor) -> Tensor:
        """``x * y``."""
        return x * y

    mul_scalar = mul

    def cat(self, x: Sequence[Tensor], dim: int = 0) -> Tensor:
        """The Tensors of ``x``, one after the other."""
        return torch.cat(list(x), dim=dim)

    def add_relu(self, x: Tensor, y: Tensor) -> Tensor:
        """``relu(x + y)``."""
        return (x + y).relu()

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """``x @ y``."""
        return x @ y


QFunctional = FXFloatFunctional = FloatFunctional


class _Quantised(Module):
    """A layer of 8-bit integers: programs import these, and ask whether a Module is one; there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Refuse.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            f"torch.nn.quantized.{type(self).__name__}: fxtorch does not quantise: Tensors of 8-bit integers with a "
            "scale are not there"
        )


_NAMES = (
    "BatchNorm2d BatchNorm3d Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d DeQuantize Dropout "
    "ELU Embedding EmbeddingBag GroupNorm Hardswish InstanceNorm1d InstanceNorm2d InstanceNorm3d LSTM LayerNorm "
    "LeakyReLU Linear MultiheadAttention PReLU Quantize ReLU6 Sigmoid Softmax"
)
globals().update({name: type(name, (_Quantised,), {"__module__": __name__}) for name in _NAMES.split()})
