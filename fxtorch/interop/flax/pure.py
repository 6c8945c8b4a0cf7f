"""An fxtorch Module as a pair of pure functions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from fxtorch import nn
from fxtorch.func import functional_call
from fxtorch.interop.flax._call import arrays, drawing_from, tensors
from fxtorch.tensor import unwrap, wrap

Collections = dict[str, dict[str, Any]]


def init_and_apply(module: nn.Module) -> tuple[Callable[..., Collections], Callable[..., Any]]:
    """``init`` and ``apply`` of a Module, in the manner of Flax.

    ``init(key=None)`` gives ``{"params": ..., "buffers": ...}``, arrays by their names in ``state_dict``: the Module's
    own, or with a random key new ones.  ``apply(variables, *args, key=None, train=False, mutable=False, **kwargs)``
    calls it on arrays; with ``mutable`` the result is ``(result, buffers)``.  Both can be transformed by JAX.

    >>> import jax, jax.numpy as jnp
    >>> import fxtorch as torch
    >>> init, apply = init_and_apply(torch.nn.Linear(3, 2))
    >>> variables = init(jax.random.key(0))
    >>> jax.jit(apply)(variables, jnp.ones((4, 3), dtype="float32")).shape
    (4, 2)
    """

    def init(key: Any = None) -> Collections:
        made = module
        if key is not None:
            made = copy.deepcopy(module)
            with drawing_from(key):
                for part in made.modules():
                    reset = getattr(part, "reset_parameters", None)
                    if callable(reset):
                        reset()
        return {
            "params": {name: unwrap(p) for name, p in made.named_parameters()},
            "buffers": {name: unwrap(b) for name, b in made.named_buffers()},
        }

    def apply(
        variables: Collections, *args: Any, key: Any = None, train: bool = False, mutable: bool = False, **kwargs: Any
    ) -> Any:
        # A copied buffer is a value of the trace that is going on: it may be written though it was made outside.
        given = {
            name: wrap(jnp.copy(value) if collection == "buffers" else value)
            for collection, part in variables.items()
            for name, value in part.items()
        }
        before = module.training
        module.train(train)
        try:
            with drawing_from(key):
                out = arrays(functional_call(module, given, tensors(args), tensors(kwargs)))
        finally:
            module.train(before)
        if not mutable:
            return out
        return out, {name: unwrap(given[name]) for name in variables.get("buffers", {})}

    return init, apply
