"""Spectral normalisation by a hook, torch's older form.  Source: Miyato et al. 2018."""

from __future__ import annotations

from typing import Any, TypeVar

from fxtorch.autograd import no_grad
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor

M = TypeVar("M", bound=Module)


class SpectralNorm:
    """The hook that computes the weight before each forward.

    Args:
        name: the parameter's name.
        n_power_iterations: steps of power iteration before each forward while training.
        dim: which dimension is the outputs.
        eps: keeps norms away from 0.

    Raises:
        ValueError: the number of iterations is not positive.
    """

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight with the outputs as rows."""
        return weight.movedim(self.dim, 0).flatten(1)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight over its largest singular value."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = self.matrix(weight)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.t() @ u, dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix @ v, dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # the backward needs them as they are now
        return weight / torch.dot(u, matrix @ v)

    def __call__(self, module: Module, inputs: Any) -> None:
        """Set the weight of ``module``."""
        setattr(module, self.name, self.compute_weight(module, module.training))


def _hook_of(module: Module, name: str) -> int | None:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            return key
    return None


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its largest singular value; what is trained is ``weight_orig``.

    Args:
        module: the layer.
        name: the parameter's name.
        n_power_iterations: steps of power iteration before each forward while training.
        eps: keeps norms away from 0.
        dim: which dimension is the outputs; by default 0, and 1 for transposed convolutions.

    Raises:
        RuntimeError: the parameter is normalised already.
        ValueError: the number of iterations is not positive.

    >>> import fxtorch as torch
    >>> layer = spectral_norm(torch.nn.Linear(20, 40))
    >>> layer.weight_u.shape
    torch.Size([40])
    """
    if _hook_of(module, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if dim is None:
        dim = 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    matrix = hook.matrix(weight.detach())
    u, v = (F.normalize(matrix.new_empty(n).normal_(0, 1), dim=0, eps=eps) for n in matrix.shape)
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo :func:`spectral_norm`: the weight is one parameter again, as it is now.

    Raises:
        ValueError: the parameter is not normalised.
    """
    key = _hook_of(module, name)
    if key is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    hook: Any = module._forward_pre_hooks.pop(key)
    with no_grad():
        weight = hook.compute_weight(module, do_power_iteration=False)
    delattr(module, name)
    for part in ("u", "v", "orig"):
        delattr(module, f"{name}_{part}")
    module.register_parameter(name, Parameter(weight.detach()))
    return module
