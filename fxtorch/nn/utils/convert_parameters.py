"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened and joined."""
    return torch.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Set the values of ``parameters`` from the vector that :func:`parameters_to_vector` makes.

    Raises:
        TypeError: ``vec`` is no Tensor.

    >>> import fxtorch as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> vector_to_parameters(torch.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.bias.item()
    3.0
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for p in parameters:
        size = p.numel()
        p.data = vec[start : start + size].view_as(p).data
        start += size
