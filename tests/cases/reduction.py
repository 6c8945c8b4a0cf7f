"""Sums, means, extremes, norms, quantiles."""

from __future__ import annotations

import numpy as np

from tests.cases import case, error
from tests.cases.data import distinct, randbool, randint, randn, tensor, uniform

NAN, INF = float("nan"), float("inf")
HOLES = [[1.0, NAN, 3.0, 0.0], [NAN, 2.0, -1.0, 4.0]]
TIES = [[1.0, 3.0, 3.0], [2.0, 0.0, 2.0]]

CASES = [
    case(name, randn(2, 3, 4), *args, **kwargs)
    for name in ("sum", "mean", "nansum", "nanmean", "logsumexp")
    for args, kwargs in (((1,), {}), (((0, -1),), {"keepdim": True}))
]
CASES += [case(name, randn(3, 4)) for name in ("sum", "mean", "prod", "nansum", "nanmean", "var", "std")]
CASES += [case(name, tensor(2.5)) for name in ("sum", "mean", "prod", "norm", "amax")]
CASES += [
    case("sum", randint(3, 4)),
    case("sum", randbool(3, 4), 0),
    case("sum", randint(3, dtype="int32"), dtype=np.dtype("float64")),
    case("sum", randn(0, 3), 0),
    case("nansum", tensor(HOLES), 1),
    case("nanmean", tensor(HOLES), 1),
    case("prod", randn(3, 4), 1),
    case("prod", tensor([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0]]), 1, keepdim=True),
    case("prod", randint(4)),
    case("logsumexp", tensor([[-INF, -INF], [1000.0, 1000.0]]), 1).but(grad=False),
    case("count_nonzero", randint(3, 4)),
    case("count_nonzero", randint(3, 4), 1),
]
CASES += [
    case(name, randn(3, 4, 2), *args, **kwargs)
    for name in ("var", "std", "var_mean", "std_mean")
    for args, kwargs in (
        ((1,), {}),
        (((0, 2),), {"correction": 0, "keepdim": True}),
        ((False,), {}),
        ((1, False), {}),
        ((), {"dim": 0, "unbiased": True}),
    )
]
CASES += [case("std", tensor([[1.0, 1.0], [1.0, 2.0]]), 1), case("var", randn(3, dtype="complex64"))]

CASES += [
    case("norm", randn(3, 4), *args, **kwargs)
    for args, kwargs in (
        ((), {}),
        ((1,), {}),
        ((3,), {"dim": 1}),
        ((INF,), {"dim": 0}),
        ((-INF, 1, True), {}),
        ((0, 1), {}),
        (("nuc",), {}),
        (("fro", (0, 1)), {}),
    )
]
CASES += [case("norm", tensor([[0.0, 0.0], [3.0, 4.0]]), p, 1) for p in (1, 2, 3, INF)]
CASES += [case("dist", randn(3, 4), randn(4), p) for p in (1, 2, 3, INF)]
CASES += [case("renorm", randn(3, 4), 2, 0, 1.0)]

CASES += [
    case(name, distinct(3, 4)) for name in ("amax", "amin", "aminmax", "max", "min", "median", "argmax", "argmin")
]
CASES += [case(name, tensor(TIES)) for name in ("amax", "amin", "max", "min", "median", "nanmedian")]
CASES += [case(name, distinct(2, 3, 4), (0, 2)) for name in ("amax", "amin")]
CASES += [
    case(name, distinct(3, 4), dim=1, keepdim=True)
    for name in ("amax", "amin", "aminmax", "max", "min", "median", "argmax")
]
CASES += [case(name, tensor(TIES), 1) for name in ("max", "min", "amax", "argmax", "argmin")]
CASES += [case(name, tensor(HOLES), 1) for name in ("max", "min", "median", "nanmedian", "argmax")]
CASES += [case("amax", tensor(HOLES), 1).but(grad=False)]
CASES += [case(name, randint(3, 4), 0) for name in ("argmax", "argmin")]
CASES += [case(name, randn(3), randn(3)) for name in ("max", "min")] + [case("max", randn(3), other=randn(3))]
CASES += [case("max", randint(3, 4)), case("max", randbool(3, 4), 0), case("nanmedian", tensor(HOLES))]
CASES += [case(name, randbool(3, 4), *args) for name in ("all", "any") for args in ((), (1,), ((0, 1), True))]
CASES += [case("all", randn(3)), case("any", tensor([0, 2], "uint8")), case("any", randint(2, 3), -1)]
CASES += [case("mode", tensor([[1.0, 2.0, 2.0, 3.0], [5.0, 4.0, 4.0, 5.0]])), case("mode", randint(3, 5), 0)]
CASES += [
    case("quantile", distinct(3, 4), 0.4),
    case("quantile", distinct(3, 4), tensor([0.1, 0.5, 1.0]), 1, keepdim=True),
    case("quantile", tensor(HOLES), 0.5, 1),
    case("nanquantile", tensor(HOLES), 0.3, 1),
    case("nanquantile", tensor(HOLES), tensor([0.2, 0.8]), 0),
]
CASES += [case("quantile", distinct(5), 0.37, interpolation=i) for i in ("lower", "higher", "midpoint", "nearest")]
CASES += [
    case("cov", randn(3, 5)),
    case("cov", randn(5), correction=0),
    case("cov", randn(2, 4), fweights=randint(4, low=1), aweights=uniform(4)),
    case("corrcoef", randn(3, 5)),
]

ERRORS = [
    error("sum", randn(3, 4), 2, match="Dimension out of range"),
    error("sum", randn(3, 4), (0, 0), match="appears multiple times"),
    error("mean", randint(3), match="could not infer output dtype"),
    error("var", randint(3), match="floating point and complex"),
    error("amax", randn(0, 3), 0, match="non-zero size"),
    error("max", randn(0), match="numel"),
    error("argmax", randn(0), match="numel"),
    error("quantile", randint(3), 0.5, match="float or double"),
    error("quantile", distinct(5), 1.5, match="q must be in the range \\[0, 1\\] but got 1.5"),
    error("quantile", distinct(5), tensor([0.5, -0.1]), match="q values must be in the range"),
    error("nanquantile", distinct(5), tensor([0.5], "float64"), match="same dtype as the input"),
]
