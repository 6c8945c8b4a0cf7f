"""Weight normalisation: a weight as magnitude times direction.  Source: Salimans and Kingma 2016."""

from __future__ import annotations

from typing import Any, TypeVar

from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor

M = TypeVar("M", bound=Module)


def _norm(v: Tensor, dim: int | None) -> Tensor:
    """The norm over all dimensions but ``dim``, kept broadcastable."""
    if dim is None:
        return v.norm()
    others = [d for d in range(v.ndim) if d != dim % v.ndim]
    return v.square().sum(others, keepdim=True).sqrt() if others else v.abs()


class WeightNorm:
    """The hook that computes the weight before each forward.

    Args:
        name: the parameter's name.
        dim: the dimension that keeps magnitudes of its own; None for a single one.
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = dim

    def compute_weight(self, module: Module) -> Tensor:
        """g v / ||v||."""
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / _norm(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        """Set the weight of ``module``."""
        setattr(module, self.name, self.compute_weight(module))


def _hook_of(module: Module, name: str) -> int | None:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            return key
    return None


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Replace parameter w by ``w_g`` (its norms) and ``w_v`` (its direction), w = g v / ||v||.

    Args:
        module: the layer.
        name: the parameter's name.
        dim: the dimension that keeps norms of its own; None for a single norm.

    Raises:
        RuntimeError: the parameter is normalised already.

    >>> import fxtorch as torch
    >>> layer = weight_norm(torch.nn.Linear(20, 40))
    >>> layer.weight_g.shape, layer.weight_v.shape
    (torch.Size([40, 1]), torch.Size([40, 20]))
    """
    if _hook_of(module, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    dim = None if dim == -1 else dim
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(_norm(weight, dim).detach()))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo :func:`weight_norm`: the weight is one parameter again.

    Raises:
        ValueError: the parameter is not normalised.
    """
    key = _hook_of(module, name)
    if key is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    hook: Any = module._forward_pre_hooks.pop(key)
    weight = hook.compute_weight(module)
    delattr(module, name)
    del module._parameters[name + "_g"], module._parameters[name + "_v"]
    setattr(module, name, Parameter(weight.detach()))
    return module
