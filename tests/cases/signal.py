"""Short-time spectra, windows, histograms, finite differences, segments."""

from __future__ import annotations

import numpy as np

from tests.cases import case, error
from tests.cases.data import randint, randn, rising, tensor, uniform

NAN = float("nan")
SPECTRUM = randn(3, 5, dtype="complex64")
COUNTS = tensor([2, 0, 3])

CASES = [
    case("stft", randn(12), 4, return_complex=True),
    case("stft", randn(2, 13), 6, 2, 4, uniform(4), pad_mode="constant", normalized=True, return_complex=True),
    case("stft", randn(12), 4, onesided=False, center=False, return_complex=False),
    case("stft", randn(12, dtype="complex64"), 4, window=uniform(4)),
    case("stft", randn(12), 6, 2, 4, center=False, align_to_window=True, return_complex=True),
    case("istft", SPECTRUM, 4),
    case("istft", randn(2, 3, 5, dtype="complex64"), 4, 2, 3, tensor([0.5, 1.0, 0.7]), normalized=True),
    case("istft", SPECTRUM, 4, length=7),
    case("istft", SPECTRUM, 4, length=14),
    case("istft", SPECTRUM, 4, center=False, window=uniform(4)),
    case("istft", randn(4, 5, dtype="complex64"), 4, onesided=False, return_complex=True),
]
WINDOWS = ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")
CASES += [case(name, n) for name in WINDOWS for n in (0, 1, 6)]
CASES += [case(name, 5, False, dtype=np.dtype("float64")) for name in WINDOWS]
CASES += [case("hamming_window", 5, True, 0.5, 0.4), case("kaiser_window", 5, True, 8.0)]
CASES += [
    case("histogram", randn(20), 5).but(grad=False),
    case("histogram", randn(4, 5, dtype="float64"), 4, range=(-1.0, 1.0), density=True).but(grad=False),
    case("histogram", randn(20), 5, weight=uniform(20)).but(grad=False),
    case("histogram", randn(20), tensor([-1.0, -0.5, 0.0, 2.0])).but(grad=False),
    case("histogram", tensor([1.0, 1.0]), 2).but(grad=False),
    case("gradient", randn(5)),
    case("gradient", randn(2, 4), spacing=(2.0, 0.5), edge_order=1),
    case("gradient", randn(4, 3), spacing=0.5, dim=0, edge_order=2),
    case("gradient", randint(4)),
    case("gradient", randn(3, 5), spacing=[rising(5)], dim=1, edge_order=2),
    case("gradient", randn(3, 4), spacing=[rising(3), rising(4)]),
    case("histogramdd", uniform(6, 2), [2, 3]).but(grad=False),
    case("histogramdd", uniform(6, 2), 2, range=[0.0, 1.0, 0.0, 0.5], weight=uniform(6), density=True).but(grad=False),
    case("histogramdd", uniform(6, 2), [tensor([0.0, 0.5, 1.0]), tensor([0.2, 0.4])]).but(grad=False),
    case("nonzero_static", tensor([0.0, 2.0, 0.0, 3.0]), size=3).but(grad=False),
    case("nonzero_static", randint(3, 2, low=0, high=2), size=2, fill_value=7).but(grad=False),
    case("hash_tensor", randn(3, 4)).but(grad=False),
    case("hash_tensor", randint(3, 4), 1, keepdim=True).but(grad=False),
    case("hash_tensor", randint(3, 4, dtype="int8"), 0).but(grad=False),
]
CASES += [case("segment_reduce", randn(5, 2), r, lengths=COUNTS) for r in ("sum", "mean", "max", "min", "prod")]
CASES += [case("segment_reduce", randn(5), r, lengths=COUNTS, initial=0.5) for r in ("sum", "mean", "max", "prod")]
CASES += [
    case("segment_reduce", randn(5), "mean", offsets=tensor([0, 2, 5])),
    case("segment_reduce", randn(2, 4), "sum", lengths=tensor([[1, 3], [2, 2]]), axis=1),
    case("segment_reduce", tensor([1.0, 1.0, 0.0]), "max", lengths=tensor([3])),
    case("alias_copy", randn(3)),
    case("narrow_copy", randn(3, 4), 1, 1, 2),
    case("slice_copy", randn(3, 6), 1, 1, 6, 2),
    case("slice_copy", randn(5), 0, -3),
    case("view_as_real_copy", randn(3, dtype="complex64")),
    case("view_as_complex_copy", randn(3, 2)).but(grad=False),
    case("unsafe_chunk", randn(5, 2), 2),
    case("unsafe_split", randn(5, 2), 2),
    case("unsafe_split_with_sizes", randn(5, 2), [1, 4]),
]

ERRORS = [
    error("stft", randn(12), 4, match="requires the return_complex parameter"),
    error("stft", randn(12), 4, 0, return_complex=True, match="expected hop_length > 0, but got hop_length=0"),
    error("stft", randn(12), 4, win_length=5, return_complex=True, match="expected 0 < win_length <= n_fft"),
    error("stft", randn(12), 4, window=uniform(3), return_complex=True, match="expected a 1D window tensor of size"),
    error("stft", randn(1, 1, 12), 4, return_complex=True, match="expected a 1D or 2D tensor"),
    error("stft", randint(12), 4, return_complex=True, match="expected a tensor of floating point or complex"),
    error("stft", randn(12, dtype="complex64"), 4, onesided=True, match="Cannot have onesided output"),
    error("istft", randn(3, 4), 4, match="requires a complex-valued input tensor"),
    error("istft", randn(2, 4, dtype="complex64"), 4, match="expected the frequency dimension"),
    error("istft", SPECTRUM, 4, window=tensor([0.0] * 4), match="window overlap add min"),
    error("hann_window", -1, match="requires non-negative window_length, got window_length=-1"),
    error("hann_window", 3, dtype=np.dtype("int64"), match="expects floating point dtypes"),
    error("histogram", randn(3), 0, match="bins must be > 0, but got 0 for dimension 0"),
    error("histogram", randint(3), 2, match='"histogramdd" not implemented for'),
    error("gradient", randn(3), edge_order=3, match="only supports edge_order=1 and edge_order=2"),
    error("gradient", randn(1), match="expected each dimension size to be at least"),
    error("gradient", randn(3, 3), spacing=[1.0], match="expected spacing to be unspecified, a scalar"),
    error("nonzero_static", randn(3), size=-1, match="'size' must be an non-negative integer"),
    error("segment_reduce", randn(5), "sum", lengths=tensor([2, 2]), match="Expected all rows of lengths"),
    error("segment_reduce", randn(5), "sum", match="Either lengths or offsets must be defined"),
    error("slice_copy", tensor(1.0), match="cannot be applied to a 0-dim tensor"),
]
