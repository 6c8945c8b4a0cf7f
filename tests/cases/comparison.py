"""Comparison, logic, bits, selection."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randbool, randint, randn, tensor

NAN, INF = float("nan"), float("inf")
EDGES = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN]
COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")

CASES = [case(name, tensor([[x] for x in EDGES]), tensor(EDGES)) for name in COMPARE]
CASES += [case(name, randint(4), 0.5) for name in COMPARE]
CASES += [case("eq", randn(3, dtype="complex64"), randn(3, dtype="complex64"))]
CASES += [case(name, tensor(EDGES)) for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal")]
CASES += [case(name, randint(3)) for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf")]
CASES += [
    case("isclose", tensor([1.0, 1.0, NAN, INF]), tensor([1.0, 1.001, NAN, INF])),
    case("isclose", tensor([1.0, 1.0, NAN]), tensor([1.0, 1.001, NAN]), rtol=0.01, equal_nan=True),
    case("isclose", randint(4), randint(4), atol=2.0),
    case("allclose", tensor([1.0, 2.0]), tensor([1.0, 2.0])).but(jit="a Python bool", grad=False),
    case("equal", tensor([1.0, 2.0]), tensor([1.0, 2.0])).but(jit="a Python bool", grad=False),
    case("equal", randn(2), randn(3)).but(jit="a Python bool", grad=False),
    case("isin", randint(3, 4), randint(3)),
    case("isin", randint(5), randint(3), invert=True),
]
CASES += [case(name, randn(3, 4), randn(4)) for name in ("maximum", "minimum", "fmax", "fmin")]
CASES += [
    case(name, tensor([1.0, 2.0, 3.0]), tensor([1.0, 3.0, 2.0])) for name in ("maximum", "minimum", "fmax", "fmin")
]
CASES += [
    case(name, tensor([[x] for x in EDGES]), tensor(EDGES)).but(grad=False)
    for name in ("maximum", "minimum", "fmax", "fmin")
]
CASES += [
    case("where", randbool(3, 4), randn(3, 4), randn(4)),
    case("Tensor.where", randn(3, 4), randbool(3, 4), randn(4)),
    case("where", randbool(3), randn(3), 0.5),
    case("where", randbool(3), 1, randn(3)),
    case("where", randbool(3), randint(3), 2.5),
    case("where", randbool(3, 4)).but(jit="the shape depends on the values"),
]
CASES += [
    case(name, a, b)
    for name in ("logical_and", "logical_or", "logical_xor")
    for a, b in ((randbool(4), randbool(4)), (randint(4), tensor([0.0, 1.0, 2.0, 0.0])))
]
CASES += [case("logical_not", randbool(4)), case("logical_not", randint(4)), case("logical_not", randn(3))]
CASES += [
    case(name, a, b)
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    for a, b in (
        (randbool(4), randbool(4)),
        (randint(4), randint(4, dtype="int32")),
        (randint(4, dtype="uint8", low=0), 3),
    )
]
CASES += [case("bitwise_not", randbool(4)), case("bitwise_not", randint(4))]
CASES += [case(name, randint(4), randint(4, low=0)) for name in ("bitwise_left_shift", "bitwise_right_shift")]

ERRORS = [
    error("eq", randn(3), randn(4), match="must match the size"),
    error("bitwise_and", randn(3), randn(3)),
    error("where", randbool(3), randn(4), randn(4), match="must match the size"),
    error("isclose", randn(3), randn(3, dtype="float64"), match="did not match"),
]
