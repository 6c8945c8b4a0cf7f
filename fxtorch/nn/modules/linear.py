"""Linear layers."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.lazy import LazyModuleMixin
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter, UninitializedParameter
from fxtorch.tensor import Tensor


class Identity(Module):
    """y = x, whatever arguments it is made with.

    >>> import fxtorch as torch
    >>> torch.nn.Identity(54, unused=True)(torch.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """``input`` itself."""
        return input


class Linear(Module):
    """y = x W^T + b.

    Shapes: input (..., in_features), output (..., out_features); ``weight`` (out_features, in_features), ``bias``
    (out_features).  Both start from U(-k, k), k = 1 / sqrt(in_features).

    Args:
        in_features: the size of an input.
        out_features: the size of an output.
        bias: whether b is added and learned.
        device: where the parameters live.
        dtype: their type.

    >>> import fxtorch as torch
    >>> layer = torch.nn.Linear(20, 30)
    >>> layer(torch.randn(128, 20)).shape
    torch.Size([128, 30])
    """

    in_features: int
    out_features: int
    weight: Tensor

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """The layer applied to ``input`` (..., in_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:  # noqa: D102
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear under the name that torch gives the output projection of MultiheadAttention."""


class Bilinear(Module):
    """y = x1^T A x2 + b.

    Shapes: inputs (..., in1_features) and (..., in2_features), output (..., out_features); ``weight`` (out_features,
    in1_features, in2_features).  Parameters start from U(-k, k), k = 1 / sqrt(in1_features).

    Args:
        in1_features: the size of the first input.
        in2_features: the size of the second.
        out_features: the size of an output.
        bias: whether b is added and learned.
        device: where the parameters live.
        dtype: their type.

    Raises:
        ValueError: ``in1_features`` is not positive.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty((out_features, in1_features, in2_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """The layer applied to two inputs that agree in all dimensions but the last."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:  # noqa: D102
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear that learns ``in_features`` from its first input, and is a plain Linear from then on.

    Args:
        out_features: the size of an output.
        bias: whether b is added and learned.
        device: where the parameters live.
        dtype: their type.
    """

    cls_to_become = Linear
    weight: UninitializedParameter
    bias: UninitializedParameter | None

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they have shapes."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Give the parameters the shapes that ``input`` (..., in_features) asks for."""
        self.in_features = input.shape[-1]
        if self.has_uninitialized_params():
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
