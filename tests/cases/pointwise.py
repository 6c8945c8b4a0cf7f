"""Arithmetic, exponentials, trigonometry, rounding."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import distinct, randbool, randint, randn, tensor, uniform

NAN, INF = float("nan"), float("inf")
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, INF, -INF, NAN]


def spaced(*shape: int) -> object:
    """Numbers that are not close to an integer or to one another."""
    return distinct(*shape)


BINARY = [
    case(name, randn(3, 4), randn(4))
    for name in ("add", "sub", "mul", "div", "atan2", "hypot", "logaddexp", "logaddexp2", "rsub", "copysign")
]
BINARY += [case(name, randn(2, 1), uniform(1, 3, low=0.5, high=2.0)) for name in ("remainder", "fmod")]
BINARY += [case(name, randn(3), 2.5) for name in ("add", "sub", "mul", "div", "remainder", "fmod", "rsub")]
BINARY += [case(name, 3, uniform(3, low=1.0, high=2.0)) for name in ("add", "sub", "mul", "div")]
BINARY += [
    case(name, randint(3, 4), randint(4, low=1)) for name in ("floor_divide", "remainder", "fmod", "div", "gcd", "lcm")
]
BINARY += [case(name, randint(3), 2.5) for name in ("add", "mul", "div", "floor_divide", "remainder")]
BINARY += [case(name, randn(2), randn(2, dtype="float64")) for name in ("add", "div", "mul")]
BINARY += [case(name, randn(3), tensor(1.5, "float64")) for name in ("add", "sub", "mul", "div")]
BINARY += [
    case(name, randn(3, dtype="complex64"), randn(3, dtype="complex64")) for name in ("add", "sub", "mul", "div")
]
BINARY += [case(name, randn(3), 2.0 + 1j) for name in ("add", "mul")]
BINARY += [
    case(name, tensor([[x] for x in EDGES]), tensor(EDGES)).but(grad=False)
    for name in (
        "add",
        "mul",
        "div",
        "floor_divide",
        "remainder",
        "fmod",
        "pow",
        "atan2",
        "hypot",
        "copysign",
        "nextafter",
    )
]
BINARY += [
    case("floor_divide", randn(2, 1), uniform(1, 3, low=0.5, high=2.0)).but(grad=False),
    case("floor_divide", randn(3), 2.5).but(grad=False),
    case("floor_divide", 3, uniform(3)).but(grad=False),
    case("remainder", 3, uniform(3)).but(grad=False),
    case("add", randn(3, 4), randn(4), alpha=2),
    case("add", randint(3), randint(3), alpha=3),
    case("add", randbool(4), randbool(4)),
    case("mul", randbool(4), randbool(4)),
    case("sub", randn(3, 4), randn(3, 1), alpha=0.5),
    case("div", randn(3, 4), uniform(4, low=0.5), rounding_mode="floor"),
    case("div", randn(3, 4), uniform(4, low=0.5), rounding_mode="trunc"),
    case("div", randint(5), randint(5, low=1), rounding_mode="trunc"),
    case("div", randint(5), randint(5, low=1), rounding_mode="floor"),
    case("true_divide", randint(5), randint(5, low=1)),
    case("nextafter", randn(3), randn(3)).but(grad=False),
    case("logaddexp", tensor([1 + 4j, 90 - 2j], "complex64"), tensor([0.5 - 3j, 100 + 6j], "complex64")),
    case("ldexp", randn(3), randint(3, low=0)),
    case("heaviside", tensor([-1.0, 0.0, 2.0]), tensor(0.5)).but(grad=False),
]

POWERS = [
    case("pow", uniform(3, 4), randn(4)),
    *(case("pow", randn(3), n) for n in (-2, -1, 0, 1, 2, 3, 5)),
    case("pow", uniform(3), 0.5),
    case("pow", uniform(3), 2.5),
    case("pow", 2, randn(3)),
    case("pow", 2.5, randint(3)),
    case("pow", tensor([0.0, 0.0, 2.0]), tensor([0.0, 1.0, 2.0])),
    case("pow", tensor([0.0, -1.0, 2.0]), 1),
    case("pow", randint(4), 3),
    case("pow", randint(4), randint(4, low=0)),
    case("pow", randint(4, dtype="int32"), 2.0),
    case("pow", randn(3, dtype="complex64"), 2),
    case("float_power", uniform(3, dtype="float64"), randn(3)),
    case("float_power", uniform(3), randn(3)),
    case("float_power", randint(4, low=1), 2),
    case("square", randn(3)),
]

UNARY_ANY = "neg abs sgn sin cos tan atan sinh cosh tanh asinh exp exp2 expm1 sinc positive deg2rad rad2deg".split()
UNARY_FLAT = "sign floor ceil round trunc frac".split()
UNARY_POSITIVE = "sqrt rsqrt log log2 log10 log1p reciprocal".split()
UNARY_UNIT = "asin acos atanh".split()
COMPLEX = "neg abs sgn sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp expm1 sqrt rsqrt log".split()
COMPLEX += ["log2", "log10", "reciprocal", "square"]

UNARY = [case(name, randn(3, 4)) for name in UNARY_ANY]
UNARY += [case(name, spaced(3, 4)) for name in UNARY_FLAT]
UNARY += [case(name, uniform(3, 4, low=0.2, high=3.0)) for name in UNARY_POSITIVE]
UNARY += [case(name, uniform(3, 4, low=-0.9, high=0.9)) for name in UNARY_UNIT]
UNARY += [case("acosh", uniform(3, 4, low=1.1, high=3.0))]
UNARY += [case(name, tensor(EDGES)).but(grad=False) for name in (*UNARY_ANY, *UNARY_FLAT, *UNARY_POSITIVE)]
UNARY += [case(name, tensor([0.0, -0.0])) for name in ("abs", "sqrt", "sgn", "sign", "tanh", "sinc")]
UNARY += [case(name, randn(3, dtype="complex64")) for name in COMPLEX]
UNARY += [case("round", randn(5), decimals=2), case("round", uniform(5, low=10.0, high=900.0), decimals=-1)]
UNARY += [case("round", tensor([0.5, 1.5, 2.5, -0.5, -1.5])).but(grad=False)]
UNARY += [case("frexp", uniform(4, low=-8.0, high=8.0)), case("signbit", tensor(EDGES)).but(grad=False)]
UNARY += [case("signbit", randint(4)).but(grad=False)]

CLAMPS = [
    case("clamp", randn(3, 4), -0.5, 0.5),
    case("clamp", randn(3, 4), min=0.0),
    case("clamp", randn(3, 4), max=0.0),
    case("clamp", randn(3, 4), randn(4), randn(3, 1)),
    case("clamp", tensor([-1.0, 0.0, 0.5, 1.0, 2.0]), 0.0, 1.0),
    case("clamp", randn(4), 1.0, -1.0),
    case("clamp", randint(5), 0.5, 2),
    case("clamp", tensor([NAN, 1.0]), 0.0, 0.5).but(grad=False),
    case("clip", randn(3, 4), 0.0, 1.0),
    case("clamp_min", randn(4), 0.0),
    case("clamp_max", randn(4), randn(4)),
]

OTHERS = [
    case("lerp", randn(3, 4), randn(3, 4), 0.3),
    case("lerp", randn(3, 4), randn(4), uniform(3, 1, low=0.0, high=1.0)),
    case("lerp", randn(4), randn(4), 1.0),
    case("addcmul", randn(3, 4), randn(4), randn(3, 1)),
    case("addcmul", randn(3, 4), randn(4), randn(3, 1), value=0.5),
    case("addcmul", randint(3), randint(3), randint(3), value=2),
    case("addcdiv", randn(3, 4), randn(4), uniform(3, 1)),
    case("addcdiv", randn(3, 4), randn(4), uniform(3, 1), value=0.5),
    case("nan_to_num", tensor(EDGES)),
    case("nan_to_num", tensor(EDGES), nan=1.0, posinf=5.0, neginf=-5.0),
    case("nan_to_num", tensor([complex(NAN, INF), 1 + 1j])).but(grad=False),
]

CASES = BINARY + POWERS + UNARY + CLAMPS + OTHERS

ERRORS = [
    error("add", randn(3), randn(4), match=r"size of tensor a \(3\) must match the size of tensor b \(4\)"),
    error("mul", randn(2, 3), randn(2, 4), match="non-singleton dimension 1"),
    error("sub", randbool(3), randbool(3), match="with two bool tensors is not supported"),
    error("neg", randbool(3), match="on a bool tensor is not supported"),
    error("div", randn(3), randn(3), rounding_mode="up", match="rounding_mode"),
    error("clamp", randn(3), match="At least one of 'min' or 'max' must not be None"),
    error("pow", randint(3), -2, match="negative integer powers"),
    error("lerp", randn(3), randn(3, dtype="float64"), 0.5, match="dtype"),
    error("addcdiv", randint(3), randint(3), randint(3, low=1), match="addcdiv"),
    error("sign", randn(3, dtype="complex64"), match="sgn"),
    error("floor_divide", randint(3), 0, match="ZeroDivisionError"),
    error("div", randint(3), tensor([1, 0, 2]), rounding_mode="trunc", match="ZeroDivisionError"),
    error("div", randint(3), 0, rounding_mode="floor", match="ZeroDivisionError"),
    error("remainder", randint(3), tensor([1, 0, 2]), match="ZeroDivisionError"),
    error("fmod", randint(3), tensor([1, 0, 2]), match="ZeroDivisionError"),
]
