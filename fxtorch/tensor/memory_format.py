"""Layouts and memory formats: accepted wherever torch takes them; XLA arranges memory on its own."""

from __future__ import annotations

from fxtorch.tensor.sparse import Stored
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
    """How elements are kept: all of them (``strided``), or those that are not zero."""


class memory_format(_Named):
    """The order of dimensions in memory."""


strided = layout("strided")
sparse_coo, sparse_csr, sparse_csc = layout("sparse_coo"), layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc = layout("sparse_bsr"), layout("sparse_bsc")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def _layout(self: Tensor) -> layout:
    """How its elements are kept."""
    return _LAYOUTS[self._data.layout] if isinstance(self._data, Stored) else strided


_LAYOUTS = {"coo": sparse_coo, "csr": sparse_csr, "csc": sparse_csc}
Tensor.layout = property(_layout)  # type: ignore[attr-defined]
Tensor.is_sparse = property(lambda self: self.layout == sparse_coo, doc="Whether the layout is COO.")  # type: ignore[attr-defined]
Tensor.is_sparse_csr = property(lambda self: self.layout == sparse_csr, doc="Whether the layout is CSR.")  # type: ignore[attr-defined]
