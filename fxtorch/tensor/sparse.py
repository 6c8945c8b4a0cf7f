"""Sparse Tensors: what such a Tensor holds instead of an array, and how gradients pass through it.

A Tensor whose ``_data`` is a :class:`Stored` is sparse; it is of the same class, on the same tape.  :class:`Values`
turns it into the dense Tensor of its stored elements, :class:`Pack` back, and everything between is ordinary operators
on those.  The gradient of a sparse Tensor is sparse, at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fxtorch.ops import dtypes
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tape import Node
from fxtorch.tensor.tensor import Tensor, unwrap, wrap


@dataclass(frozen=True, eq=False)
class Stored:
    """The elements of a sparse Tensor, and where they stand.

    Attributes:
        values: ``(nnz, *dense sizes)``; for a batch of compressed matrices ``(*batch, nnz)``.
        indices: for ``"coo"`` one array, ``(sparse dimensions, nnz)``; for ``"csr"`` (``"csc"``) where each row
            (column) begins, ``(*batch, rows + 1)``, and the column (row) of each element, ``(*batch, nnz)``.
        shape: the size of each dimension.
        layout: ``"coo"``, ``"csr"`` or ``"csc"``.
        coalesced: whether the places are in order and each occurs once.
    """

    values: Any
    indices: tuple[Any, ...]
    shape: tuple[int, ...]
    layout: str = "coo"
    coalesced: bool = False

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements, zeros included."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def aval(self) -> Any:
        """What a compiled program depends on: the shapes and types of its parts."""
        parts = tuple(jax.typeof(x) for x in (self.values, *self.indices))
        return (self.layout, self.shape, self.coalesced, parts)

    @property
    def weak_type(self) -> bool:
        """False: the type is what it says."""
        return False

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def devices(self) -> Any:
        """Where the values are."""
        return self.values.devices()

    def with_values(self, values: Any, **changes: Any) -> Stored:
        """The same places with other values."""
        return replace(self, values=values, **changes)

    def places(self) -> tuple[Any, ...]:
        """The coordinates of each element, an array for each sparse dimension, to index a dense array with."""
        if self.layout == "coo":
            return tuple(self.indices[0])
        compressed, plain = self.indices
        nnz = plain.shape[-1]

        def expand(begins: Any) -> Any:
            return jnp.searchsorted(begins, jnp.arange(nnz, dtype=begins.dtype), side="right").astype(begins.dtype) - 1

        for _ in range(plain.ndim - 1):
            expand = jax.vmap(expand)
        batch = np.ix_(*(np.arange(n) for n in plain.shape[:-1]), np.zeros(1, np.int64))[:-1]
        rows = (expand(compressed), plain)
        return (*(jnp.asarray(b) for b in batch), *(rows if self.layout == "csr" else rows[::-1]))

    def dense(self) -> Any:
        """The dense array; elements at the same place are added up."""
        return _dense(self)

    def taken_from(self, dense: Any) -> Any:
        """The values of a dense array at these places."""
        return dense[self.places()]


jax.tree_util.register_dataclass(Stored, ["values", "indices"], ["shape", "layout", "coalesced"])


@jax.jit
def _dense(stored: Stored) -> Any:
    zeros = jnp.zeros(stored.shape, stored.values.dtype)
    if stored.values.dtype == jnp.bool_:
        return zeros.at[stored.places()].max(stored.values)
    return zeros.at[stored.places()].add(stored.values)


def is_sparse(tensor: Any) -> bool:
    """Whether ``tensor`` is a Tensor of a sparse layout."""
    return isinstance(tensor, Tensor) and isinstance(tensor._data, Stored)


def add(a: Any, b: Any) -> Any:
    """The sum of two cotangents of which one at least is sparse; sparse if both are."""
    if not isinstance(a, Stored):
        return a + b.dense()
    if not isinstance(b, Stored):
        return a.dense() + b
    if all(x is y for x, y in zip(a.indices, b.indices, strict=True)):
        return a.with_values(a.values + b.values)
    if a.layout != "coo":
        return from_dense(a.dense() + b.dense(), a)
    indices = jnp.concatenate([a.indices[0], b.indices[0]], axis=1)
    return Stored(jnp.concatenate([a.values, b.values]), (indices,), a.shape)


def from_dense(dense: Any, pattern: Stored) -> Stored:
    """``dense`` at the places of ``pattern``."""
    return pattern.with_values(pattern.taken_from(dense))


class Values(Node):
    """From a sparse Tensor to its stored elements."""

    __slots__ = ("pattern",)

    def __init__(self, tensor: Tensor) -> None:
        super().__init__("values", [tensor if tensor._node is None else tensor._node], [tensor._index])
        self.pattern: Stored = tensor._data

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """The cotangents at the places of the elements."""
        return (self.pattern.with_values(dtypes.cast(cts[0], self.pattern.dtype)),)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The same, recorded."""
        return tuple(None if ct is None else pack(ct, self.pattern) for ct in cts)


