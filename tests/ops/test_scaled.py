"""Products of 8-bit matrices with scales: against the product of the numbers that they stand for."""

from typing import Any

import pytest

import fxtorch as torch
from fxtorch.nn import functional as F
from fxtorch.nn.functional import ScalingType, SwizzleType

M, K, N = 40, 384, 136  # none but K a multiple of a block of 128
E4M3, E8M0 = torch.float8_e4m3fn, torch.float8_e8m0fnu


@pytest.fixture
def matrices():
    torch.manual_seed(0)
    return torch.randn(M, K).to(E4M3), torch.randn(N, K).to(E4M3).t()


def spread(scale, high, wide, rows, columns):
    return scale.float().repeat_interleave(high, 0).repeat_interleave(wide, 1)[:rows, :columns]


def close(out, wanted, dtype=torch.bfloat16):
    assert out.dtype is dtype
    torch.testing.assert_close(out, wanted.to(dtype))


def test_one_scale_and_scales_of_rows(matrices):
    a, b = matrices
    half, third = torch.tensor(0.5), torch.tensor([[0.3]])
    out = F.scaled_mm(a, b, half, ScalingType.TensorWise, third, ScalingType.TensorWise)
    close(out, a.float() @ b.float() * 0.5 * 0.3)
    a, b = a[:, :32], b[:32]
    rows, columns, bias = torch.rand(M, 1), torch.rand(1, N), torch.rand(N)
    out = F.scaled_mm(
        a, b, [rows], [ScalingType.RowWise], columns, ScalingType.RowWise, bias=bias, output_dtype=torch.float32
    )
    close(out, (a.float() * rows) @ (b.float() * columns) + bias, torch.float32)


def test_the_result_has_the_type_of_the_operand_when_none_is_named(matrices):
    a, b = matrices
    whole, scale = ScalingType.TensorWise, torch.tensor(0.1)
    assert F.scaled_mm(a, b, scale, whole, scale, whole, output_dtype=None).dtype is E4M3


@pytest.mark.parametrize("high", [1, 128])
def test_blocks_of_128(matrices, high):
    a, b = matrices
    kinds = {1: ScalingType.BlockWise1x128, 128: ScalingType.BlockWise128x128}
    of_a, of_b = torch.rand(M, 3), torch.rand(3, N if high == 1 else 2)
    out = F.scaled_mm(a, b, of_a, ScalingType.BlockWise1x128, of_b, kinds[high])
    close(out, (a.float() * spread(of_a, 1, 128, M, K)) @ (b.float() * spread(of_b, 128, high, K, N)))


