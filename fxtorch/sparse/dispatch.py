"""What the operators of the table do with a sparse Tensor among their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.sparse import products, reductions
from fxtorch.sparse.construction import coalesce, coalesced_order, host, to_sparse
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.sparse import Stored, is_sparse, pack, values_of

_torch = namespace("torch")
Handler = Callable[..., Any]

# f(0) = 0, so that the result has the same places; those of the first line are linear, so that places may be repeated.
_LINEAR = "neg positive clone to_dtype conj conj_physical resolve_conj resolve_neg deg2rad rad2deg real imag"
_ZERO_TO_ZERO = (
    "abs asin asinh atan atanh ceil erf erfinv expm1 floor frac isinf isnan isneginf isposinf log1p nan_to_num relu "
    "round sgn sign signbit sin sinh sqrt square tan tanh trunc"
)
_handlers: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Declare what those operators do: ``handler(operator, *arguments)``."""

    def declare(handler: Handler) -> Handler:
        _handlers.update(dict.fromkeys(names, handler))
        return handler

    return declare


def run(operator: Operator, args: Sequence[Any]) -> Any:
    """Run an operator that was given a sparse Tensor.

    Raises:
        NotImplementedError: it is not there for sparse Tensors.
    """
    handler = _handlers.get(operator.name.rstrip("_"))
    if handler is None:
        given = [t for a in args for t in (a if isinstance(a, list | tuple) else (a,))]
        layout = next(t.layout for t in given if is_sparse(t))
        raise NotImplementedError(
            f"{operator.name}() is not there for a Tensor of layout {layout}; call it on to_dense()"
        )
    return handler(operator, *args)


@handles(*_LINEAR.split())
def _on_values(operator: Operator, x: Tensor, *rest: Any) -> Tensor:
    return pack(operator(values_of(x), *rest), unwrap(x))


@handles(*_ZERO_TO_ZERO.split())
def _on_unique_values(operator: Operator, x: Tensor, *rest: Any) -> Tensor:
    return _on_values(operator, coalesce(x), *rest)


@handles("pow")
def _power(operator: Operator, x: Tensor, exponent: Any) -> Tensor:
    if is_sparse(exponent) or isinstance(exponent, Tensor) or not exponent > 0:
        raise NotImplementedError("pow() of a sparse Tensor is there for a positive number only")
    return _on_unique_values(operator, x, exponent)


def _is_number(x: Any) -> bool:
    return not isinstance(x, Tensor) or (x.ndim == 0 and not is_sparse(x))


@handles("mul")
def _times(operator: Operator, x: Any, other: Any) -> Tensor:
    if _is_number(x) or not is_sparse(x):
        x, other = other, x
    if _is_number(other):
        return _on_values(operator, x, other)
    if not is_sparse(other):
        places = tuple(wrap(p) for p in unwrap(x).places())
        return pack(operator(values_of(x), other.expand(x.shape)[places]), unwrap(x))
    return _elementwise_product(operator, x, other)


def _elementwise_product(operator: Operator, x: Tensor, other: Tensor) -> Tensor:
    _same_shape(x, other)
    x, other = coalesce(to_sparse(x)), coalesce(to_sparse(other))
    flat = [_flat(t) for t in (x, other)]
    _, a, b = np.intersect1d(*flat, assume_unique=True, return_indices=True)
    ia, ib = (wrap(jnp.asarray(i.astype(np.int64))) for i in (a, b))
    index = unwrap(x).indices[0][:, a]
    pattern = Stored(None, (index,), unwrap(x).shape, "coo", True)
    return pack(operator(values_of(x)[ia], values_of(other)[ib]), pattern)


def _flat(x: Tensor) -> np.ndarray:
    index = host(unwrap(x).indices[0], "the product of sparse Tensors")
    return np.asarray(np.ravel_multi_index(tuple(index), x.shape[: index.shape[0]]))


def _same_shape(x: Tensor, other: Tensor) -> None:
    if x.shape != other.shape:
        raise RuntimeError(f"sparse Tensors must have the same size, got {list(x.shape)} and {list(other.shape)}")


@handles("div")
def _divided(operator: Operator, x: Any, other: Any, rounding_mode: str | None = None) -> Tensor:
    if not _is_number(other):
        raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor")
    return _on_values(operator, x if rounding_mode is None else coalesce(x), other, rounding_mode)


@handles("add", "sub")
def _sum(operator: Operator, x: Any, other: Any, alpha: Any = 1) -> Tensor:
    if not is_sparse(x):
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{operator.name}(number, sparse) would be dense; call it on to_dense()")
        return operator(x, other.to_dense(), alpha)
    if not is_sparse(other):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    _same_shape(x, other)
    sign = -1 if operator.name.startswith("sub") else 1
    factor = alpha if sign == 1 else -alpha
    scaled = values_of(other) if factor == 1 else values_of(other) * factor
    a, b = unwrap(x), unwrap(other)
    if a.layout == b.layout and all(i is j for i, j in zip(a.indices, b.indices, strict=True)):
        return pack(values_of(x) + scaled, a)
    layout = x.layout
    x, other = to_sparse(x), to_sparse(pack(scaled, b))
    both = unwrap(x).coalesced and unwrap(other).coalesced
    values = _torch["cat"]([values_of(x), values_of(other)])
    index = jnp.concatenate([unwrap(x).indices[0], unwrap(other).indices[0]], axis=1)
    out = pack(values, Stored(None, (index,), a.shape))
    return to_sparse(coalesce(out), layout=layout) if both else out


