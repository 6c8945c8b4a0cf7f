"""The pieces of DataParallel that programs call themselves: a batch cut over devices, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> list[Any]:
    """``inputs``, nested as one likes, once for each device: Tensors in pieces along ``dim``, all else as it is.

    >>> import fxtorch as torch
    >>> [piece["x"].tolist() for piece in scatter({"x": torch.arange(3), "n": 1}, ["cpu", "cpu"])]
    [[0, 1], [2]]

    Returns:
        at most as many as there are devices: as many as the Tensors have pieces.
    """
    if isinstance(inputs, Tensor):
        return [piece.to(place) for piece, place in zip(inputs.chunk(len(target_gpus), dim), target_gpus, strict=False)]
    if isinstance(inputs, tuple) and hasattr(inputs, "_fields"):
        return [type(inputs)(*part) for part in zip(*(scatter(x, target_gpus, dim) for x in inputs), strict=False)]
    if isinstance(inputs, tuple | list) and inputs:
        return [type(inputs)(part) for part in zip(*(scatter(x, target_gpus, dim) for x in inputs), strict=False)]
    if isinstance(inputs, dict) and inputs:
        parts = zip(*(scatter(x, target_gpus, dim) for x in inputs.values()), strict=False)
        return [type(inputs)(zip(inputs, part, strict=True)) for part in parts]
    return [inputs for _ in target_gpus]


def scatter_kwargs(
    inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, target_gpus: Sequence[Any], dim: int = 0
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Positional and named arguments for each device; the shorter of the two is filled up with empty ones."""
    positional = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(positional), len(named))
    positional += [()] * (count - len(positional))
    named += [{}] * (count - len(named))
    return tuple(positional), tuple(named)


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The opposite of :func:`scatter`: the pieces of each Tensor put together on ``target_device``.

    >>> import fxtorch as torch
    >>> gather([torch.tensor([0, 1]), torch.tensor([2])], "cpu")
    tensor([0, 1, 2])

    Raises:
        ValueError: dictionaries have different keys.
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        pieces = [piece.to(target_device) for piece in outputs]
        return torch.cat([piece.view(1) if piece.ndim == 0 else piece for piece in pieces], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(set(out) != set(first) for out in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((key, gather([out[key] for out in outputs], target_device, dim)) for key in first)
    joined = [gather(parts, target_device, dim) for parts in zip(*outputs, strict=True)]
    return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)
