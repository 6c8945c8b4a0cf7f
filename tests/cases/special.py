"""Special functions and complex numbers."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randint, randn, tensor, uniform

NAN, INF = float("nan"), float("inf")
EDGES = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN]

EVERYWHERE = ["sigmoid", "erf", "erfc", "i0", "special.i0e", "special.i1", "special.i1e", "special.ndtr"]
EVERYWHERE += ["special.log_ndtr", "special.erfcx"]
CASES = [case(name, randn(3, 4)) for name in EVERYWHERE]
CASES += [case(name, uniform(3, 4, low=0.2, high=4.0)) for name in ("lgamma", "digamma", "special.entr")]
CASES += [case(name, uniform(3, 4)) for name in ("logit", "erfinv", "special.ndtri")]
CASES += [case(name, tensor(EDGES)).but(grad=False) for name in ("sigmoid", "erf", "erfc", "lgamma", "special.entr")]
CASES += [case("digamma", tensor([0.0, -0.0, 1.0, INF])).but(grad=False)]
CASES += [
    case("special.expit", randn(3)),
    case("special.gammaln", uniform(3)),
    case("special.psi", uniform(3, low=1.0, high=2.0)),
    case("logit", tensor([0.05, 0.3, 0.99]), 0.1),
    case("Tensor.polygamma", uniform(3, low=1.0, high=4.0), 1),
    case("Tensor.polygamma_", uniform(3, low=1.0, high=4.0), 1).but(grad=False, jit="in place"),
    case("polygamma", 1, uniform(3, low=1.0, high=4.0)),
    case("polygamma", 2, uniform(3, low=1.0, high=4.0)),
    case("polygamma", 0, uniform(3, low=1.0, high=4.0)),
    case("polygamma", 1, uniform(3, low=-0.8, high=-0.2, dtype="float64")),
    case("digamma", uniform(3, low=-0.8, high=-0.2, dtype="float64")),
    case("mvlgamma", uniform(3, low=2.0, high=4.0), 3),
    case("igamma", uniform(3, low=0.5, high=3.0), uniform(3, low=0.5, high=3.0)).but(grad=False),
    case("igammac", uniform(3, low=0.5, high=3.0), uniform(3, low=0.5, high=3.0)).but(grad=False),
    case("special.zeta", uniform(3, low=2.0, high=3.0), uniform(3, low=1.0, high=3.0)).but(grad=False),
    case("xlogy", tensor([0.0, 0.0, 2.0]), tensor([1.0, 2.0, 3.0])),
    case("xlogy", tensor([0.0, 1.0, 0.0]), tensor([NAN, 0.0, 0.0])).but(grad=False),
    case("xlogy", 2.0, uniform(3)),
    case("xlogy", randn(3, 4), uniform(4)),
    case("special.xlog1py", randn(3, 4), uniform(4)),
    case("special.exp2", randn(3)),
    case("special.multigammaln", uniform(3, low=2.0, high=4.0), 2),
    case("special.logsumexp", randn(3, 4), 1),
]
CASES += [
    case("real", randn(3, dtype="complex64")),
    case("real", randn(3)),
    case("imag", randn(3, dtype="complex64")),
    case("view_as_real", randn(3, dtype="complex64")),
    case("view_as_complex", randn(3, 2)),
    case("conj", randn(3, dtype="complex64")),
    case("conj_physical", randn(3, dtype="complex64")),
    case("resolve_conj", randn(3, dtype="complex64")),
    case("angle", randn(3, dtype="complex64")),
    case("angle", tensor([1.0, -2.0, 0.0, NAN])),
    case("angle", randint(3)),
    case("complex", randn(3), randn(3)),
    case("polar", uniform(3), randn(3)),
]

BESSEL = ["special.bessel_j0", "special.bessel_j1", "special.spherical_bessel_j0", "special.airy_ai"]
SECOND_KIND = ["special.bessel_y0", "special.bessel_y1", "special.modified_bessel_k0", "special.modified_bessel_k1"]
SECOND_KIND += ["special.scaled_modified_bessel_k0", "special.scaled_modified_bessel_k1"]
POLYNOMIALS = [f"special.{s}chebyshev_polynomial_{k}" for s in ("", "shifted_") for k in "tuvw"]
POLYNOMIALS += ["special.hermite_polynomial_h", "special.hermite_polynomial_he"]
POLYNOMIALS += ["special.laguerre_polynomial_l", "special.legendre_polynomial_p"]
DEGREES = tensor([-1, 0, 1, 2, 3, 7, 8, 9, 12])
# From 5 on PyTorch's own values are off by 1e-7 and more, those of airy_ai from -2 down: tests/ops/test_special.py.
CASES += [case(name, uniform(40, low=-2.0, high=4.9, dtype="float64")) for name in BESSEL]
CASES += [case(name, uniform(40, low=0.0, high=4.9, dtype="float64")) for name in SECOND_KIND]
CASES += [case(name, uniform(40, low=0.1, high=20.0)) for name in (*BESSEL, *SECOND_KIND)]
CASES += [case(name, tensor([0.0, -0.0, -2.5, 200.0, NAN])) for name in (*BESSEL, *SECOND_KIND)]
CASES += [case(name, tensor([1e-3, 2.0, 103.0, 110.0, INF], "float64")) for name in (*BESSEL, *SECOND_KIND)]
CASES += [case(name, uniform(5, 1, low=-1.5, high=1.5, dtype="float64"), DEGREES) for name in POLYNOMIALS]
CASES += [case(name, tensor([-1.0, -0.5, 0.0, 1.0, 2.0]), 3) for name in POLYNOMIALS]

ERRORS = [
    error("imag", randn(3), match="non-complex"),
    error("view_as_complex", randn(3, 3), match="size 2"),
    error("view_as_complex", randint(3, 2), match="view_as_complex"),
    error("complex", randn(3), randn(3, dtype="float64"), match="type"),
    error("mvlgamma", uniform(3), 0, match="greater than or equal to 1"),
    error("polygamma", -1, uniform(3), match="negative n"),
]
