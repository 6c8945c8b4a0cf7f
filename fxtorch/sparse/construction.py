"""Making sparse Tensors: from places and values, from dense Tensors, from one layout to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fxtorch.tensor import Tensor, modes, unwrap, wrap
from fxtorch.tensor import dtype as types
from fxtorch.tensor.construction import as_tensor
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.memory_format import sparse_coo, sparse_csc, sparse_csr, strided
from fxtorch.tensor.sparse import Stored, is_sparse, pack, values_of

_torch = namespace("torch")
LAYOUTS = {"coo": sparse_coo, "csr": sparse_csr, "csc": sparse_csc}


class check_sparse_tensor_invariants:
    """Whether constructors look at the places they are given; a context, a decorator, and a switch.

    They always do outside of compiled functions, where looking is cheap; the switch is kept for programs that set it.
    """

    _enabled = False

    def __init__(self, enable: bool = True) -> None:
        self.state = enable

    @staticmethod
    def is_enabled() -> bool:
        """Whether the switch is on."""
        return check_sparse_tensor_invariants._enabled

    @staticmethod
    def enable() -> None:
        """Switch on."""
        check_sparse_tensor_invariants._enabled = True

    @staticmethod
    def disable() -> None:
        """Switch off."""
        check_sparse_tensor_invariants._enabled = False

    def __enter__(self) -> None:
        self._before, check_sparse_tensor_invariants._enabled = self.is_enabled(), self.state

    def __exit__(self, *exc: object) -> None:
        check_sparse_tensor_invariants._enabled = self._before


def host(array: Any, what: str) -> np.ndarray:
    """``array`` as NumPy's, for what depends on its values.

    Raises:
        RuntimeError: it is traced.
    """
    if isinstance(array, Tracer):
        error = RuntimeError(f"{what} needs the places of the elements, which a compiled function does not know")
        raise error if modes.capture is None else modes.capture.needs_value(wrap(array), what) from error
    return np.asarray(array)


def _index(indices: Any) -> Any:
    index = unwrap(as_tensor(indices))
    if not jnp.issubdtype(index.dtype, jnp.integer):
        raise RuntimeError(f"indices must be an int64 tensor, but got {types.of(index.dtype)}")
    return index.astype(np.int64)


def _values(values: Any, dtype: Any, device: Any) -> Tensor:
    return as_tensor(values, dtype=dtype, device=device)


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A Tensor given by the coordinates of its elements; those at the same place count as their sum.

    Args:
        indices: ``(sparse dimensions, nnz)``, integers.
        values: ``(nnz, *dense sizes)``; left out together with ``indices`` for ``sparse_coo_tensor(size)``.
        size: the shape; the smallest that holds the indices if left out.
        dtype: the element type; that of ``values`` if left out.
        device: where.
        pin_memory: accepted.
        requires_grad: whether it is a leaf that wants a gradient.
        check_invariants: accepted; indices are always checked outside of compiled functions.
        is_coalesced: say that the indices are in order and unique.

    Raises:
        RuntimeError: an index is negative or outside of ``size``, or the shapes do not fit.

    >>> import fxtorch as torch
    >>> s = torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    >>> s.to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 5.]])
    """
    if values is None:  # sparse_coo_tensor(size)
        size, indices = tuple(indices), np.zeros((len(indices), 0), np.int64)
        values = _torch["zeros"]((0,), dtype=dtype)
    values = _values(values, dtype, device)
    index = _index(indices)
    if index.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(index.shape)}")
    if values.ndim < 1 or values.shape[0] != index.shape[1]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {index.shape[1]}, nnz from values: "
            f"{values.shape[0] if values.ndim else 0}"
        )
    dense = tuple(values.shape[1:])
    if size is None:
        top = host(index, "sparse_coo_tensor without size").max(axis=1, initial=-1) + 1
        size = (*(int(n) for n in top), *dense)
    shape = tuple(int(n) for n in size)
    if len(shape) != index.shape[0] + len(dense) or shape[index.shape[0] :] != dense:
        raise RuntimeError(
            f"number of dimensions must be sparse_dim ({index.shape[0]}) + dense_dim ({len(dense)}), and the dense "
            f"sizes {list(dense)}, but got size {list(shape)}"
        )
    if not isinstance(index, Tracer):
        _check_range(np.asarray(index), shape)
    return _made(values, Stored(unwrap(values), (index,), shape, "coo", bool(is_coalesced)), requires_grad)


def _check_range(index: np.ndarray, shape: tuple[int, ...]) -> None:
    for d, row in enumerate(index):
        if row.size and row.min() < 0:
            raise RuntimeError(f"found negative index {row.min()} for dim {d}")
        if row.size and row.max() >= shape[d]:
            raise RuntimeError(f"size is inconsistent with indices: for dim {d}, size is {shape[d]} but found index "
                               f"{row.max()}")  # fmt: skip


