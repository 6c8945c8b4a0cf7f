"""Lookup tables."""

from __future__ import annotations

from typing import Any, Self

from fxtorch.autograd import no_grad
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor


class Embedding(Module):
    """y = weight[x]: a vector for each index.

    Shapes: input of any shape (*), integers; output (*, embedding_dim); ``weight`` (num_embeddings, embedding_dim)
    starts from N(0, 1).

    Args:
        num_embeddings: how many vectors there are.
        embedding_dim: their size.
        padding_idx: an index whose vector starts at 0 and gets no gradient.
        max_norm: vectors that are looked up are first scaled down to this norm, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: whether gradients are divided by how often an index occurs in the batch.
        sparse: whether the gradient of the table is a sparse Tensor, for SparseAdam, SGD or Adagrad.
        _weight: the table itself.
        _freeze: whether it is not trained.
        device: where it lives.
        dtype: its type.

    Raises:
        AssertionError: ``padding_idx`` is out of range, or ``_weight`` has another shape.

    >>> import fxtorch as torch
    >>> torch.nn.Embedding(10, 3)(torch.tensor([[1, 2], [4, 9]])).shape
    torch.Size([2, 2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _padding(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self.weight = _table(num_embeddings, embedding_dim, _weight, not _freeze, device, dtype)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    def _fill_padding_idx_with_zero(self) -> None:
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Tensor) -> Tensor:
        """The vectors of the indices ``input``."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:  # noqa: D102
        return _describe(self, [("padding_idx", None), *_SETTINGS])

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer on a given table (rows are vectors), not trained unless ``freeze`` is False."""
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        return cls(
            embeddings.shape[0],
            embeddings.shape[1],
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
            _weight=embeddings,
            _freeze=freeze,
        )


class EmbeddingBag(Module):
    """The sum, mean or maximum of the vectors of a bag of indices.

    Shapes: input (B, N), a bag a row, or (N,) with ``offsets`` (B,) where bags begin; output (B, embedding_dim).

    Args:
        num_embeddings: how many vectors there are.
        embedding_dim: their size.
        max_norm: vectors that are looked up are first scaled down to this norm, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: whether gradients are divided by how often an index occurs in the batch.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: whether the gradient of the table is a sparse Tensor; not in mode ``"max"``.
        _weight: the table itself.
        include_last_offset: whether ``offsets`` ends with N.
        padding_idx: an index that counts for nothing.
        device: where the table lives.
        dtype: its type.

    Raises:
        AssertionError: ``padding_idx`` is out of range, or ``_weight`` has another shape.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.padding_idx = _padding(padding_idx, num_embeddings)
        self.weight = _table(num_embeddings, embedding_dim, _weight, True, device, dtype)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew, from N(0, 1)."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """One vector for each bag; ``per_sample_weights`` (as ``input``) weighs them in mode ``"sum"``."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:  # noqa: D102
        text = f"{_describe(self, _SETTINGS)}, mode={self.mode!r}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **config: Any) -> Self:
        """A layer on a given table (rows are vectors), not trained unless ``freeze`` is False."""
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        layer = cls(embeddings.shape[0], embeddings.shape[1], _weight=embeddings, **config)
        layer.weight.requires_grad = not freeze
        return layer


def _padding(index: int | None, count: int) -> int | None:
    """``index`` counted from the front."""
    if index is None:
        return None
    if not -count <= index < count:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return index % count


def _table(rows: int, columns: int, given: Tensor | None, trained: bool, device: Any, dtype: Any) -> Any:
    if given is None:
        return Parameter(torch.empty((rows, columns), device=device, dtype=dtype), requires_grad=trained)
    if tuple(given.shape) != (rows, columns):
        raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
    return Parameter(given, requires_grad=trained)


_SETTINGS: list[tuple[str, Any]] = [
    ("max_norm", None),
    ("norm_type", 2),
    ("scale_grad_by_freq", False),
    ("sparse", False),
]


def _describe(layer: Any, settings: list[tuple[str, Any]]) -> str:
    """The sizes, and those settings that differ from their defaults."""
    changed = [f"{name}={getattr(layer, name)}" for name, default in settings if getattr(layer, name) != default]
    return ", ".join([f"{layer.num_embeddings}, {layer.embedding_dim}", *changed])
