"""What losses share: the reduction, torch's older spelling of it, and the warning about broadcast targets."""

from __future__ import annotations

import warnings

import jax.numpy as jnp
from jax import Array


def chosen_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """``reduction``, unless torch's older pair of flags is given, which warns.

    Raises:
        ValueError: it is not ``"none"``, ``"mean"`` or ``"sum"``.

    >>> chosen_reduction(None, None, "sum")
    'sum'
    """
    if size_average is not None or reduce is not None:
        if reduce is False:
            reduction = "none"
        else:
            reduction = "sum" if size_average is False else "mean"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=3,
        )
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(values: Array, reduction: str) -> Array:
    """``values``, their mean or their sum."""
    if reduction == "mean":
        return jnp.mean(values)
    return jnp.sum(values) if reduction == "sum" else values


def warn_broadcast(input: Array, target: Array) -> None:
    """torch's warning where a loss broadcasts its target, which is seldom meant."""
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
            f"(torch.Size({list(input.shape)})). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )


def at_least_zero(x: Array) -> Array:
    """``max(x, 0)`` with derivative 1 at 0, as torch's ``clamp_min`` has it."""
    return jnp.where(x < 0, 0, x)
