"""Activation functions as layers.  Attention is in ``attention.py``."""

from __future__ import annotations

from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn import init as initializers
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.attention import MultiheadAttention as MultiheadAttention  # torch's home for it
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor


class _InPlace(Module):
    """An activation whose only choice is whether it changes its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Threshold(Module):
    """x where x > threshold, else value.

    Args:
        threshold: the bound.
        value: what stands in for elements that do not exceed it.
        inplace: whether the input is changed.
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class ReLU(_InPlace):
    """max(0, x), with derivative 0 at 0.

    Args:
        inplace: whether the input is changed.

    >>> import fxtorch as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.relu(input, self.inplace)


class RReLU(Module):
    """x where x >= 0, else a x with a drawn from U(lower, upper) in training, (lower + upper) / 2 otherwise.

    Args:
        lower: the least slope.
        upper: the greatest.
        inplace: whether the input is changed.
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class Hardtanh(Module):
    """x clamped to [min_val, max_val].

    Args:
        min_val: the lower bound.
        max_val: the upper bound.
        inplace: whether the input is changed.

    Raises:
        AssertionError: the bounds are not in order.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if max_val <= min_val:
            raise AssertionError(f"max_val ({max_val}) must be greater than min_val ({min_val})")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """min(max(0, x), 6)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return torch.sigmoid(input)


class Hardsigmoid(_InPlace):
    """clamp(x / 6 + 1 / 2, 0, 1)."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return ""


class Tanh(Module):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return torch.tanh(input)


class SiLU(_InPlace):
    """x sigmoid(x)."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.silu(input, self.inplace)


class Mish(_InPlace):
    """x tanh(softplus(x)).  Source: Misra 2019."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.mish(input, self.inplace)


class Hardswish(_InPlace):
    """x clamp(x + 3, 0, 6) / 6.  Source: Howard et al. 2019."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return ""


class SELU(_InPlace):
    """1.0507 (max(0, x) + min(0, 1.6733 (exp(x) - 1))).  Source: Klambauer et al. 2017."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.selu(input, self.inplace)


class ELU(Module):
    """x where x > 0, else alpha (exp(x) - 1).  Source: Clevert et al. 2016.

    Args:
        alpha: the factor.
        inplace: whether the input is changed.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(ELU):
    """max(0, x) + min(0, alpha (exp(x / alpha) - 1)).  Source: Barron 2017."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.celu(input, self.alpha, self.inplace)


class GLU(Module):
    """a sigmoid(b), where a and b are the two halves of the input along ``dim``.

    Args:
        dim: the dimension to halve.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """The gated half."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:  # noqa: D102
        return f"dim={self.dim}"


class GELU(Module):
    """x Phi(x), with Phi the normal distribution function.  Source: Hendrycks and Gimpel 2016.

    Args:
        approximate: ``"none"``, or ``"tanh"`` for x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:  # noqa: D102
        return f"approximate={self.approximate!r}"


class Hardshrink(Module):
    """x where |x| > lambd, else 0.

    Args:
        lambd: the bound.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:  # noqa: D102
        return f"{self.lambd}"


class Softshrink(Hardshrink):
    """x - lambd where x > lambd, x + lambd where x < -lambd, else 0."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.softshrink(input, self.lambd)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope x.

    Args:
        negative_slope: the slope below 0.
        inplace: whether the input is changed.
    """

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:  # noqa: D102
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x)))."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.logsigmoid(input)


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    Args:
        beta: the sharpness.
        threshold: where the function is taken for linear.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:  # noqa: D102
        return f"beta={self.beta}, threshold={self.threshold}"


class PReLU(Module):
    """x where x >= 0, else a x, where a is learned.  Source: He et al. 2015.

    Args:
        num_parameters: one a for all, or one for each channel of (N, C, ...).
        init: where a starts.
        device: where it lives.
        dtype: its type.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set a to its start."""
        initializers.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:  # noqa: D102
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.tanhshrink(input)


class _AlongDim(Module):
    """A function of the vectors along one dimension."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(_AlongDim):
    """exp(-x_i) / sum_j exp(-x_j) along ``dim``."""

    def forward(self, input: Tensor) -> Tensor:
        """The probabilities."""
        return F.softmin(input, self.dim)


class Softmax(_AlongDim):
    """exp(x_i) / sum_j exp(x_j) along ``dim``.

    Args:
        dim: the dimension along which the result sums to 1.

    >>> import fxtorch as torch
    >>> torch.nn.Softmax(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The probabilities."""
        return F.softmax(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: the input has another number of dimensions.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The probabilities."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)


class LogSoftmax(_AlongDim):
    """x_i - log sum_j exp(x_j) along ``dim``."""

    def forward(self, input: Tensor) -> Tensor:
        """The logarithms of the probabilities."""
        return F.log_softmax(input, self.dim)