@handles("mm", "matmul", "mv")
def _product(operator: Operator, x: Tensor, other: Tensor) -> Tensor:
    return products.mm(x, other)


@handles("addmm")
def _plus_product(operator: Operator, x: Tensor, mat1: Tensor, mat2: Tensor, beta: Any = 1, alpha: Any = 1) -> Tensor:
    return products.addmm(x, mat1, mat2, beta=beta, alpha=alpha)


@handles("sum")
def _summed(operator: Operator, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    if keepdim and dim is not None:
        raise NotImplementedError("sum(keepdim=True) is not there for sparse Tensors")
    return reductions.sum(x, dim, dtype)


@handles("norm")
def _norm(
    operator: Operator, x: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    if dim is not None:
        raise NotImplementedError("norm(dim=...) is not there for sparse Tensors")
    return operator(values_of(coalesce(x)).reshape(-1), p, None, False, dtype)


@handles("softmax")
def _softmax(operator: Operator, x: Tensor, dim: int, dtype: Any = None, *rest: Any) -> Tensor:
    return reductions.softmax(x, dim, dtype=dtype)


@handles("log_softmax")
def _log_softmax(operator: Operator, x: Tensor, dim: int, dtype: Any = None, *rest: Any) -> Tensor:
    return reductions.log_softmax(x, dim, dtype=dtype)


@handles("zeros_like")
def _zeros_like(operator: Operator, x: Tensor, dtype: Any = None) -> Tensor:
    stored = unwrap(to_sparse(x))
    values = _torch["zeros"]((0, *stored.values.shape[1:]), dtype=x.dtype if dtype is None else dtype)
    empty = Stored(None, (jnp.zeros((stored.indices[0].shape[0], 0), np.int64),), stored.shape, "coo", True)
    made = pack(values, empty)
    return made if x._data.layout == "coo" else to_sparse(made, layout=x.layout)


@handles("zero")
def _zero(operator: Operator, x: Tensor) -> Tensor:
    return _zeros_like(operator, x)


@handles("copy")
def _copy(operator: Operator, x: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    if not is_sparse(x):
        return operator(x, src.to_dense(), non_blocking)
    if not is_sparse(src) or src.shape != x.shape:
        raise RuntimeError("copy_() between sparse and dense Tensors, or of different sizes, is not supported")
    return to_sparse(src, layout=x.layout)


@handles("t")
def _transposed(operator: Operator, x: Tensor) -> Tensor:
    return x if x.ndim < 2 else _permute(operator, x, (1, 0))


@handles("transpose")
def _swapped(operator: Operator, x: Tensor, dim0: int, dim1: int) -> Tensor:
    order = list(range(x.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permute(operator, x, order)


@handles("permute")
def _permute(operator: Operator, x: Tensor, dims: Sequence[int]) -> Tensor:
    stored: Stored = unwrap(x)
    dims = [d % x.ndim for d in dims]
    shape = tuple(stored.shape[d] for d in dims)
    if stored.layout != "coo":
        if dims != [1, 0]:
            raise NotImplementedError("only a matrix in a compressed layout can be transposed")
        turned = Stored(None, stored.indices, shape, "csc" if stored.layout == "csr" else "csr", True)
        return pack(values_of(x), turned)
    sparse = stored.indices[0].shape[0]
    if any((d < sparse) != (i < sparse) for i, d in enumerate(dims)):
        raise RuntimeError("permute: sparse and dense dimensions cannot be mixed")
    values = values_of(x)
    if sparse < x.ndim:
        values = values.permute(0, *(d - sparse + 1 for d in dims[sparse:]))
    made = pack(values, Stored(None, (stored.indices[0][np.array(dims[:sparse])],), shape))
    return coalesced_order(made) if stored.coalesced else made


@handles("cat")
def _joined(operator: Operator, tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    if not all(is_sparse(t) and t._data.layout == "coo" for t in tensors):
        raise NotImplementedError("cat() is there for COO Tensors, all of them")
    first: Stored = unwrap(tensors[0])
    dim, sparse = dim % len(first.shape), first.indices[0].shape[0]
    if dim >= sparse:
        raise NotImplementedError("cat() of COO Tensors is there along a sparse dimension")
    parts, at = [], 0
    for t in tensors:
        shift = np.zeros((sparse, 1), np.int64)
        shift[dim] = at
        parts.append(unwrap(t).indices[0] + shift)
        at += t.shape[dim]
    shape = (*first.shape[:dim], at, *first.shape[dim + 1 :])
    return pack(_torch["cat"]([values_of(t) for t in tensors]), Stored(None, (jnp.concatenate(parts, axis=1),), shape))


@handles("select")
def _selected(operator: Operator, x: Tensor, dim: int, index: int) -> Tensor:
    stored: Stored = unwrap(to_sparse(x))
    values, dim = values_of(to_sparse(x)), dim % x.ndim
    sparse = stored.indices[0].shape[0]
    if not -x.shape[dim] <= index < x.shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}")
    shape = (*stored.shape[:dim], *stored.shape[dim + 1 :])
    if dim >= sparse:
        return pack(values.select(dim - sparse + 1, index), stored.with_values(None, shape=shape))
    places = host(stored.indices[0], "select()")
    kept = np.flatnonzero(places[dim] == index % x.shape[dim])
    rows = values[wrap(jnp.asarray(kept.astype(np.int64)))]
    if sparse == 1:
        return rows.sum(0)
    left = jnp.asarray(np.delete(places[:, kept], dim, axis=0))
    return pack(rows, Stored(None, (left,), shape, "coo", stored.coalesced))


Operator.sparse = run