def swizzled(scale):
    """128 rows and 4 columns at a time, the rows 32 apart side by side: a loop over the places."""
    high, wide = -(-scale.shape[0] // 128) * 128, -(-scale.shape[1] // 4) * 4
    flat = [1.0] * (high * wide)
    for r, row in enumerate(scale.float().tolist()):
        for c, value in enumerate(row):
            tile = (r // 128) * (wide // 4) + c // 4
            flat[tile * 512 + (r % 32) * 16 + (r % 128) // 32 * 4 + c % 4] = value
    return torch.tensor(flat).to(scale.dtype)


def test_blocks_of_32_row_by_row_and_swizzled(matrices):
    a, b = matrices
    blocks, tiles = ScalingType.BlockWise1x32, SwizzleType.SWIZZLE_32_4_4
    of_a, of_b = (2.0 ** torch.randint(-3, 4, (rows, K // 32)) for rows in (M, N))
    of_a, of_b = of_a.to(E8M0), of_b.to(E8M0)
    wanted = (a.float() * spread(of_a, 1, 32, M, K)) @ (b.float() * spread(of_b, 1, 32, N, K).t())
    close(F.scaled_mm(a, b, of_a, blocks, of_b, blocks), wanted)
    close(F.scaled_mm(a, b, swizzled(of_a), blocks, swizzled(of_b), blocks, tiles, tiles), wanted)


def test_the_dimension_that_is_summed_over_may_be_named(matrices):
    a, b = matrices
    whole, scale = ScalingType.TensorWise, torch.tensor(1.0)
    turned = F.scaled_mm(a.t(), b.t(), scale, whole, scale, whole, contraction_dim=[0, 1])
    assert torch.equal(turned, F.scaled_mm(a, b, scale, whole, scale, whole))


def test_compiled_and_mapped_products_are_the_eager_ones(matrices):
    a, b = matrices
    whole, scale = ScalingType.TensorWise, torch.tensor(0.5)

    def product(x):
        return F.scaled_mm(x, b, scale, whole, scale, whole)

    assert torch.equal(torch.jit(product)(a), product(a))
    torch.testing.assert_close(torch.func.vmap(product)(torch.stack([a, a]))[1], product(a))


@pytest.mark.parametrize("kind", ["rows", "columns", "summed", "batch"])
def test_groups_with_scales_of_rows(kind):
    torch.manual_seed(0)
    g, m, k, n = 2, 16, 32, 48
    ends = {"rows": [10, m], "columns": [20, n], "summed": [8, k], "batch": None}[kind]
    a = torch.randn(*([g] if kind in ("columns", "batch") else []), m, k).to(E4M3)
    b = torch.randn(*([g] if kind in ("rows", "batch") else []), k, n).to(E4M3)
    times = g if kind == "summed" else 1
    of_a, of_b = (torch.rand(*x.shape[:-2], times * size) for x, size in ((a, m), (b, n)))
    offs = None if ends is None else torch.tensor(ends, dtype=torch.int32)
    rows = ScalingType.RowWise
    out = F.scaled_grouped_mm(a, b, of_a, rows, of_b, rows, offs=offs, output_dtype=torch.float32)
    wide_a, wide_b = a.float(), b.float()
    if kind == "summed":
        parts = [(wide_a[:, :8], wide_b[:8]), (wide_a[:, 8:], wide_b[8:])]
        wanted = torch.stack(
            [x @ y * p[:, None] * q for (x, y), p, q in zip(parts, of_a.view(g, m), of_b.view(g, n), strict=True)]
        )
    else:
        wide_a, wide_b = wide_a * of_a[..., None], wide_b * of_b[..., None, :]
        if kind == "rows":
            wanted = torch.cat([wide_a[:10] @ wide_b[0], wide_a[10:] @ wide_b[1]])
        elif kind == "columns":
            wanted = torch.cat([wide_a[0] @ wide_b[:, :20], wide_a[1] @ wide_b[:, 20:]], 1)
        else:
            wanted = wide_a @ wide_b
    close(out, wanted, torch.float32)


def test_what_does_not_fit_is_refused(matrices):
    a, b = matrices
    whole, rows, scale = ScalingType.TensorWise, ScalingType.RowWise, torch.tensor(1.0)
    refused: list[tuple[Any, str]] = [
        ((a.float(), b, scale, whole, scale, whole), "8-bit floats"),
        ((a, b, scale, whole, torch.rand(1, N), rows), "TensorWise, RowWise"),
        ((a, b, scale.to(torch.bfloat16), whole, scale, whole), "torch.bfloat16"),
        ((a, b, [scale, scale], [whole], scale, whole), "2 were given"),
        ((a, b, torch.rand(M), whole, scale, whole), "scale_a must have 1 Float element"),
        ((a, b, torch.rand(M - 1, 1), rows, torch.rand(1, N), rows), r"scale_a must have shape \[40, 1\]"),
        ((a, b[:-1], scale, whole, scale, whole), "cannot be multiplied"),
        ((a[None], b, scale, whole, scale, whole), "mat_a must be a matrix"),
        ((a, b, scale, whole, scale, whole, None, None, torch.rand(N - 1)), "Bias must be size 136 but got 135"),
    ]
    for arguments, words in refused:
        with pytest.raises(ValueError, match=words):
            F.scaled_mm(*arguments)
    groups = a, b, torch.rand(M), rows, torch.rand(N), rows
    with pytest.raises(ValueError, match="scale_a must have shape"):
        F.scaled_grouped_mm(*groups, offs=torch.tensor([100, K], dtype=torch.int32))
    with pytest.raises(RuntimeError, match="offs"):
        F.scaled_grouped_mm(*groups)
    with pytest.raises(ValueError, match="scale for each row"):
        F.scaled_grouped_mm(a, b, scale, whole, scale, whole)
