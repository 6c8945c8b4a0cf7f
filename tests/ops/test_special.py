"""Special functions over their whole range, in double precision, against SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special as scipy_special

import fxtorch as torch

REFERENCES: dict[str, Callable[[Any], Any]] = {
    "bessel_j0": scipy_special.j0,
    "bessel_j1": scipy_special.j1,
    "bessel_y0": scipy_special.y0,
    "bessel_y1": scipy_special.y1,
    "modified_bessel_k0": scipy_special.k0,
    "modified_bessel_k1": scipy_special.k1,
    "scaled_modified_bessel_k0": scipy_special.k0e,
    "scaled_modified_bessel_k1": scipy_special.k1e,
    "spherical_bessel_j0": lambda x: scipy_special.spherical_jn(0, x),
    "airy_ai": lambda x: scipy_special.airy(x)[0],
}
REAL_EVERYWHERE = {"bessel_j0", "bessel_j1", "spherical_bessel_j0", "airy_ai"}


@pytest.mark.parametrize("name", REFERENCES)
def test_bessel_functions_are_exact_to_double_precision(name: str) -> None:
    low = -60.0 if name in REAL_EVERYWHERE else 1e-3
    x = np.linspace(low, 60.0, 4001)
    found = getattr(torch.special, name)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, REFERENCES[name](x), rtol=1e-12, atol=1e-12)


def test_polynomials_of_high_degree_stay_exact() -> None:
    x = np.linspace(-1.0, 1.0, 201)
    n = 60
    for name, reference in (("chebyshev_polynomial_t", "chebyt"), ("chebyshev_polynomial_u", "chebyu")):
        found = getattr(torch.special, name)(torch.tensor(x), n).numpy()
        np.testing.assert_allclose(found, getattr(scipy_special, f"eval_{reference}")(n, x), rtol=1e-9, atol=1e-12)
    found = torch.special.legendre_polynomial_p(torch.tensor(x), n).numpy()
    np.testing.assert_allclose(found, scipy_special.eval_legendre(n, x), rtol=1e-9, atol=1e-12)


def test_zeta_has_torchs_poles() -> None:
    order, start = torch.tensor([1.0, 1.0, 2.0, 0.5, 3.0, 2.0]), torch.tensor([0.0, 2.0, 0.0, 2.0, -1.0, 1.0])
    found = torch.special.zeta(order, start)
    np.testing.assert_allclose(found.numpy(), [np.inf, np.inf, np.inf, np.nan, np.inf, np.pi**2 / 6], rtol=1e-6)