def _made(values: Tensor, pattern: Stored, requires_grad: bool) -> Tensor:
    if requires_grad:
        return pack(values.detach(), pattern).requires_grad_()
    return pack(values, pattern)


def _compressed(
    layout: str,
    begins: Any,
    plain: Any,
    values: Any,
    size: Sequence[int] | None,
    dtype: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    values, begins, plain = _values(values, dtype, device), _index(begins), _index(plain)
    name = "crow_indices" if layout == "csr" else "ccol_indices"
    lines = begins.shape[-1] - 1
    if size is None:
        other = int(host(plain, f"sparse_{layout}_tensor without size").max(initial=-1)) + 1
        size = (*plain.shape[:-1], *((lines, other) if layout == "csr" else (other, lines)))
    shape = tuple(int(n) for n in size)
    along, across = (shape[-2], shape[-1]) if layout == "csr" else (shape[-1], shape[-2])
    if lines != along:
        raise RuntimeError(f"{name}.shape[-1] must be equal to {along + 1}, but got {lines + 1}")
    if values.shape != plain.shape:
        raise RuntimeError(f"values and indices must have the same shape, got {values.shape} and {plain.shape}")
    if not isinstance(begins, Tracer) and not isinstance(plain, Tracer):
        starts, places = np.asarray(begins), np.asarray(plain)
        if (starts[..., 0] != 0).any() or (starts[..., -1] != plain.shape[-1]).any() or (np.diff(starts) < 0).any():
            raise RuntimeError(f"{name} must begin with 0, end with nnz ({plain.shape[-1]}), and never fall")
        if places.size and not 0 <= places.min() <= places.max() < across:
            raise RuntimeError(f"the plain indices of a {layout} tensor must lie in [0, {across})")
    return _made(values, Stored(unwrap(values), (begins, plain), shape, layout, True), requires_grad)


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A matrix, or a batch of them, given by where each row begins and by the column of each element.

    Args:
        crow_indices: ``(*batch, rows + 1)``.
        col_indices: ``(*batch, nnz)``.
        values: ``(*batch, nnz)``.
        size: the shape.
        dtype: the element type; that of ``values`` if left out.
        device: where.
        pin_memory: accepted.
        requires_grad: whether it is a leaf that wants a gradient.
        check_invariants: accepted; indices are always checked outside of compiled functions.

    Raises:
        RuntimeError: the parts do not fit together.

    >>> import fxtorch as torch
    >>> torch.sparse_csr_tensor([0, 1, 3], [1, 0, 1], [1.0, 2.0, 3.0]).to_dense()
    tensor([[0., 1.],
            [2., 3.]])
    """
    return _compressed("csr", crow_indices, col_indices, values, size, dtype, device, requires_grad)


def sparse_csc_tensor(
    ccol_indices: Any,
    row_indices: Any,
    values: Any,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """As :func:`sparse_csr_tensor`, by columns."""
    return _compressed("csc", ccol_indices, row_indices, values, size, dtype, device, requires_grad)


def sparse_compressed_tensor(
    compressed_indices: Any,
    plain_indices: Any,
    values: Any,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """:func:`sparse_csr_tensor` or :func:`sparse_csc_tensor`, by ``layout``.

    Raises:
        RuntimeError: the layout is missing, or not one of these two.
    """
    if layout not in (sparse_csr, sparse_csc):
        raise RuntimeError(f"layout must be torch.sparse_csr or torch.sparse_csc here, but got {layout}")
    name = "csr" if layout == sparse_csr else "csc"
    return _compressed(name, compressed_indices, plain_indices, values, size, dtype, device, requires_grad)


def coalesce(tensor: Tensor) -> Tensor:
    """The same Tensor with its places in order and each of them once."""
    stored: Stored = unwrap(tensor)
    if stored.coalesced:
        return tensor
    index = host(stored.indices[0], "coalesce()")
    sizes = stored.shape[: index.shape[0]]
    flat = np.ravel_multi_index(tuple(index), sizes) if sizes and index.shape[1] else np.zeros(index.shape[1], np.int64)
    unique, place = np.unique(flat, return_inverse=True)
    values = values_of(tensor)
    summed = _torch["zeros"]((len(unique), *values.shape[1:]), dtype=values.dtype)
    summed = summed.index_add(0, wrap(jnp.asarray(place.astype(np.int64))), values)
    places = np.stack(np.unravel_index(unique, sizes)) if sizes else np.zeros((0, len(unique)))
    new = Stored(None, (jnp.asarray(places.astype(np.int64)),), stored.shape, "coo", True)
    return pack(summed, new)


def to_sparse(
    self: Tensor,
    sparse_dim: int | None = None,
    *,
    layout: Any = None,
    blocksize: Any = None,
    dense_dim: int | None = None,
) -> Tensor:
    """The Tensor in a sparse layout, its zeros left out.

    Args:
        self: dense, or in another sparse layout.
        sparse_dim: how many leading dimensions are sparse (COO only); all if left out.
        layout: ``torch.sparse_coo`` (the default), ``torch.sparse_csr`` or ``torch.sparse_csc``.
        blocksize: blocked layouts are not there.
        dense_dim: only 0 for the compressed layouts.

    Raises:
        RuntimeError: the layout is not there, or does not fit the Tensor.
    """
    wanted = {v: k for k, v in LAYOUTS.items()}.get(sparse_coo if layout is None else layout)
    if layout == strided:
        return self.to_dense()
    if wanted is None or blocksize is not None:
        raise RuntimeError(f"to_sparse: {layout or 'blocked layouts'} cannot be had; COO, CSR and CSC can")
    if is_sparse(self):
        if self._data.layout == wanted:
            return self
        return _to_coo(self) if wanted == "coo" else _to_compressed(_to_coo(self), wanted)
    sparse = self.ndim if sparse_dim is None else sparse_dim
    if not 0 <= sparse <= self.ndim or (self.ndim and sparse == 0):
        raise RuntimeError(f"sparse_dim must be in [1, {self.ndim}], but got {sparse}")
    if wanted != "coo" and self.ndim != 2:
        raise RuntimeError(f"to_sparse: a {wanted} tensor is made of a matrix here, not of {self.ndim} dimensions")
    array = host(unwrap(self), "to_sparse()")
    full = array.reshape(*array.shape[:sparse], -1)
    index = np.stack(np.nonzero((full != 0).any(-1))) if sparse else np.zeros((0, 1))
    places = jnp.asarray(index.astype(np.int64))
    values = self[tuple(wrap(p) for p in places)] if sparse else self.reshape(1)
    coo = pack(values, Stored(None, (places,), tuple(self.shape), "coo", True))
    return coo if wanted == "coo" else _to_compressed(coo, wanted)


def _to_coo(tensor: Tensor) -> Tensor:
    stored: Stored = unwrap(tensor)
    if stored.layout == "coo":
        return tensor
    whole = (np.broadcast_to(np.asarray(p), stored.values.shape).ravel() for p in stored.places())
    index = jnp.asarray(np.stack(list(whole)).astype(np.int64))
    return coalesced_order(pack(values_of(tensor).reshape(-1), Stored(None, (index,), stored.shape)))


def coalesced_order(tensor: Tensor) -> Tensor:
    """A COO Tensor whose places are known to be different, in order."""
    stored: Stored = unwrap(tensor)
    index = host(stored.indices[0], "a change of layout")
    order = np.lexsort(tuple(index)[::-1])
    return pack(
        values_of(tensor)[wrap(jnp.asarray(order))],
        Stored(None, (jnp.asarray(index[:, order]),), stored.shape, "coo", True),
    )


def _to_compressed(tensor: Tensor, layout: str) -> Tensor:
    tensor = coalesce(tensor)
    stored: Stored = unwrap(tensor)
    index = host(stored.indices[0], "a change of layout")
    if index.shape[0] != 2 or stored.values.ndim != 1:
        raise RuntimeError(f"to_sparse: a {layout} tensor is made of a matrix here, not of size {list(stored.shape)}")
    lines, others = index if layout == "csr" else index[::-1]
    order = np.lexsort((others, lines))
    along = stored.shape[0 if layout == "csr" else 1]
    begins = np.concatenate([[0], np.cumsum(np.bincount(lines, minlength=along))]).astype(np.int64)
    parts = (jnp.asarray(begins), jnp.asarray(others[order]))
    values = values_of(tensor)
    values = values if layout == "csr" else values[wrap(jnp.asarray(order))]
    return pack(values, Stored(None, parts, stored.shape, layout, True))


def spdiags(diagonals: Tensor, offsets: Tensor, shape: tuple[int, int], layout: Any = None) -> Tensor:
    """The sparse matrix with the rows of ``diagonals`` on the diagonals ``offsets``: element j of a row in column j.

    Args:
        diagonals: ``(count, length)``, or one row.
        offsets: ``(count,)``; positive above the main diagonal.
        shape: ``(rows, columns)``.
        layout: COO if left out.

    Raises:
        ValueError: an offset occurs twice.
    """
    diagonals = diagonals.reshape(1, -1) if diagonals.ndim == 1 else diagonals
    places = np.atleast_1d(host(unwrap(offsets), "spdiags()"))
    if len(set(places.tolist())) != len(places):
        raise ValueError("Offset tensor contains duplicate values")
    rows, columns = shape
    which, column = np.meshgrid(np.arange(len(places)), np.arange(diagonals.shape[1]), indexing="ij")
    row = column - places[:, None]
    inside = (row >= 0) & (row < rows) & (column < columns)
    index = jnp.asarray(np.stack([row[inside], column[inside]]).astype(np.int64))
    values = diagonals[wrap(jnp.asarray(which[inside])), wrap(jnp.asarray(column[inside]))]
    made = pack(values, Stored(None, (index,), (int(rows), int(columns))))
    return made if layout is None else to_sparse(coalesce(made), layout=layout)
