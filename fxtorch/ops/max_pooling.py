"""Max pooling, its adaptive form, and its partial inverse, in one to three dimensions."""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.pool_kernels import (
    MAX_SLICES,
    Window,
    gathered_indices,
    max_pool,
    max_pool_indices,
    pick,
    window_table,
)
from fxtorch.ops.table import Array, op
from fxtorch.ops.windows import Sizes, batched, expand, times, window_count

Result = JaxArray | tuple[JaxArray, JaxArray]
OptionalSizes = int | tuple[int | None, ...]


def check_pool(x: JaxArray, n: int, name: str) -> None:
    """Raise where ``x`` is not ``(N, C, ...)`` or ``(C, ...)`` with ``n`` spatial dimensions."""
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got: {list(x.shape)}"
        )


def check_adaptive(x: JaxArray, n: int, name: str) -> None:
    """:func:`check_pool` with the classes that torch raises for adaptive pools.

    Raises:
        ValueError: in two or three dimensions, there are no more than the spatial ones.
        RuntimeError: the rank does not fit otherwise.
    """
    if n > 1 and x.ndim <= n:
        raise ValueError(f"Input dimension should be at least {n + 1}")
    check_pool(x, n, name)


def pool_window(
    x: JaxArray, kernel: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil_mode: bool, n: int
) -> Window:
    """The window of a pooling over the last ``n`` dimensions of ``x``.

    Raises:
        RuntimeError: a size is not positive, padding exceeds half the kernel, or no window fits.
    """
    if 0 in x.shape[-n - 1 :]:
        raise RuntimeError(f"Expected all dimensions but that of the batch to be non-empty, but got: {list(x.shape)}")
    k, d = expand(kernel, n, "kernel_size"), expand(dilation, n, "dilation")
    s = k if stride is None or stride == () else expand(stride, n, "stride")
    p = expand(padding, n, "padding")
    if min(k) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(k)}")
    if min(s) <= 0:
        raise RuntimeError("stride should not be zero")
    if min(d) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(d)}")
    if any(q < 0 for q in p):
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(p)}")
    for q, size, step in zip(p, k, d, strict=True):
        if q > ((size - 1) * step + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={q}, kernel_size={size} "
                f"and dilation={step}"
            )
    sizes = x.shape[-n:]
    count = tuple(window_count(*row, ceil_mode) for row in zip(sizes, k, s, p, d, strict=True))
    if min(count) <= 0:
        channels = x.shape[-n - 1]
        raise RuntimeError(
            f"Given input size: ({channels}x{times(sizes).replace(' ', '')}). "
            f"Calculated output size: ({channels}x{times(count).replace(' ', '')}). Output size is too small"
        )
    return Window(k, s, p, d, count)


def _max_pool(
    x: JaxArray,
    kernel: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
    n: int,
) -> Result:
    check_pool(x, n, f"max_pool{n}d")
    window = pool_window(x, kernel, stride, padding, dilation, ceil_mode, n)
    x, unbatched = batched(x, n)
    if math.prod(window.kernel) > MAX_SLICES:
        rows = zip(x.shape[2:], *window, strict=True)
        index = gathered_indices(x, [window_table(*row) for row in rows])
        values = pick(x, index)
    else:
        values = max_pool(x, window)
        index = max_pool_indices(x, window) if return_indices else None
    if unbatched:
        values, index = values[0], None if index is None else index[0]
    return values if index is None or not return_indices else (values, index)


@op(where=("torch", "nn.functional"), real=True)
def max_pool1d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Result:
    """The maximum over windows of ``(N, C, L)`` or ``(C, L)``; see :func:`max_pool2d`."""
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 1)


@op(where=("torch", "nn.functional"), real=True)
def max_pool2d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Result:
    """``out[n, c, p] = max_k input[n, c, stride p + dilation k - padding]``; the first maximum gets the gradient.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        kernel_size: the window's size.
        stride: its step; the kernel size where absent.
        padding: rows of minus infinity on every side, at most half the kernel.
        dilation: the step between the elements of the window.
        ceil_mode: also take windows that overhang the end.
        return_indices: also return where the maxima lie in the flattened ``H W`` (int64).

    Raises:
        RuntimeError: the rank or a size does not fit.

    >>> import jax.numpy as jnp
    >>> max_pool2d(jnp.arange(16.0, dtype="float32").reshape(1, 4, 4), 2).tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


@op(where=("torch", "nn.functional"), real=True)
def max_pool3d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Result:
    """The maximum over windows of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :func:`max_pool2d`."""
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 3)


def output_sizes(x: JaxArray, output_size: OptionalSizes, n: int) -> tuple[int, ...]:
    """The target of an adaptive pooling; ``None`` keeps a dimension."""
    wanted = (output_size,) * n if isinstance(output_size, int) or output_size is None else output_size
    if len(wanted) != n:
        raise RuntimeError(f"output_size must be a single integer or {n} values, but got {list(wanted)}")
    sizes = tuple(s if w is None else int(w) for w, s in zip(wanted, x.shape[-n:], strict=True))
    if min(sizes) < 0:
        raise RuntimeError(f"elements of output_size must be greater than or equal to 0 but received {list(sizes)}")
    return sizes


def adaptive_bounds(size: int, out: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each of ``out`` windows starts and ends: ``floor(i size / out)`` and ``ceil((i + 1) size / out)``."""
    i = np.arange(out)
    return i * size // out, -((-(i + 1) * size) // out)


