"""torch.nn.quantized: the sums and products of quantisable models, in floating point."""

from __future__ import annotations

from collections.abc import Sequence

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


QFunctional = FloatFunctional
