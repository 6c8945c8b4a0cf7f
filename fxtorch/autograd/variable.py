"""torch.autograd.Variable: what a Tensor with a graph was called in torch's early days."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import Tensor


class _VariableMeta(type):
    """Every Tensor is a Variable."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)

    def __call__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
        out = data.detach()
        return out.requires_grad_() if requires_grad else out


class Variable(metaclass=_VariableMeta):
    """``Variable(tensor, requires_grad=True)`` is a leaf that shares the Tensor's values.

    >>> x = torch.autograd.Variable(torch.ones(2), requires_grad=True)
    >>> isinstance(x, torch.autograd.Variable), x.requires_grad
    (True, True)
    """
