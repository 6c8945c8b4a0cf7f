"""Products of matrices and vectors."""

from __future__ import annotations

import itertools

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import at_least_single, cast, cpp_name, is_float
from fxtorch.ops.einsum_equation import check_equation
from fxtorch.ops.pointwise import scaled
from fxtorch.ops.table import Array, Arrays, Number, Strict, op


def check_same_type(a: Array, b: Array) -> None:
    """Raise torch's error where the factors of a product differ in type.

    Raises:
        RuntimeError: they do.
    """
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {cpp_name(a.dtype)} != {cpp_name(b.dtype)}"
        )


def _check_dims(name: str, *expected: tuple[str, Array, int]) -> None:
    for argument, x, ndim in expected:
        if x.ndim != ndim:
            raise RuntimeError(f"{name}: {argument} must be {ndim}-D, got {x.ndim}-D")


def _check_product(a: Array, b: Array) -> None:
    """Raise torch's error where the inner sizes differ."""
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] == inner:
        return
    if a.ndim == 1 and b.ndim == 1:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same number "
            f"of elements, but got {a.shape[0]} and {b.shape[0]} elements respectively"
        )
    if b.ndim == 1 and a.ndim == 2:
        raise RuntimeError(f"size mismatch, got input ({a.shape[0]}), mat ({a.shape[0]}x{a.shape[1]}), vec ({inner})")
    rows = int(np.prod(a.shape[:-1], dtype=np.int64)) if b.ndim <= 2 else (a.shape[-2] if a.ndim > 1 else 1)
    columns = b.shape[-1] if b.ndim > 1 else 1
    raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and {inner}x{columns})")


def product(a: Array, b: Array, wide: bool = False) -> Array:
    """The matrix product of arrays of one type; with ``wide`` 16-bit floats give the float32 that they sum to."""
    check_same_type(a, b)
    _check_product(a, b)
    return jnp.matmul(a, b, preferred_element_type=_sum_type(a) if wide else None)


def _sum_type(x: Array) -> np.dtype | None:
    """What products of 16-bit floats are summed in; nothing said for other types."""
    return np.dtype("float32") if is_float(x.dtype) and x.dtype.itemsize < 4 else None


@op(method=True, out=True, aliases=("linalg.matmul",))
def matmul(input: Strict, other: Strict) -> Array:
    """The matrix product: (n,) @ (n,), (n, m) @ (m,), (..., n, m) @ (..., m, p); leading dimensions broadcast.

    Raises:
        RuntimeError: an argument has no dimension, the types differ, or the sizes do not fit.
    """
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D"
        )
    if input.ndim > 2 or other.ndim > 2:
        check_broadcast(input.shape[:-2], other.shape[:-2])
    return product(input, other)


def _of_matrices(a: Array, b: Array, wide: bool = False) -> Array:
    if a.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    return product(a, b, wide)


@op(method=True, out=True)
def mm(input: Strict, mat2: Strict) -> Array:
    """The product of matrices (n, m) and (m, p)."""
    return _of_matrices(input, mat2)


def _check_batches(a: Array, b: Array) -> None:
    if a.ndim != 3 or b.ndim != 3:
        raise RuntimeError(f"batch{1 if a.ndim != 3 else 2} must be a 3D tensor")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] "
            f"but got: [{b.shape[0]}, {b.shape[1]}]."
        )


def _of_batches(a: Array, b: Array, wide: bool = False) -> Array:
    _check_batches(a, b)
    return product(a, b, wide)


@op(method=True, out=True)
def bmm(input: Strict, mat2: Strict) -> Array:
    """The products of matrices (b, n, m) and (b, m, p), one by one."""
    return _of_batches(input, mat2)


def _of_vector(a: Array, b: Array, wide: bool = False) -> Array:
    if a.ndim != 2 or b.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {b.ndim}, {a.ndim}, {b.ndim}")
    return product(a, b, wide)


@op(method=True, out=True)
def mv(input: Strict, vec: Strict) -> Array:
    """The product of a matrix (n, m) and a vector (m,)."""
    return _of_vector(input, vec)


