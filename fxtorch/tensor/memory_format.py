"""Layouts and memory formats: accepted wherever torch takes them; XLA arranges memory on its own."""

from __future__ import annotations

from fxtorch.tensor.tensor import Tensor


class _Named:
    """A constant that prints as torch's."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self._name,)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._name == other._name  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self._name)


class layout(_Named):
    """How elements lie in memory; all Tensors here are ``strided``."""


class memory_format(_Named):
    """The order of dimensions in memory."""


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

Tensor.layout = property(lambda self: strided, doc="``torch.strided``.")  # type: ignore[attr-defined]
