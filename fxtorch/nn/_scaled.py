"""``scaled_mm`` and ``scaled_grouped_mm``: what their scales must be, in torch's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.ops.scaled import ScalingType as ScalingType
from fxtorch.ops.scaled import SwizzleType as SwizzleType
from fxtorch.ops.scaled import scales_of
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.dtype import bfloat16, dtype

_table = namespace("nn.functional")
_EIGHT_BITS = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
_PAIRS = {
    (ScalingType.TensorWise, ScalingType.TensorWise),
    (ScalingType.RowWise, ScalingType.RowWise),
    (ScalingType.BlockWise1x32, ScalingType.BlockWise1x32),
    (ScalingType.BlockWise1x128, ScalingType.BlockWise1x128),
    (ScalingType.BlockWise1x128, ScalingType.BlockWise128x128),
    (ScalingType.BlockWise128x128, ScalingType.BlockWise1x128),
}
_ALLOWED = (
    "Invalid scaling configuration.  Both matrices are 8-bit floats and each has one scale.  With float32 scales the "
    "recipes are TensorWise or RowWise for both, or blocks of 1x128 and 128x128; with float8_e8m0fnu scales "
    "BlockWise1x32 for both; "
)


def _single(value: Any, default: Any = None) -> Any:
    """The one item of a list, or the value itself."""
    if value is None:
        return default
    if not isinstance(value, list | tuple):
        return value
    if len(value) != 1:
        raise ValueError(f"{_ALLOWED}{len(value)} were given")
    return value[0]


def _check_types(matrices: Sequence[Tensor], scales: Sequence[Tensor], wanted: str) -> None:
    for matrix, scale in zip(matrices, scales, strict=True):
        if matrix.dtype.name not in _EIGHT_BITS or scale.dtype.name != wanted:
            raise ValueError(f"{_ALLOWED}a matrix of {matrix.dtype} with scales of {scale.dtype} was given")


def _contracted(a: Tensor, b: Tensor, dims: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The two matrices with the dimensions that ``dims`` names side by side."""
    for name, x in (("mat_a", a), ("mat_b", b)):
        if x.ndim != 2:
            raise ValueError(f"{name} must be a matrix")
    if len(dims) not in (0, 2):
        raise ValueError("contraction_dim must have exactly 2 elements")
    i, j = (dims[0] % 2, dims[1] % 2) if dims else (1, 0)
    if a.shape[i] != b.shape[j]:
        detail = f" with contraction dims mat_a: {dims[0]}, mat_b: {dims[1]}" if dims else ""
        shapes = f"{a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]}"
        raise ValueError(f"mat_a and mat_b shapes cannot be multiplied ({shapes}){detail}")
    return a if i == 1 else a.t(), b if j == 0 else b.t()


def _check_scale(name: str, scale: Tensor, recipe: ScalingType, swizzle: SwizzleType, rows: int, columns: int) -> None:
    high, wide = scales_of(recipe, swizzle, rows, columns)
    if recipe is ScalingType.TensorWise:
        if scale.numel() != 1:
            raise ValueError(f"{name} must have 1 Float element")
    elif recipe is ScalingType.BlockWise1x32:
        if scale.numel() != high * wide:
            raise ValueError(f"{name} must have {high} * {wide} elements, got {scale.numel()}")
    else:
        shape = [high, wide] if name == "scale_a" else [wide, high]
        if list(scale.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, got [{list(scale.shape)}]")


def scaled_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a: Tensor | list[Tensor],
    scale_recipe_a: ScalingType | list[ScalingType],
    scale_b: Tensor | list[Tensor],
    scale_recipe_b: ScalingType | list[ScalingType],
    swizzle_a: SwizzleType | list[SwizzleType] | None = None,
    swizzle_b: SwizzleType | list[SwizzleType] | None = None,
    bias: Tensor | None = None,
    output_dtype: dtype | None = bfloat16,
    contraction_dim: list[int] | tuple[int, ...] = (),
    use_fast_accum: bool = False,
) -> Tensor:
    """``(a * scale_a) @ (b * scale_b) + bias`` of 8-bit floats, summed in float32; it has no derivative, as in torch.

    PyTorch's CPU knows scales of a Tensor and of rows; here blocks work on every device.

    Args:
        mat_a: ``(M, K)``, an 8-bit float type.
        mat_b: ``(K, N)``.
        scale_a: what ``mat_a`` is to be multiplied with: one number, ``(M, 1)`` for rows, ``(M, K / 128)`` or
            ``(M / 128, K / 128)`` for blocks of 128, ``M * K / 32`` numbers for blocks of 32.
        scale_recipe_a: which numbers share a scale.
        scale_b: the same of ``mat_b``, transposed; blocks of 32 lie by the columns of ``mat_b``.
        scale_recipe_b: which numbers share a scale.
        swizzle_a: how scales of blocks of 32 lie in memory; row by row by default.
        swizzle_b: the same of ``scale_b``.
        bias: ``(N,)``.
        output_dtype: the type of the result; ``None`` for that of ``mat_a``.
        contraction_dim: which dimension of each is summed over; the last and the first by default.
        use_fast_accum: accepted; sums are float32 always.

    Raises:
        ValueError: shapes, types or recipes do not fit.

    >>> import fxtorch as torch
    >>> a = torch.tensor([[1.0, 2.0]]).to(torch.float8_e4m3fn)
    >>> scale, whole = torch.tensor(0.5), torch.nn.functional.ScalingType.TensorWise
    >>> torch.nn.functional.scaled_mm(a, a.t(), scale, whole, scale, whole, output_dtype=torch.float32)
    tensor([[1.2500]])
    """
    of_a, of_b = _single(scale_a), _single(scale_b)
    recipes = _single(scale_recipe_a), _single(scale_recipe_b)
    none = SwizzleType.NO_SWIZZLE
    swizzles = _single(swizzle_a, none), _single(swizzle_b, none)
    a, b = _contracted(mat_a, mat_b, contraction_dim)
    blocks_of_32 = recipes[0] is ScalingType.BlockWise1x32
    if recipes not in _PAIRS or (swizzles != (none, none) and not blocks_of_32):
        names = ", ".join(x.name for x in (*recipes, *swizzles))
        raise ValueError(f"{_ALLOWED}{names} was asked for")
    _check_types((a, b), (of_a, of_b), "float8_e8m0fnu" if blocks_of_32 else "float32")
    _check_scale("scale_a", of_a, recipes[0], swizzles[0], a.shape[0], a.shape[1])
    _check_scale("scale_b", of_b, recipes[1], swizzles[1], b.shape[1], b.shape[0])
    if bias is not None and bias.numel() != b.shape[1]:
        raise ValueError(f"Bias must be size {b.shape[1]} but got {bias.numel()}")
    kind = output_dtype or a.dtype
    return _table["_scaled_mm"](a, b, of_a, of_b, bias, recipes=recipes, swizzles=swizzles, out_dtype=kind)