def _adaptive_max_pool(x: JaxArray, output_size: OptionalSizes, return_indices: bool, n: int) -> Result:
    check_adaptive(x, n, f"adaptive_max_pool{n}d")
    sizes, out = x.shape[-n:], output_sizes(x, output_size, n)
    if min(out) > 0 and all(s % o == 0 for s, o in zip(sizes, out, strict=True)):
        kernel = tuple(s // o for s, o in zip(sizes, out, strict=True))
        return _max_pool(x, kernel, kernel, 0, 1, False, return_indices, n)
    x, unbatched = batched(x, n)
    tables = []
    for s, o in zip(sizes, out, strict=True):
        start, end = adaptive_bounds(s, o)
        width = int((end - start).max(initial=1))
        tables.append(np.minimum(start[:, None] + np.arange(width), end[:, None] - 1).astype(np.int32))
    index = gathered_indices(x, tables)
    values = pick(x, index)
    values, index = (values[0], index[0]) if unbatched else (values, index)
    return (values, index) if return_indices else values


@op(where=("nn.functional",), real=True)
def adaptive_max_pool1d(input: Array, output_size: OptionalSizes, return_indices: bool = False) -> Result:
    """Max pooling to ``output_size``; see :func:`adaptive_max_pool2d`."""
    return _adaptive_max_pool(input, output_size, return_indices, 1)


@op(where=("nn.functional",), real=True)
def adaptive_max_pool2d(input: Array, output_size: OptionalSizes, return_indices: bool = False) -> Result:
    """The maximum over windows ``floor(i H / OH) .. ceil((i + 1) H / OH)``, so that the result is ``output_size``.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        output_size: one number, or one a dimension; ``None`` keeps a dimension.
        return_indices: also return where the maxima lie in the flattened ``H W`` (int64).
    """
    return _adaptive_max_pool(input, output_size, return_indices, 2)


@op(where=("nn.functional",), real=True)
def adaptive_max_pool3d(input: Array, output_size: OptionalSizes, return_indices: bool = False) -> Result:
    """Max pooling to ``output_size``; see :func:`adaptive_max_pool2d`."""
    return _adaptive_max_pool(input, output_size, return_indices, 3)


@functools.partial(custom_gradient, static=(2,))
def _put_back(x: JaxArray, at: JaxArray, size: int) -> JaxArray:
    """``x`` at places ``at`` of a row of zeros; where two meet, each gets the gradient."""
    return jnp.put_along_axis(jnp.zeros((*x.shape[:-1], size), x.dtype), at, x, -1, inplace=False)


def _put_back_fwd(x: JaxArray, at: JaxArray, size: int) -> tuple[JaxArray, JaxArray]:
    return _put_back(x, at, size), at


def _put_back_bwd(size: int, at: JaxArray, g: JaxArray) -> tuple[JaxArray, None]:
    return jnp.take_along_axis(g, at, -1), None


_put_back.defvjp(_put_back_fwd, _put_back_bwd)


def _unpool(
    x: JaxArray,
    indices: JaxArray,
    kernel: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: tuple[int, ...] | None,
    n: int,
) -> JaxArray:
    if x.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(x.shape)}) "
            f"but got indices tensor with shape: {list(indices.shape)}"
        )
    k, p = expand(kernel, n, "kernel_size"), expand(padding, n, "padding")
    s = k if stride is None else expand(stride, n, "stride")
    rows = zip(x.shape[-n:], s, p, k, strict=True)
    sizes = tuple((size - 1) * step - 2 * pad + width for size, step, pad, width in rows)
    if output_size is not None:
        wanted = tuple(output_size)[-n:]
        for i, (size, got, step) in enumerate(zip(sizes, wanted, s, strict=True)):
            if not size - step < got < size + step:
                raise ValueError(
                    f'invalid output_size "{list(wanted)}" (dim {i} must be between {size - step} and {size + step})'
                )
        sizes = wanted
    x, unbatched = batched(x, n)
    lead = x.shape[:2]
    flat, at = x.reshape(*lead, -1), indices.reshape(*lead, -1)
    out = _put_back(flat, at, math.prod(sizes)).reshape(*lead, *sizes)
    return out[0] if unbatched else out


@op(where=("nn.functional",), real=True)
def max_unpool1d(
    input: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: tuple[int, ...] | None = None,
) -> Array:
    """Put each value back where :func:`max_pool1d` found it, zeros elsewhere."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 1)


@op(where=("nn.functional",), real=True)
def max_unpool2d(
    input: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: tuple[int, ...] | None = None,
) -> Array:
    """Put each value back where :func:`max_pool2d` found it, zeros elsewhere.

    Args:
        input: ``(N, C, OH, OW)``.
        indices: of the same shape, into the flattened result.
        kernel_size: that of the pooling, from which the result's size follows.
        stride: its step; the kernel size where absent.
        padding: its padding.
        output_size: the result's size where several are possible.
    """
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 2)


@op(where=("nn.functional",), real=True)
def max_unpool3d(
    input: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: tuple[int, ...] | None = None,
) -> Array:
    """Put each value back where :func:`max_pool3d` found it, zeros elsewhere."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 3)
