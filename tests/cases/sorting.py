"""Running sums, sorting, search, counting."""

from __future__ import annotations

import numpy as np

from tests.cases import case, error
from tests.cases.data import distinct, randbool, randint, randn, rising, tensor, uniform

NAN, INF = float("nan"), float("inf")
MIXED = [[3.0, NAN, 1.0, 1.0], [INF, 2.0, -INF, NAN]]
SHAPE = "the shape depends on the values"

CASES = [case(name, randn(3, 4), d) for name in ("cumsum", "cumprod", "logcumsumexp") for d in (0, -1)]
CASES += [case("logcumsumexp", tensor([1 + 3j, 2 + 3j, -1 + 4j, 3 - 5j, 3 - 5j], "complex64"), 0)]
CASES += [case(name, distinct(3, 4), 1) for name in ("cummax", "cummin")]
CASES += [case(name, tensor([1.0, 3.0, 3.0, 2.0, NAN, 5.0]), 0) for name in ("cummax", "cummin")]
CASES += [case("cumsum", randbool(4), 0), case("cumsum", randint(4), 0, dtype=np.dtype("float64"))]
CASES += [
    case("cumprod", tensor([2.0, 0.0, 3.0, 0.0]), 0),
    case("cummax", randint(3, 4), 0),
    case("cumsum", tensor(2.0), 0),
]
CASES += [
    case("diff", randn(3, 5)),
    case("diff", randn(3, 5), 2, 0),
    case("diff", randn(4), prepend=randn(2), append=randn(1)),
    case("diff", randbool(5)),
    case("trapezoid", randn(3, 4)),
    case("trapezoid", randn(3, 4), rising(4)),
    case("trapezoid", randn(3, 4), dx=0.5, dim=0),
    case("trapz", randn(4)),
    case("cumulative_trapezoid", randn(3, 4)),
    case("cumulative_trapezoid", randn(3, 4), rising(4), dim=1),
]
CASES += [
    case("sort", distinct(3, 4)),
    case("sort", distinct(3, 4), 0, True),
    case("sort", randint(3, 6), stable=True, descending=True),
    case("sort", tensor(MIXED), stable=True).but(grad=False),
    case("sort", tensor(MIXED), stable=True, descending=True).but(grad=False),
    case("sort", randbool(5), stable=True),
    case("sort", tensor(1.0)),
    case("argsort", distinct(3, 4)),
    case("argsort", randint(6), stable=True),
    case("argsort", distinct(3, 4), dim=0, descending=True),
    case("msort", distinct(3, 4)),
    case("topk", distinct(3, 5), 2),
    case("topk", distinct(3, 5), 2, 0, False),
    case("topk", tensor([3.0, NAN, 1.0, -1.0]), 2).but(grad=False),
    case("topk", tensor([3.0, NAN, 1.0, -1.0]), 3, largest=False).but(grad=False),
    case("topk", tensor([5, -3, 2, -(2**63)]), 2, largest=False),
    case("kthvalue", distinct(3, 5), 2),
    case("kthvalue", distinct(3, 5), 3, 0, True),
]
CASES += [
    case("searchsorted", rising(5), randn(3, 2)),
    case("searchsorted", rising(3, 5), randn(3, 2), right=True),
    case("searchsorted", rising(5), 0.3),
    case("searchsorted", tensor([1, 2, 2, 3]), tensor([2, 3]), side="right", out_int32=True),
    case("searchsorted", randn(5), randn(3), sorter=tensor([4, 0, 1, 2, 3])).but(grad=False, vmap="not sorted"),
    case("bucketize", randn(3, 2), rising(5)),
    case("bucketize", tensor([1.0, 2.0, 3.0]), tensor([1.0, 2.0]), right=True),
    case("unique", randint(8)).but(jit=SHAPE),
    case("unique", randint(2, 5), return_inverse=True, return_counts=True).but(jit=SHAPE),
    case("unique", randint(5, 2, low=0, high=2), return_inverse=True, return_counts=True, dim=0).but(jit=SHAPE),
    case("unique_consecutive", tensor([1, 1, 2, 2, 1])).but(jit=SHAPE),
    case("unique_consecutive", tensor([1, 1, 2, 1]), return_inverse=True, return_counts=True).but(jit=SHAPE),
    case("unique_consecutive", tensor([[1, 1], [1, 1], [2, 1]]), True, True, 0).but(jit=SHAPE),
    case("unique_consecutive", randint(2, 0, 3), True, True, 1).but(jit=SHAPE),
    case("histc", randn(20), 5, -2, 2),
    case("histc", uniform(20), 4),
    case("bincount", randint(9, low=0)).but(jit=SHAPE),
    case("bincount", randint(9, low=0), uniform(9), minlength=7).but(jit=SHAPE, grad=False),
]

ERRORS = [
    error("unique", randn(2, 0, 3), dim=0, match="0 sized dimensions"),
    error("unique_consecutive", randn(2, 0, 3), dim=0, match="0 sized dimensions"),
    error("cumsum", randn(3), 1, match="Dimension out of range"),
    error("topk", randn(3), 4, match="out of range"),
    error("kthvalue", randn(3), 4, match="out of range"),
    error("bincount", randint(3, low=-5, high=-1), match="non-negative"),
    error("bincount", randn(3), match="not implemented for 'Float'"),
    error("histc", randint(5), match="not implemented for 'Long'"),
    error("histc", randn(5), 0, match="bins must be > 0, but got 0"),
    error("searchsorted", rising(2, 5), randn(3, 2), match="boundaries"),
    error("diff", tensor(1.0), match="at least one-dim"),
]
