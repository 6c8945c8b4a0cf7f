"""Ensembles: the state of several Modules as one, with a dimension more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.tensor import Tensor, dispatch

_stack = dispatch.namespace("torch")["stack"]


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of ``models``, each stacked along a new first dimension.

    >>> import fxtorch as torch
    >>> models = [torch.nn.Linear(2, 1) for _ in range(3)]
    >>> params, buffers = torch.func.stack_module_state(models)
    >>> params["weight"].shape
    torch.Size([3, 1, 2])
    >>> def run(params, x):
    ...     return torch.func.functional_call(models[0], params, (x,))
    >>> torch.func.vmap(run, in_dims=(0, None))(params, torch.ones(2)).shape
    torch.Size([3, 1])

    Raises:
        RuntimeError: there is no model, or they differ in class or in training mode.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = {
        name: _leaf([dict(m.named_parameters())[name] for m in models]) for name, _ in models[0].named_parameters()
    }
    buffers = {name: _leaf([dict(m.named_buffers())[name] for m in models]) for name, _ in models[0].named_buffers()}
    return params, buffers


def _leaf(tensors: Sequence[Tensor]) -> Tensor:
    """The stack of ``tensors``, a leaf that requires a gradient where they do."""
    out = _stack([t.detach() for t in tensors])
    return out.requires_grad_(tensors[0].requires_grad) if tensors[0].requires_grad else out


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` itself: whatever it changes in place, the program made of it is free of mutation already."""
    return func


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Let every batch norm in ``root`` use the statistics of its batch only, in place; returns ``root``."""
    for module in root.modules():
        if getattr(module, "track_running_stats", False):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
