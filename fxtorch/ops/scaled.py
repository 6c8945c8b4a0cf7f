"""Products of 8-bit matrices that carry their scales: ``a`` stands for ``a * scale_a``."""

from __future__ import annotations

import enum
import math

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.dtypes import cast
from fxtorch.ops.grouped import grouped_mm
from fxtorch.ops.table import Array, op


class ScalingType(enum.Enum):
    """Which numbers of a matrix share one scale; ``K`` is the dimension that the product sums over."""

    TensorWise = 0  # all
    RowWise = 1  # each row of K
    BlockWise1x16 = 2  # 16 along K
    BlockWise1x32 = 3  # 32 along K
    BlockWise1x128 = 4  # 128 along K
    BlockWise128x128 = 5  # 128 rows times 128 along K


class SwizzleType(enum.Enum):
    """How the scales lie in memory."""

    NO_SWIZZLE = 0  # row by row
    SWIZZLE_32_4_4 = 1  # tiles of 128 rows and 4 columns, row ``32 * i + j`` of a tile at ``(j, i)``


_BLOCKS = {  # rows and columns that share a scale
    ScalingType.BlockWise1x32: (1, 32),
    ScalingType.BlockWise1x128: (1, 128),
    ScalingType.BlockWise128x128: (128, 128),
}


def scales_of(recipe: ScalingType, swizzle: SwizzleType, rows: int, columns: int) -> tuple[int, int]:
    """How many scales a matrix ``(rows, columns)`` has along each dimension, columns being summed over."""
    if recipe not in _BLOCKS:
        return (1, 1) if recipe is ScalingType.TensorWise else (rows, 1)
    high, wide = (math.ceil(n / block) for n, block in zip((rows, columns), _BLOCKS[recipe], strict=True))
    if swizzle is SwizzleType.NO_SWIZZLE:
        return high, wide
    return math.ceil(high / 128) * 128, math.ceil(wide / 4) * 4


def _unswizzled(scale: JaxArray, high: int, wide: int) -> JaxArray:
    tiles = scale.reshape(high // 128, wide // 4, 32, 4, 4)
    return tiles.transpose(0, 3, 2, 1, 4).reshape(high, wide)


def _spread(scale: JaxArray, recipe: ScalingType, swizzle: SwizzleType, rows: int, columns: int) -> JaxArray:
    """``scale`` with a number for each of ``(rows, columns)``, or with sizes of 1 that broadcast."""
    scale = cast(scale, np.dtype(np.float32))
    high, wide = scales_of(recipe, swizzle, rows, columns)
    if recipe not in _BLOCKS:
        return scale.reshape(high, wide)
    scale = scale.reshape(high, wide) if swizzle is SwizzleType.NO_SWIZZLE else _unswizzled(scale, high, wide)
    for axis, block in enumerate(_BLOCKS[recipe]):
        scale = scale if block == 1 else jnp.repeat(scale, block, axis)
    return scale[:rows, :columns]


@op(name="_scaled_mm", where=("nn.functional",), differentiable=False)
def scaled_mm(
    mat_a: Array,
    mat_b: Array,
    scale_a: Array,
    scale_b: Array,
    bias: Array | None,
    *,
    recipes: tuple[ScalingType, ScalingType],
    swizzles: tuple[SwizzleType, SwizzleType],
    out_dtype: np.dtype,
) -> Array:
    """``(a * scale_a) @ (b * scale_b) + bias`` in float32, cast to ``out_dtype``.

    Args:
        mat_a: ``(M, K)``.
        mat_b: ``(K, N)``.
        scale_a: as :func:`scales_of` counts for ``(M, K)``.
        scale_b: as :func:`scales_of` counts for ``(N, K)``; transposed, except for blocks of 32.
        bias: ``(N,)``.
        recipes: what shares a scale in each matrix.
        swizzles: how each matrix's scales lie.
        out_dtype: the type of the result.
    """
    a, b = (cast(x, np.dtype(np.float32)) for x in (mat_a, mat_b))
    if recipes[1] is not ScalingType.BlockWise1x32:
        scale_b = scale_b if scale_b.ndim < 2 else scale_b.T
    of_a = _spread(scale_a, recipes[0], swizzles[0], *a.shape)
    of_b = _spread(scale_b, recipes[1], swizzles[1], *b.T.shape).T
    if any(recipe in _BLOCKS for recipe in recipes):
        out = jnp.matmul(a * of_a, b * of_b)
    else:
        out = jnp.matmul(a, b) * of_a * of_b
    return cast(out if bias is None else out + bias, out_dtype)


@op(name="_scaled_grouped_mm", where=("nn.functional",), differentiable=False)
def scaled_grouped_mm(
    mat_a: Array,
    mat_b: Array,
    scale_a: Array,
    scale_b: Array,
    offs: Array | None,
    bias: Array | None,
    *,
    out_dtype: np.dtype,
) -> Array:
    """:func:`grouped_mm` of matrices with a scale for each row of ``a`` and each column of ``b``, summed in float32.

    Args:
        mat_a: ``(M, K)`` or ``(G, M, K)``.
        mat_b: ``(K, N)`` or ``(G, K, N)``.
        scale_a: ``(M,)`` or ``(G, M)``; with both matrices 2-D ``(G * M,)``, since each group of ``K`` has its own.
        scale_b: ``(N,)`` or ``(G, N)``; ``(G * N,)``.
        offs: ``(G,)``, where each group ends.
        bias: added to the result.
        out_dtype: the type of the result.
    """
    a, b = (cast(x, np.dtype(np.float32)) for x in (mat_a, mat_b))
    if a.ndim == b.ndim == 2:
        out = grouped_mm(a, b, offs=offs)
        out = out * scale_a.reshape(-1, a.shape[0], 1) * scale_b.reshape(-1, 1, b.shape[1])
    else:
        out = grouped_mm(a * scale_a[..., :, None], b * scale_b[..., None, :], offs=offs)
    return cast(out if bias is None else out + bias, out_dtype)
