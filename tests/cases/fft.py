"""Fourier transforms."""

from __future__ import annotations

import numpy as np

from tests.cases import case, error
from tests.cases.data import randint, randn, tensor

COMPLEX = randn(3, 4, dtype="complex64")
LINES = ("fft.fft", "fft.ifft", "fft.hfft", "fft.irfft")
PLANES = ("fft.fftn", "fft.ifftn", "fft.hfftn", "fft.irfftn")
REAL_LINES, REAL_PLANES = ("fft.rfft", "fft.ihfft"), ("fft.rfftn", "fft.ihfftn")

CASES = [case(name, COMPLEX) for name in (*LINES, *PLANES, "fft.fft2", "fft.ifft2", "fft.hfft2", "fft.irfft2")]
CASES += [case(name, randn(3, 4)) for name in (*REAL_LINES, *REAL_PLANES, "fft.rfft2", "fft.ihfft2")]
CASES += [case(name, randn(3, 5)) for name in ("fft.fft", "fft.hfft", "fft.irfft")]
CASES += [case(name, COMPLEX, n, 0, norm) for name in LINES for n, norm in ((5, "ortho"), (2, "forward"))]
CASES += [case(name, randn(3, 4), n, 0, norm) for name in REAL_LINES for n, norm in ((5, "ortho"), (2, "forward"))]
CASES += [case(name, randn(2, 3, 4, dtype="complex64"), (5, -1), (2, 0), "ortho") for name in PLANES]
CASES += [case(name, randn(2, 3, 4), (5, -1), (2, 0), "forward") for name in REAL_PLANES]
CASES += [case("fft.fftn", randn(2, 3, 2, 3, dtype="complex64")), case("fft.fftn", randn(2, 3), dim=())]
CASES += [case("fft.irfftn", COMPLEX, s=(3,)), case("fft.rfftn", randn(3, 4), s=(6,))]
CASES += [case(name, n, d=0.5) for name in ("fft.fftfreq", "fft.rfftfreq") for n in (0, 4, 5)]
CASES += [case("fft.fftfreq", 4, dtype=np.dtype("float64"))]
CASES += [case(name, x) for name in ("fft.fftshift", "fft.ifftshift") for x in (randn(3, 4), randint(5))]
CASES += [case(name, randn(3, 5), dim=(1,)) for name in ("fft.fftshift", "fft.ifftshift")]

ERRORS = [
    error("fft.fft", randn(3), 0, match=r"Invalid number of data points \(0\) specified"),
    error("fft.irfft", randn(3, 1), match=r"Invalid number of data points \(0\) specified"),
    error("fft.fft", randn(3), norm="x", match='Invalid normalization mode: "x"'),
    error("fft.fft", randn(3), dim=1, match="Dimension out of range"),
    error("fft.fft", tensor(1.0), match="Dimension specified as -1 but tensor has no dimensions"),
    error("fft.fft", randn(3, dtype="float16"), match="Unsupported dtype Half"),
    error("fft.rfft", COMPLEX, match="rfft expects a real input tensor, but got ComplexFloat"),
    error("fft.rfftn", COMPLEX, match="rfftn expects a real-valued input tensor, but got ComplexFloat"),
    error("fft.ihfftn", COMPLEX, match="Only supports floating-point dtypes, but found: ComplexFloat"),
    error("fft.rfftn", randn(3), dim=(), match="rfftn must transform at least one axis"),
    error("fft.hfftn", tensor(1.0), match="hfftn must transform at least one axis"),
    error("fft.fftn", randn(3), s=(1, 2), match="Got shape with 2 values but input tensor only has 1 dimensions"),
    error("fft.fftn", randn(3, 4), s=(1,), dim=(0, 1), match="dim and shape arguments must have the same length"),
    error("fft.fftn", randn(3, 4), dim=(0, 0), match="FFT dims must be unique"),
    error("fft.fftfreq", -1, match="negative dimension"),
    error("fft.fftfreq", 4, dtype=np.dtype("int64"), match="fftfreq requires a floating point or complex dtype"),
    error("fft.fftshift", tensor(1.0), match="`shifts` required"),
]