class Pack(Node):
    """From stored elements to a sparse Tensor."""

    __slots__ = ("pattern",)

    def __init__(self, values: Tensor, pattern: Stored) -> None:
        super().__init__("sparse_coo_tensor", [values if values._node is None else values._node], [values._index])
        self.pattern = pattern

    def _same_places(self, ct: Any) -> bool:
        return isinstance(ct, Stored) and all(a is b for a, b in zip(ct.indices, self.pattern.indices, strict=True))

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """The cotangent at the places of the elements."""
        ct = cts[0]
        if self._same_places(ct):
            return (ct.values,)
        return (self.pattern.taken_from(ct.dense() if isinstance(ct, Stored) else ct),)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The same, recorded."""
        (ct,) = cts
        if ct is None or self._same_places(ct._data):
            return (None if ct is None else values_of(ct),)
        return ((ct.to_dense() if is_sparse(ct) else ct)[tuple(wrap(p) for p in self.pattern.places())],)


def values_of(tensor: Tensor) -> Tensor:
    """The stored elements of a sparse Tensor, on the tape."""
    values = wrap(unwrap(tensor).values)
    if modes.grad and tensor._rg:
        values._rg, values._node = True, Values(tensor)
    return values


def pack(values: Tensor, pattern: Stored, **changes: Any) -> Tensor:
    """The sparse Tensor with ``values`` at the places of ``pattern``, on the tape."""
    stored = pattern.with_values(unwrap(values), **changes)
    tensor = wrap(stored)
    if modes.grad and values._rg:
        tensor._rg, tensor._node = True, Pack(values, stored)
    return tensor


class SparseRows(Node):
    """Rows picked from a table, whose gradient is sparse: what each pick received, at the row it took.

    Args:
        table: the Tensor that rows are taken of.
        index: which, one dimension.
        skip: a row that gets no gradient.
    """

    __slots__ = ("index", "shape", "skip")

    def __init__(self, table: Tensor, index: Any, skip: int | None) -> None:
        super().__init__("embedding", [table if table._node is None else table._node], [table._index])
        self.index, self.skip, self.shape = index, skip, tuple(table.shape)

    def _rows(self, ct: Any) -> tuple[Any, Stored]:
        index, ct = self.index, ct.reshape(-1, *self.shape[1:])
        if self.skip is not None and isinstance(index, Tracer):  # how many there are is not known
            ct = jnp.where((index == self.skip).reshape(-1, *(1,) * (ct.ndim - 1)), 0, ct)
        elif self.skip is not None:
            kept = np.flatnonzero(np.asarray(index) != self.skip)
            index, ct = index[kept], ct[kept]
        return ct, Stored(ct, (index[None, :],), self.shape)

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """The sparse gradient of the table."""
        return (self._rows(cts[0])[1],)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The same; a second derivative through it is not recorded.

        Raises:
            RuntimeError: the cotangent is itself part of a graph.
        """
        (ct,) = cts
        if ct is not None and ct.requires_grad:
            raise RuntimeError("a sparse gradient cannot be differentiated again; use sparse=False")
        return (None if ct is None else wrap(self._rows(unwrap(ct))[1]),)


def rows_of(table: Tensor, index: Tensor, skip: int | None) -> Tensor:
    """``table[index]`` for a flat ``index``, whose gradient with respect to ``table`` is sparse."""
    picks = unwrap(index)
    rows = wrap(jnp.take(unwrap(table), picks, axis=0, mode="clip"))
    if modes.grad and table.requires_grad:
        rows._rg, rows._node = True, SparseRows(table, picks, skip)
    return rows
