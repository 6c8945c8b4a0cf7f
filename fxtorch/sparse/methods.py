"""The methods of Tensor that concern sparse layouts."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.sparse import construction, products
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.memory_format import sparse_csc, sparse_csr
from fxtorch.tensor.sparse import Stored, is_sparse, pack, values_of
from fxtorch.tensor.tensor import method


def _stored(self: Tensor, name: str, *layouts: str) -> Stored:
    data = unwrap(self)
    if not isinstance(data, Stored) or data.layout not in layouts:
        wanted = " or ".join(f"torch.sparse_{x}" for x in layouts)
        raise RuntimeError(f"{name} expected a Tensor of layout {wanted}, but got {self.layout}")
    return data


@method
def to_sparse(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The Tensor in a sparse layout; see :func:`fxtorch.sparse.construction.to_sparse`."""
    if args and not isinstance(args[0], int | None):
        return construction.to_sparse(self, layout=args[0], **kwargs)
    return construction.to_sparse(self, *args, **kwargs)


@method
def to_sparse_coo(self: Tensor) -> Tensor:
    """The Tensor in coordinate layout."""
    return construction.to_sparse(self)


@method
def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """A matrix in compressed rows."""
    return construction.to_sparse(self, layout=sparse_csr)


@method
def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """A matrix in compressed columns."""
    return construction.to_sparse(self, layout=sparse_csc)


@method
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The dense Tensor; elements at the same place are added up.

    Args:
        self: of any layout.
        dtype: the element type.
        masked_grad: accepted; the gradient of a sparse Tensor always has its places.
    """
    if is_sparse(self):
        stored: Stored = unwrap(self)
        places = tuple(wrap(p) for p in stored.places())
        values = values_of(self)
        dense = wrap(jnp.zeros(stored.shape, stored.dtype))
        self = dense.index_put(places, values, accumulate=True) if places else values.sum(0)
    return self if dtype is None else self.to(dtype)


@method
def coalesce(self: Tensor) -> Tensor:
    """The same Tensor with its places in order and each of them once."""
    _stored(self, "coalesce", "coo")
    return construction.coalesce(self)


@method
def is_coalesced(self: Tensor) -> bool:
    """Whether the places are known to be in order and unique."""
    return _stored(self, "is_coalesced", "coo").coalesced


@method
def _coalesced_(self: Tensor, coalesced: bool) -> Tensor:
    """Say whether the places are in order and unique."""
    stored = _stored(self, "_coalesced_", "coo")
    self._data = stored.with_values(stored.values, coalesced=coalesced)
    return self


@method
def indices(self: Tensor) -> Tensor:
    """The places of a coalesced COO Tensor, ``(sparse dimensions, nnz)``.

    Raises:
        RuntimeError: it is not coalesced.
    """
    return wrap(_coalesced(self, "indices").indices[0])


@method
def values(self: Tensor) -> Tensor:
    """The stored elements, on the tape; of a COO Tensor it must be coalesced.

    Raises:
        RuntimeError: it is not coalesced, or not sparse.
    """
    if _stored(self, "values", "coo", "csr", "csc").layout == "coo":
        _coalesced(self, "values")
    return values_of(self)


def _coalesced(self: Tensor, name: str) -> Stored:
    stored = _stored(self, name, "coo")
    if not stored.coalesced:
        raise RuntimeError(f"Cannot get {name} on an uncoalesced tensor, please call .coalesce() first")
    return stored


@method
def _indices(self: Tensor) -> Tensor:
    """The places of a COO Tensor as they are."""
    return wrap(_stored(self, "_indices", "coo").indices[0])


@method
def _values(self: Tensor) -> Tensor:
    """The stored elements as they are, outside of the graph."""
    return wrap(_stored(self, "_values", "coo").values)


@method
def _nnz(self: Tensor) -> int:
    """How many elements are stored."""
    stored = _stored(self, "_nnz", "coo", "csr", "csc")
    return stored.indices[-1].shape[-1]


@method
def crow_indices(self: Tensor) -> Tensor:
    """Where each row of a CSR Tensor begins."""
    return wrap(_stored(self, "crow_indices", "csr").indices[0])


@method
def col_indices(self: Tensor) -> Tensor:
    """The column of each element of a CSR Tensor."""
    return wrap(_stored(self, "col_indices", "csr").indices[1])


@method
def ccol_indices(self: Tensor) -> Tensor:
    """Where each column of a CSC Tensor begins."""
    return wrap(_stored(self, "ccol_indices", "csc").indices[0])


@method
def row_indices(self: Tensor) -> Tensor:
    """The row of each element of a CSC Tensor."""
    return wrap(_stored(self, "row_indices", "csc").indices[1])


@method
def sparse_dim(self: Tensor) -> int:
    """How many dimensions are sparse; 0 for a dense Tensor."""
    data = unwrap(self)
    if not isinstance(data, Stored):
        return 0
    return data.indices[0].shape[0] if data.layout == "coo" else 2


@method
def dense_dim(self: Tensor) -> int:
    """How many dimensions each stored element has; all for a dense Tensor."""
    data = unwrap(self)
    if not isinstance(data, Stored):
        return self.ndim
    return data.values.ndim - 1 if data.layout == "coo" else 0


@method
def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The elements of this Tensor at the places of the sparse ``mask``.

    Raises:
        RuntimeError: the sizes differ, or ``mask`` is not sparse.
    """
    pattern = _stored(mask, "sparse_mask", "coo", "csr", "csc")
    if self.shape != mask.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(self.shape)} but mask has size "
            f"{list(mask.shape)}"
        )
    places = tuple(wrap(p) for p in pattern.places())
    return pack(self.to_dense()[places], pattern)


@method
def sparse_resize_(self: Tensor, size: Any, sparse_dim: int, dense_dim: int) -> Tensor:
    """Change the size, in place; the elements stay, and must be inside of it."""
    stored = _stored(self, "sparse_resize_", "coo")
    if (sparse_dim, dense_dim) != (self.sparse_dim(), self.dense_dim()):
        raise RuntimeError("sparse_resize_: the number of sparse and dense dimensions cannot be changed here")
    shape = tuple(int(n) for n in size)
    if shape[sparse_dim:] != stored.shape[sparse_dim:] or any(n < m for n, m in zip(shape, stored.shape, strict=True)):
        raise RuntimeError("sparse_resize_: only sparse dimensions can grow while there are elements")
    self._rebind(stored.with_values(stored.values, shape=shape))
    return self


@method
def sparse_resize_and_clear_(self: Tensor, size: Any, sparse_dim: int, dense_dim: int) -> Tensor:
    """Become an empty COO Tensor of another size, in place."""
    shape = tuple(int(n) for n in size)
    stored = _stored(self, "sparse_resize_and_clear_", "coo")
    values = jnp.zeros((0, *shape[sparse_dim:]), stored.dtype)
    self._rebind(Stored(values, (jnp.zeros((sparse_dim, 0), np.int64),), shape, "coo", True))
    return self


method(products.smm)
method(products.sspaddmm)
