"""functorch, the older home of torch.func, with the functions that torch.func has no more."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)
from fxtorch.nn import Module
from fxtorch.tensor import Tensor

__all__ = [
    "combine_state_for_ensemble",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "make_functional",
    "make_functional_with_buffers",
    "vjp",
    "vmap",
]


def make_functional_with_buffers(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[Callable[..., Any], tuple[Tensor, ...], tuple[Tensor, ...]]:
    """``(func, params, buffers)``: ``func(params, buffers, *args)`` is ``model(*args)`` with those values.

    Args:
        model: is copied, and stays as it is.
        disable_autograd_tracking: whether ``params`` require no gradient.
    """
    twin = copy.deepcopy(model)
    names, others = [n for n, _ in twin.named_parameters()], [n for n, _ in twin.named_buffers()]

    def func(params: Sequence[Tensor], buffers: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        values = dict(zip(names, params, strict=True)) | dict(zip(others, buffers, strict=True))
        return functional_call(twin, values, args, kwargs)

    params = tuple(p.detach() if disable_autograd_tracking else p for p in model.parameters())
    return func, params, tuple(model.buffers())


def make_functional(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[Callable[..., Any], tuple[Tensor, ...]]:
    """``(func, params)``: ``func(params, *args)`` is ``model(*args)`` with those parameters.

    Raises:
        RuntimeError: the model has buffers.
    """
    func, params, buffers = make_functional_with_buffers(model, disable_autograd_tracking)
    if buffers:
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use make_functional_with_buffers(model) instead."
        )
    return lambda params, *args, **kwargs: func(params, (), *args, **kwargs), params


def combine_state_for_ensemble(
    models: Sequence[Module],
) -> tuple[Callable[..., Any], tuple[Tensor, ...], tuple[Tensor, ...]]:
    """:func:`make_functional_with_buffers` of models of one kind, their states stacked for ``vmap``."""
    params, buffers = stack_module_state(list(models))
    return make_functional_with_buffers(models[0])[0], tuple(params.values()), tuple(buffers.values())
