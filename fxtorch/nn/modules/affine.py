"""The learned factor and summand of normalising layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter


class Affine(Module):
    """A layer that may have a ``weight``, which starts at 1, and a ``bias``, which starts at 0."""

    weight: Any
    bias: Any

    def _learn(self, shape: int | Sequence[int], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        """Register both parameters, None for what is not wanted; without a weight there is no bias."""
        for name, learned in {"weight": weight, "bias": weight and bias}.items():
            made = Parameter(torch.empty(shape, device=device, dtype=dtype)) if learned else None
            self.register_parameter(name, made)

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
