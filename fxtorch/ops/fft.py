"""Fourier transforms: ``torch.fft``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import cast, complex_of, default_float, is_complex, is_inexact, type_name
from fxtorch.ops.table import Array, op

Dims = int | tuple[int, ...] | None

FFT, IFFT, RFFT, IRFFT = lax.FftType.FFT, lax.FftType.IFFT, lax.FftType.RFFT, lax.FftType.IRFFT
AT_ONCE = 3  # XLA transforms at most so many dimensions in one call

# A Hermitian transform is the conjugate of a real one in the other direction.
_REVERSED = {None: "forward", "backward": "forward", "forward": "backward"}


def _floating(x: Array) -> Array:
    x = x if is_inexact(x.dtype) else cast(x, default_float())
    if x.dtype.name not in ("float32", "float64", "complex64", "complex128"):
        raise RuntimeError(f"Unsupported dtype {type_name(x.dtype)}")
    return x


def _complex(x: Array) -> Array:
    x = _floating(x)
    return x if is_complex(x.dtype) else cast(x, complex_of(x.dtype))


def _real(words: str, x: Array) -> Array:
    if is_complex(x.dtype):
        raise RuntimeError(f"{words} {type_name(x.dtype)}")
    return _floating(x)


def _scaled(x: Array, n: int, norm: str | None, *, inverse: bool = False) -> Array:
    """XLA's transform of ``n`` points, which is scaled by ``1 / n`` if it is an inverse, as ``norm`` wants it."""
    if norm not in (None, "backward", "ortho", "forward"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    scale = {"ortho": 1 / math.sqrt(n), "forward": 1 / n}.get(norm or "", 1.0)
    return x if scale == 1 else x * cast(1 / scale if inverse else scale, x.dtype)


def _axis(x: Array, dim: int) -> int:
    if x.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, x.ndim)


def _points(n: int) -> int:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _resized(x: Array, dim: int, n: int) -> Array:
    """``x`` cut, or filled up with zeros, to ``n`` elements along ``dim``."""
    if n <= x.shape[dim]:
        return lax.slice_in_dim(x, 0, n, axis=dim)
    return jnp.pad(x, [(0, n - x.shape[dim] if d == dim else 0) for d in range(x.ndim)])


def _run(x: Array, kind: Any, dims: Sequence[int], sizes: Sequence[int]) -> Array:
    """XLA's transform over ``dims``; ``sizes`` are those of the real side."""
    if x.size == 0:
        shape = list(x.shape)
        shape[dims[-1]] = sizes[-1] // 2 + 1 if kind == RFFT else sizes[-1]
        return jnp.zeros(shape, dtype=jnp.real(x).dtype if kind == IRFFT else complex_of(jnp.real(x).dtype))
    last = range(x.ndim - len(dims), x.ndim)
    return jnp.moveaxis(lax.fft(jnp.moveaxis(x, dims, last), kind, tuple(sizes)), last, dims)


def _complex_to_complex(x: Array, dims: Sequence[int], *, inverse: bool) -> Array:
    for i in range(0, len(dims), AT_ONCE):
        some = dims[i : i + AT_ONCE]
        x = _run(x, IFFT if inverse else FFT, some, [x.shape[d] for d in some])
    return x


def _plan(x: Array, s: Dims, dim: Dims, *, hermitian: bool = False) -> tuple[list[int], list[int]]:
    """The dimensions to transform, and the size of each; with ``hermitian``, the last is the size of the result."""
    sizes = None if s is None else [s] if isinstance(s, int) else list(s)
    if dim is not None:
        dims = [wrap_dim(d, x.ndim) for d in ([dim] if isinstance(dim, int) else dim)]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if sizes is not None and len(sizes) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    else:
        count = x.ndim if sizes is None else len(sizes)
        if count > x.ndim:
            raise RuntimeError(f"Got shape with {count} values but input tensor only has {x.ndim} dimensions.")
        dims = list(range(x.ndim - count, x.ndim))
    wanted = [-1] * len(dims) if sizes is None else sizes
    whole = [x.shape[d] for d in dims]
    if hermitian and dims:
        whole[-1] = 2 * (whole[-1] - 1)
    return dims, [_points(n if w == -1 else w) for n, w in zip(whole, wanted, strict=True)]