def scaled_grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a: Tensor | list[Tensor],
    scale_recipe_a: ScalingType | list[ScalingType],
    scale_b: Tensor | list[Tensor],
    scale_recipe_b: ScalingType | list[ScalingType],
    swizzle_a: SwizzleType | list[SwizzleType] | None = None,
    swizzle_b: SwizzleType | list[SwizzleType] | None = None,
    bias: Tensor | None = None,
    offs: Tensor | None = None,
    output_dtype: dtype | None = bfloat16,
    contraction_dim: list[int] | tuple[int, ...] = (),
    use_fast_accum: bool = False,
) -> Tensor:
    """:func:`grouped_mm` of 8-bit floats with a scale for each row of ``mat_a`` and column of ``mat_b``.

    PyTorch has it on GPUs only; it has no derivative there, nor here.

    Args:
        mat_a: ``(M, K)`` or ``(G, M, K)``, an 8-bit float type.
        mat_b: ``(K, N)`` or ``(G, K, N)``.
        scale_a: ``(M,)`` or ``(G, M)``; with both matrices 2-D ``(G * M,)``, as each group of ``K`` has its own.
        scale_recipe_a: ``ScalingType.RowWise``.
        scale_b: ``(N,)`` or ``(G, N)``; ``(G * N,)``.
        scale_recipe_b: ``ScalingType.RowWise``.
        swizzle_a: no swizzle.
        swizzle_b: no swizzle.
        bias: added to the result.
        offs: ``(G,)``, where each group ends, if a matrix is 2-D.
        output_dtype: the type of the result; ``None`` for that of ``mat_a``.
        contraction_dim: accepted if it names the last dimension of ``mat_a`` and the last but one of ``mat_b``.
        use_fast_accum: accepted; sums are float32 always.

    Raises:
        ValueError: shapes, types or recipes do not fit.
        RuntimeError: ``offs`` is missing, or is given for a plain batch.
    """
    of_a, of_b = _single(scale_a), _single(scale_b)
    recipes = _single(scale_recipe_a), _single(scale_recipe_b)
    none = SwizzleType.NO_SWIZZLE
    if recipes != (ScalingType.RowWise,) * 2 or (_single(swizzle_a, none), _single(swizzle_b, none)) != (none, none):
        raise ValueError("Invalid scaling configuration.  Groups have a float32 scale for each row, without swizzle")
    _check_types((mat_a, mat_b), (of_a, of_b), "float32")
    for name, x in (("mat_a", mat_a), ("mat_b", mat_b)):
        if x.ndim not in (2, 3):
            raise ValueError(f"{name} has to be 2 or 3d")
    dims = (contraction_dim[0] % mat_a.ndim, contraction_dim[1] % mat_b.ndim) if contraction_dim else None
    if mat_a.shape[-1] != mat_b.shape[-2] or dims not in (None, (mat_a.ndim - 1, mat_b.ndim - 2)):
        raise ValueError("contraction dimension of mat_a and mat_b must match")
    groups = 1 if offs is None or mat_a.ndim != mat_b.ndim else offs.shape[0]
    for name, scale, x, rows in (("scale_a", of_a, mat_a, -2), ("scale_b", of_b, mat_b, -1)):
        shape = [groups * x.shape[rows]] if x.ndim == 2 else [x.shape[0], x.shape[rows]]
        if list(scale.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {list(scale.shape)}")
    kind = output_dtype or mat_a.dtype
    return _table["_scaled_grouped_mm"](mat_a, mat_b, of_a, of_b, offs, bias, out_dtype=kind)
