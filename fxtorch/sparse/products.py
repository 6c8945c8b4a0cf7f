"""Products with sparse matrices, on the kernels of ``jax.experimental.sparse``."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.sparse.construction import LAYOUTS, coalesce, host, to_sparse
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.execute import apply
from fxtorch.tensor.record import Record
from fxtorch.tensor.sparse import Stored, is_sparse, pack, values_of

_torch = namespace("torch")


def _matrix(stored: Stored) -> Any:
    from jax.experimental import sparse as kernels  # brings SciPy: a quarter of a second, and seldom needed

    if stored.layout == "csr":
        begins, columns = stored.indices
        return kernels.BCSR((stored.values, columns, begins), shape=stored.shape)
    index = jnp.stack(stored.places(), axis=-1)
    kept = stored.coalesced and stored.layout == "coo"
    return kernels.BCOO(
        (stored.values, index), shape=stored.shape, indices_sorted=kept, unique_indices=stored.coalesced
    )


@functools.lru_cache(maxsize=256)
def _times_dense(pattern: tuple[str, tuple[int, ...], bool]) -> Record:
    """The program ``(values, dense, *indices) -> matrix @ dense`` for matrices of one layout and shape."""
    layout, shape, coalesced = pattern

    def product(values: Any, dense: Any, *indices: Any) -> Any:
        return _matrix(Stored(values, indices, shape, layout, coalesced)) @ dense

    return Record(product, "mm", "inputs")


def _check(a: Tensor, b: Tensor, name: str) -> None:
    if a.ndim != 2 or b.ndim not in (1, 2):
        raise RuntimeError(f"{name}: expected matrices, got {a.ndim}D and {b.ndim}D")
    if a.shape[1] != b.shape[0]:
        shapes = "x".join(map(str, a.shape)), "x".join(map(str, b.shape))
        raise RuntimeError(f"{name}: mat1 and mat2 shapes cannot be multiplied ({shapes[0]} and {shapes[1]})")
    if a.dtype != b.dtype:
        raise RuntimeError(f"{name}: expected both to have the same dtype, but got {a.dtype} and {b.dtype}")


def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """The product of two matrices of which one or both may be sparse; sparse if both are.

    Its gradient with respect to a sparse matrix is sparse, at the places of its elements.

    Args:
        mat1: ``(n, m)``.
        mat2: ``(m, p)``, or ``(m,)`` if it is dense.
        reduce: ``"sum"``, which is what a product does; other reductions are not there.

    Raises:
        RuntimeError: the shapes or types do not fit.
        NotImplementedError: another reduction.

    >>> import fxtorch as torch
    >>> a = torch.eye(2).to_sparse().requires_grad_()
    >>> torch.sparse.mm(a, torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    >>> a.grad.to_dense()
    tensor([[3., 0.],
            [0., 7.]])
    """
    if reduce not in (None, "sum"):
        raise NotImplementedError(f"torch.sparse.mm: reduce={reduce!r} is not there; 'sum' is")
    if not is_sparse(mat1) and not is_sparse(mat2):
        raise RuntimeError("torch.sparse.mm: one of the two matrices must be sparse")
    if not is_sparse(mat1):
        _check(mat1, mat2, "mm")
        return mm(mat2.t(), mat1.t()).t()
    _check(mat1, mat2, "mm")
    if is_sparse(mat2):
        return _sparse_times_sparse(mat1, mat2)
    stored: Stored = unwrap(mat1)
    record = _times_dense((stored.layout, stored.shape, stored.coalesced))
    return apply(record, [values_of(mat1), mat2, *stored.indices])


def _sparse_times_sparse(a: Tensor, b: Tensor) -> Tensor:
    """The product by pairs of elements that meet; which do is found on the host."""
    layout = unwrap(a).layout
    a, b = coalesce(to_sparse(a)), coalesce(to_sparse(b))
    left, right = (host(unwrap(t).indices[0], "the product of sparse matrices") for t in (a, b))
    begins = np.searchsorted(right[0], np.arange(b.shape[0] + 1))
    counts = (begins[1:] - begins[:-1])[left[1]]
    first = np.repeat(np.arange(left.shape[1]), counts)
    ends = np.cumsum(counts)
    second = np.arange(counts.sum()) - np.repeat(ends - counts, counts) + np.repeat(begins[left[1]], counts)
    values = values_of(a)[_tensor(first)] * values_of(b)[_tensor(second)]
    index = jnp.asarray(np.stack([left[0][first], right[1][second]]).astype(np.int64))
    product = coalesce(pack(values, Stored(None, (index,), (a.shape[0], b.shape[1]))))
    return product if layout == "coo" else to_sparse(product, layout=LAYOUTS[layout])


def _tensor(array: np.ndarray) -> Tensor:
    return wrap(jnp.asarray(array.astype(np.int64)))


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """``beta * mat + alpha * (mat1 @ mat2)`` for a sparse ``mat1`` (or ``mat2``).

    Args:
        mat: ``(n, p)``, or what broadcasts to it.
        mat1: ``(n, m)``.
        mat2: ``(m, p)``.
        beta: factor of ``mat``; with 0 what is in it does not matter.
        alpha: factor of the product.
    """
    product = mm(mat1, mat2)
    product = product if alpha == 1 else product * alpha
    return product if beta == 0 else (mat if beta == 1 else mat * beta) + product


def sampled_addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` at the places of the sparse ``input`` only.

    Args:
        input: ``(n, p)``, CSR or COO.
        mat1: ``(n, m)``, dense.
        mat2: ``(m, p)``, dense.
        beta: factor of ``input``.
        alpha: factor of the product.

    Raises:
        RuntimeError: ``input`` is not sparse, or a matrix is.
    """
    if not is_sparse(input) or is_sparse(mat1) or is_sparse(mat2):
        raise RuntimeError("sampled_addmm: expected a sparse input, and dense mat1 and mat2")
    _check(mat1, mat2, "sampled_addmm")
    rows, columns = (wrap(p) for p in unwrap(input).places())
    picked = (mat1[rows] * mat2.t()[columns]).sum(-1)
    return pack(values_of(input) * beta + picked * alpha, unwrap(input))


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of matrices; see :func:`mm`."""
    return input @ mat2


dsmm = spmm


def smm(input: Tensor, mat: Tensor) -> Tensor:
    """The product of a sparse matrix with a dense one, as a sparse Tensor."""
    return to_sparse(mm(input, mat))


def hspmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse matrix with a dense one, as a Tensor whose rows alone are sparse."""
    return to_sparse(mm(mat1, mat2), 1)


hsmm = hspmm


def sspaddmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` for sparse ``input`` and ``mat1``, sparse.

    Raises:
        RuntimeError: ``input`` is dense.
    """
    if not is_sparse(input):
        raise RuntimeError("sspaddmm: expected a sparse input")
    return input * beta + smm(mat1, mat2) * alpha


saddmm = sspaddmm