def _check_any(name: str, dims: Sequence[int]) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def _fft(x: Array, n: int | None, dim: int, norm: str | None, *, inverse: bool) -> Array:
    x, d = _complex(x), _axis(x, dim)
    n = _points(x.shape[d] if n is None else n)
    return _scaled(_complex_to_complex(_resized(x, d, n), [d], inverse=inverse), n, norm, inverse=inverse)


def _fftn(x: Array, s: Dims, dim: Dims, norm: str | None, *, inverse: bool) -> Array:
    x = _complex(x)
    dims, sizes = _plan(x, s, dim)
    for d, n in zip(dims, sizes, strict=True):
        x = _resized(x, d, n)
    return _scaled(_complex_to_complex(x, dims, inverse=inverse), math.prod(sizes), norm, inverse=inverse)


def _rfftn(name: str, x: Array, s: Dims, dim: Dims, norm: str | None) -> Array:
    dims, sizes = _plan(x, s, dim)
    _check_any(name, dims)
    for d, n in zip(dims, sizes, strict=True):
        x = _resized(x, d, n)
    x = _run(x, RFFT, dims[-1:], sizes[-1:])
    return _scaled(_complex_to_complex(x, dims[:-1], inverse=False), math.prod(sizes), norm)


def _irfftn(name: str, x: Array, s: Dims, dim: Dims, norm: str | None) -> Array:
    dims, sizes = _plan(x, s, dim, hermitian=True)
    _check_any(name, dims)
    for d, n in zip(dims, [*sizes[:-1], sizes[-1] // 2 + 1], strict=True):
        x = _resized(x, d, n)
    x = _run(_complex_to_complex(x, dims[:-1], inverse=True), IRFFT, dims[-1:], sizes[-1:])
    return _scaled(x, math.prod(sizes), norm, inverse=True)


@op(where=("fft",), out=True)
def fft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """``X[k] = sum_j input[j] * exp(-2 pi i j k / n)`` along ``dim``.

    Args:
        input: real or complex.
        n: how many points; the input is cut or filled up with zeros.
        dim: the dimension to transform.
        norm: ``"backward"`` (the default) leaves the sum as it is, ``"ortho"`` divides by ``sqrt(n)``,
            ``"forward"`` by ``n``.

    Raises:
        RuntimeError: ``n`` is less than 1, or the type is half precision.
    """
    return _fft(input, n, dim, norm, inverse=False)


@op(where=("fft",), out=True)
def ifft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """The inverse of :func:`fft`: the sum of ``input[j] * exp(2 pi i j k / n)``, divided by what it did not."""
    return _fft(input, n, dim, norm, inverse=True)


@op(where=("fft",), out=True)
def rfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """The first ``n // 2 + 1`` values of :func:`fft` of a real input, which determine the others."""
    x = _real("rfft expects a real input tensor, but got", input)
    return _rfftn("rfft", x, n, _axis(x, dim), norm)


@op(where=("fft",), out=True)
def irfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """The inverse of :func:`rfft`: ``n`` (by default ``2 * (size - 1)``) real values."""
    x = _complex(input)
    return _irfftn("irfft", x, n, _axis(x, dim), norm)


@op(where=("fft",), out=True)
def hfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """:func:`fft` of a signal whose second half mirrors the first, conjugated, and is not given; it is real."""
    x = jnp.conj(_complex(input))
    return _irfftn("hfft", x, n, _axis(x, dim), _REVERSED.get(norm, norm))


@op(where=("fft",), out=True)
def ihfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """The inverse of :func:`hfft`."""
    x = _real("ihfft expects a real input tensor, but got", input)
    return jnp.conj(_rfftn("ihfft", x, n, _axis(x, dim), _REVERSED.get(norm, norm)))


@op(where=("fft",), out=True)
def fftn(input: Array, s: Dims = None, dim: Dims = None, norm: str | None = None) -> Array:
    """:func:`fft` along several dimensions.

    Args:
        input: real or complex.
        s: the points along each dimension, -1 for as many as there are.
        dim: the dimensions; by default all, or the last ``len(s)``.
        norm: see :func:`fft`; ``n`` is the product of the points.

    Raises:
        RuntimeError: ``s`` and ``dim`` do not fit the input or each other.
    """
    return _fftn(input, s, dim, norm, inverse=False)


@op(where=("fft",), out=True)
def ifftn(input: Array, s: Dims = None, dim: Dims = None, norm: str | None = None) -> Array:
    """The inverse of :func:`fftn`."""
    return _fftn(input, s, dim, norm, inverse=True)


@op(where=("fft",), out=True)
def rfftn(input: Array, s: Dims = None, dim: Dims = None, norm: str | None = None) -> Array:
    """:func:`rfft` along the last dimension of ``dim``, then :func:`fft` along the others."""
    return _rfftn("rfftn", _real("rfftn expects a real-valued input tensor, but got", input), s, dim, norm)


@op(where=("fft",), out=True)
def irfftn(input: Array, s: Dims = None, dim: Dims = None, norm: str | None = None) -> Array:
    """The inverse of :func:`rfftn`; the last of ``s`` is the size of the result."""
    return _irfftn("irfftn", _complex(input), s, dim, norm)


@op(where=("fft",), out=True)
def hfftn(input: Array, s: Dims = None, dim: Dims = None, norm: str | None = None) -> Array:
    """:func:`fft` along all dimensions but the last of ``dim``, then :func:`hfft`."""
    return _irfftn("hfftn", jnp.conj(_complex(input)), s, dim, _REVERSED.get(norm, norm))


@op(where=("fft",), out=True)
def ihfftn(input: Array, s: Dims = None, dim: Dims = None, norm: str | None = None) -> Array:
    """The inverse of :func:`hfftn`."""
    x = _real("Only supports floating-point dtypes, but found:", input)
    return jnp.conj(_rfftn("ihfftn", x, s, dim, _REVERSED.get(norm, norm)))


@op(where=("fft",), out=True)
def fft2(input: Array, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None) -> Array:
    """:func:`fftn` along two dimensions."""
    return fftn(input, s, dim, norm)


@op(where=("fft",), out=True)
def ifft2(input: Array, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None) -> Array:
    """:func:`ifftn` along two dimensions."""
    return ifftn(input, s, dim, norm)


@op(where=("fft",), out=True)
def rfft2(input: Array, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None) -> Array:
    """:func:`rfftn` along two dimensions."""
    return rfftn(input, s, dim, norm)


@op(where=("fft",), out=True)
def irfft2(input: Array, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None) -> Array:
    """:func:`irfftn` along two dimensions."""
    return irfftn(input, s, dim, norm)


@op(where=("fft",), out=True)
def hfft2(input: Array, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None) -> Array:
    """:func:`hfftn` along two dimensions."""
    return hfftn(input, s, dim, norm)


@op(where=("fft",), out=True)
def ihfft2(input: Array, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None) -> Array:
    """:func:`ihfftn` along two dimensions."""
    return ihfftn(input, s, dim, norm)


def _frequencies(name: str, n: int, d: float, dtype: Any, numerators: Any) -> Array:
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    dtype = np.dtype(dtype or default_float())
    if not is_inexact(dtype):
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    return cast(numerators, dtype) * cast(1 / (n * d) if n * d else math.inf, dtype)


@op(where=("fft",), factory=True, out=True)
def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None) -> Array:
    """The frequencies of :func:`fft` of ``n`` samples that are ``d`` apart: first those from 0 up, then the negative.

    >>> fftfreq(4)
    Array([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32)
    """
    k = np.arange(n, dtype=np.int64)
    return _frequencies("fftfreq", n, d, dtype, np.where(k < (n + 1) // 2, k, k - n))


@op(where=("fft",), factory=True, out=True)
def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None) -> Array:
    """The frequencies of :func:`rfft` of ``n`` samples that are ``d`` apart.

    >>> rfftfreq(4)
    Array([0.  , 0.25, 0.5 ], dtype=float32)
    """
    return _frequencies("rfftfreq", n, d, dtype, np.arange(n // 2 + 1, dtype=np.int64))


def _rolled(x: Array, dim: Dims, shift: Any) -> Array:
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [wrap_dim(d, x.ndim) for d in dims]
    if not dims:
        raise RuntimeError("`shifts` required")
    return jnp.roll(x, [shift(x.shape[d]) for d in dims], dims)


@op(where=("fft",))
def fftshift(input: Array, dim: Dims = None) -> Array:
    """The values of :func:`fftn` in rising order of their frequencies, along ``dim`` (all by default)."""
    return _rolled(input, dim, lambda n: n // 2)


@op(where=("fft",))
def ifftshift(input: Array, dim: Dims = None) -> Array:
    """The inverse of :func:`fftshift`."""
    return _rolled(input, dim, lambda n: (n + 1) // 2)
