"""The gradients that go into a Function's backward, and those that come out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from fxtorch.autograd.context import FunctionCtx
from fxtorch.ops import dtypes as rules
from fxtorch.tensor import dtype as types
from fxtorch.tensor.tensor import Tensor, unwrap_aval, wrap


def aval_of(a: Any) -> Any:
    """Shape and type of a Tensor, None of anything else."""
    return unwrap_aval(a) if isinstance(a, Tensor) else None


def materialized(ctx: FunctionCtx, cts: Sequence[Tensor | None], outputs: Sequence[Any]) -> list[Tensor | None]:
    """The cotangents as the user's backward wants them: zeros where there is none, unless it said otherwise."""
    if not ctx._materialize:
        return list(cts)
    return [
        wrap(jnp.zeros(aval.shape, aval.dtype)) if ct is None and aval is not None else ct
        for ct, aval in zip(cts, outputs, strict=True)
    ]


def checked_gradients(name: str, grads: Any, inputs: Sequence[Any]) -> list[Tensor | None]:
    """What a backward returned, as one gradient of the right shape and type for each input of the forward.

    Raises:
        RuntimeError: there are too few or too many, one is not for a Tensor, or a shape does not fit.
        TypeError: one is not a Tensor.
    """
    found = list(grads) if isinstance(grads, tuple | list) else [grads]
    while len(found) > len(inputs) and found[-1] is None:
        found.pop()
    if len(found) != len(inputs):
        raise RuntimeError(
            f"function {name} returned an incorrect number of gradients (expected {len(inputs)}, got {len(found)})"
        )
    for i, (g, aval) in enumerate(zip(found, inputs, strict=True)):
        if g is None:
            continue
        if aval is None:
            raise RuntimeError(
                f"function {name} returned a gradient different from None at position {i + 1}, but the corresponding "
                "forward input was not a Variable"
            )
        if not isinstance(g, Tensor):
            raise TypeError(
                f"function {name} returned a {type(g).__name__} at position {i + 1}, expected a Tensor or None"
            )
        found[i] = _fitted(name, i, g, aval)
    return found


def _fitted(name: str, position: int, g: Tensor, aval: Any) -> Tensor | None:
    if not rules.is_inexact(aval.dtype):
        return None
    if g.shape != aval.shape:
        extra = len(g.shape) - len(aval.shape)
        fits = extra >= 0 and all(n in (1, m) for n, m in zip(aval.shape, g.shape[extra:], strict=True))
        if not fits:
            raise RuntimeError(
                f"Function {name} returned an invalid gradient at index {position} - got {list(g.shape)} but expected "
                f"shape compatible with {list(aval.shape)}"
            )
        g = g.sum(dim=tuple(range(extra))) if extra else g
        ones = tuple(i for i, (n, m) in enumerate(zip(aval.shape, g.shape, strict=True)) if n != m)
        g = g.sum(dim=ones, keepdim=True) if ones else g
    if rules.is_complex(g.dtype.np) and not rules.is_complex(aval.dtype):
        g = g.real
    return g if g.dtype.np == aval.dtype else g.to(types.of(aval.dtype))
