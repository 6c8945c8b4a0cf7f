"""Max pooling over windows at random places.  Source: Graham, "Fractional Max-Pooling" (2014)."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.dtypes import cast
from fxtorch.ops.pool_kernels import pick
from fxtorch.ops.table import Array, op
from fxtorch.ops.windows import batched


def _starts(sample: JaxArray, size: int, count: int, kernel: int) -> JaxArray:
    """``(N, C, count)``: where the windows that ``sample`` (N, C) picks begin; the last ends where the input does."""
    last = jnp.full((*sample.shape, 1), size - kernel, np.int64)
    if count == 1:
        return last
    step = sample.dtype.type(size - kernel) / sample.dtype.type(count - 1)
    sample = sample[..., None]
    before = jnp.arange(count - 1, dtype=sample.dtype)
    starts = cast((before + sample) * step, np.int64) - cast(sample * step, np.int64)
    return jnp.concatenate([starts, last], -1)


@op(name="_fractional_max_pool", where=("nn.functional",))
def fractional_max_pool(
    input: Array, samples: Array, kernel: tuple[int, ...], output: tuple[int, ...]
) -> tuple[JaxArray, JaxArray]:
    """The maxima of ``(N, C, ...)`` or ``(C, ...)`` over windows, and where they are in the flattened input.

    Args:
        input: the images.
        samples: ``(N, C, n)``, numbers in [0, 1) that pick the windows of each dimension.
        kernel: the windows' sizes.
        output: how many windows there are in each of the ``n`` dimensions.

    Raises:
        RuntimeError: the windows do not fit the input, or a shape is not as above.
    """
    n = len(kernel)
    name = f"fractional_max_pool{n}d()"
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}")
    x, unbatched = batched(input, n)
    sizes = x.shape[2:]
    for size, k, count in zip(sizes, kernel, output, strict=True):
        if count + k - (n == 2) > size:  # in three dimensions torch wants one element to spare
            raise RuntimeError(f"{name}: pool size {k} too large relative to input size {size}")
    samples = samples[:1] if unbatched else samples
    if samples.shape != (*x.shape[:2], n):
        raise RuntimeError(f"{name}: expected _random_samples of shape {(*x.shape[:2], n)}, got {samples.shape}")
    flat = jnp.zeros((*x.shape[:2], *(1,) * (2 * n)), np.int64)
    for i, (size, k, count) in enumerate(zip(sizes, kernel, output, strict=True)):
        # the first sample is that of the width in two dimensions, that of the depth in three
        starts = _starts(samples[..., n - 1 - i if n == 2 else i], size, count, k)
        at = starts[..., None] + np.arange(k)
        ahead, behind = (1,) * i, (1,) * (n - 1 - i)
        flat = flat * size + at.reshape(*x.shape[:2], *ahead, count, *behind, *ahead, k, *behind)
    flat = flat.reshape(*x.shape[:2], *output, math.prod(kernel))
    best = jnp.argmax(pick(x, flat), -1, keepdims=True)
    indices = jnp.take_along_axis(flat, best, -1)[..., 0]
    values = pick(x, indices)
    return (values[0], indices[0]) if unbatched else (values, indices)