def _check_vectors(name: str, a: Array, b: Array) -> None:
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        raise RuntimeError(f"{name} : expected both vectors to have same dtype, but found {a.dtype} and {b.dtype}")


@op(method=True, out=True)
def dot(input: Strict, tensor: Strict) -> Array:
    """``sum(input * tensor)`` of vectors."""
    _check_vectors("dot", input, tensor)
    return product(input, tensor)


@op(method=True, out=True)
def vdot(input: Strict, other: Strict) -> Array:
    """``sum(conj(input) * other)`` of vectors."""
    _check_vectors("vdot", input, other)
    return product(jnp.conj(input), other)


@op(method=True, out=True)
def inner(input: Strict, other: Strict) -> Array:
    """The sum of products over the last dimensions.

    Raises:
        RuntimeError: their sizes differ.
    """
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    check_same_type(input, other)
    return jnp.tensordot(input, other, axes=(-1, -1))


@op(method=True, out=True, aliases=("ger",))
def outer(input: Strict, vec2: Strict) -> Array:
    """``result[i, j] = input[i] * vec2[j]``."""
    _check_dims("outer", ("self", input, 1), ("vec2", vec2, 1))
    return input[:, None] * vec2[None, :]


def _plus(input: Array, factor: Array, value: Array, beta: Number, alpha: Number) -> Array:
    """``beta * input + alpha * value`` in the type of ``factor``; where beta is 0, ``input`` is not looked at."""
    check_same_type(input, factor)
    check_broadcast(input.shape, value.shape)
    wide, value = at_least_single(input), scaled(at_least_single(value), alpha)
    if not (isinstance(beta, int) and beta == 1):
        wide = jnp.where(jnp.equal(beta, 0), jnp.zeros((), dtype=wide.dtype), wide * cast(beta, wide.dtype))
    return cast(wide + value, input.dtype)


@op(method=True, inplace=True, out=True, older=("beta", "alpha"))
def addmm(input: Strict, mat1: Strict, mat2: Strict, *, beta: Number = 1, alpha: Number = 1) -> Array:
    """``beta * input + alpha * (mat1 @ mat2)``."""
    return _plus(input, mat1, _of_matrices(mat1, mat2, wide=True), beta, alpha)


@op(method=True, inplace=True, out=True, older=("beta", "alpha"))
def addmv(input: Strict, mat: Strict, vec: Strict, *, beta: Number = 1, alpha: Number = 1) -> Array:
    """``beta * input + alpha * (mat @ vec)``."""
    return _plus(input, mat, _of_vector(mat, vec, wide=True), beta, alpha)


@op(method=True, inplace=True, out=True, older=("beta", "alpha"))
def addr(input: Strict, vec1: Strict, vec2: Strict, *, beta: Number = 1, alpha: Number = 1) -> Array:
    """``beta * input + alpha * outer(vec1, vec2)``."""
    return _plus(input, vec1, outer(vec1, vec2), beta, alpha)


@op(method=True, inplace=True, out=True, older=("beta", "alpha"))
def baddbmm(input: Strict, batch1: Strict, batch2: Strict, *, beta: Number = 1, alpha: Number = 1) -> Array:
    """``beta * input + alpha * bmm(batch1, batch2)``."""
    return _plus(input, batch1, _of_batches(batch1, batch2, wide=True), beta, alpha)


@op(method=True, inplace=True, out=True, older=("beta", "alpha"))
def addbmm(input: Strict, batch1: Strict, batch2: Strict, *, beta: Number = 1, alpha: Number = 1) -> Array:
    """``beta * input + alpha * bmm(batch1, batch2).sum(0)``."""
    _check_batches(batch1, batch2)
    check_same_type(batch1, batch2)
    value = jnp.tensordot(batch1, batch2, axes=((0, 2), (0, 1)), preferred_element_type=_sum_type(batch1))
    return _plus(input, batch1, value, beta, alpha)


@op(out=True, variadic="matrices")
def chain_matmul(matrices: Arrays) -> Array:
    """The product of several matrices in the cheapest order."""
    return multi_dot(matrices)


@op(where=("linalg",), out=True)
def multi_dot(tensors: Arrays) -> Array:
    """The product of several matrices in the cheapest order; the first and last may be vectors.

    Raises:
        RuntimeError: there are fewer than two.
    """
    if len(tensors) == 1:
        return tensors[0]
    if not tensors:
        raise RuntimeError("multi_dot(): expected at least 2 tensors but got 0")
    for a, b in itertools.pairwise(tensors):
        check_same_type(a, b)
        _check_product(a, b)
    return jnp.linalg.multi_dot(tensors)


@op(variadic="operands")
def einsum(equation: str, operands: Arrays) -> Array:
    """The sum of products that ``equation`` names, as in ``einsum("bij,bjk->bik", a, b)``.

    Raises:
        RuntimeError: the equation does not fit the operands.
    """
    check_equation(equation, [x.shape for x in operands])
    try:
        return jnp.einsum(equation, *operands)
    except (ValueError, TypeError) as error:
        raise RuntimeError(f"einsum(): {error}") from error


@op(out=True)
def tensordot(a: Array, b: Array, dims: int | tuple[tuple[int, ...], tuple[int, ...]] = 2) -> Array:
    """The sum of products over the last ``dims`` dimensions of ``a`` and first of ``b``, or over the pairs listed.

    A summed dimension of size 1 is broadcast to the other's.

    Raises:
        RuntimeError: the sizes differ.
    """
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        pairs = (tuple(range(a.ndim - dims, a.ndim)), tuple(range(dims)))
    else:
        pairs = tuple((d,) if isinstance(d, int) else tuple(d) for d in dims)
    if len(pairs[0]) != len(pairs[1]):
        raise RuntimeError("both dimension lists should have same length")
    for i, j in zip(*pairs, strict=True):
        if a.shape[i] == b.shape[j]:
            continue
        if a.shape[i] == 1:
            b = jnp.sum(b, axis=j, keepdims=True, dtype=b.dtype)
        elif b.shape[j] == 1:
            a = jnp.sum(a, axis=i, keepdims=True, dtype=a.dtype)
        else:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} "
                f"and second has size {b.shape[j]} in dim {j}"
            )
    check_same_type(a, b)
    return jnp.tensordot(a, b, axes=pairs)


@op(method=True, out=True, dtype="promote")
def kron(input: Strict, other: Strict) -> Array:
    """The Kronecker product: every element of ``input`` times ``other``, laid out in blocks."""
    if input.dtype == np.bool_:
        return cast(jnp.kron(cast(input, np.uint8), cast(other, np.uint8)), np.bool_)
    return jnp.kron(input, other)


def _cross(input: Array, other: Array, dim: int) -> Array:
    check_broadcast(input.shape, other.shape)
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}"
        )
    a, b = jnp.broadcast_arrays(input, other)
    dim = dim % a.ndim
    a1, a2, a3 = (lax.index_in_dim(a, i, dim) for i in range(3))
    b1, b2, b3 = (lax.index_in_dim(b, i, dim) for i in range(3))
    return jnp.concatenate([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1], axis=dim)


@op(method=True, out=True)
def cross(input: Strict, other: Strict, dim: int | None = None) -> Array:
    """The cross product along ``dim`` (by default the first of size 3).

    Raises:
        RuntimeError: that size is not 3.
    """
    if dim is None:
        threes = [d for d, size in enumerate(input.shape) if size == 3]
        if not threes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = threes[0]
    return _cross(input, other, dim)


@op(name="cross", where=("linalg",), out=True)
def linalg_cross(input: Strict, other: Strict, *, dim: int = -1) -> Array:
    """The cross product along ``dim`` (the last by default).

    Raises:
        RuntimeError: the inputs have not as many dimensions, or that size is not 3.
    """
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    return _cross(input, other, dim)


@op(where=("linalg",), out=True)
def vecdot(x: Strict, y: Strict, *, dim: int = -1) -> Array:
    """``sum(conj(x) * y)`` along ``dim``."""
    check_broadcast(x.shape, y.shape)
    check_same_type(x, y)
    return jnp.sum(jnp.conj(x) * y, axis=dim)
