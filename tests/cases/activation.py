"""Activations, softmax, affine maps, dropout that does nothing."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randint, randn, tensor, uniform

F = "nn.functional."

NAMES = (
    "relu relu6 hardtanh leaky_relu elu celu selu gelu silu mish softplus softsign softshrink hardshrink tanhshrink "
    "hardsigmoid hardswish logsigmoid rrelu"
).split()

CASES = [case(F + name, randn(3, 4)) for name in NAMES]
CASES += [
    *(case(F + name, uniform(5, low=-8.0, high=8.0)) for name in NAMES if name != "rrelu"),
    case("relu", randn(3)),
    case("celu", randn(3), 0.7),
    case("selu", randn(3)),
    case("prelu", randn(2, 3, 4), uniform(3)),
    case(F + "prelu", randn(4), uniform(1)),
    case("hardshrink", randn(5), 0.3),
    case("threshold", randn(5), 0.1, 20.0),
    case(F + "hardtanh", randn(5), -2.0, 0.5),
    case(F + "leaky_relu", randn(5), 0.2),
    case(F + "elu", randn(5), 0.7),
    case(F + "gelu", randn(5), approximate="tanh"),
    case(F + "softplus", randn(5), 2.0, 10.0),
    case(F + "glu", randn(3, 4)),
    case(F + "glu", randn(4, 3), 0),
    case(F + "softmin", randn(3, 4), 1),
    case(F + "linear", randn(3, 4), randn(5, 4), randn(5)),
    case(F + "linear", randn(2, 3, 4), randn(5, 4)),
    case(F + "linear", randn(4), randn(5, 4), randn(5)),
    case(F + "linear", randn(3, 4), randn(4)),
    case(F + "bilinear", randn(2, 3), randn(2, 4), randn(5, 3, 4), randn(5)),
    case(F + "dropout", randn(4), 0.5, False),
    case(F + "dropout", randn(4), 0.0).but(jit="draws a mask that has no effect", vmap="draws"),
    case(F + "dropout", randn(4), 1.0).but(jit="draws a mask that has no effect", vmap="draws"),
    case(F + "dropout2d", randn(2, 3, 4, 4), 0.5, False),
    case(F + "normalize", randn(3, 4)),
    case(F + "normalize", randn(3, 4), 3.0, 0),
    case(F + "normalize", randn(3, 4), 1.0, -1),
]
CASES += [case(name, randn(3, 4), dim) for name in ("softmax", "log_softmax", "special.softmax") for dim in (0, 1, -1)]
CASES += [
    case("softmax", tensor(2.0), 0),
    case("log_softmax", tensor([1.0, 1000.0, -1000.0]), 0),
]

ERRORS = [
    error(F + "linear", randn(2, 3), randn(5, 4), match=r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"),
    error(F + "linear", randn(2, 2, 3), randn(5, 4), match=r"cannot be multiplied \(4x3 and 4x5\)"),
    error(F + "linear", randn(2, 3, dtype="float64"), randn(5, 3), match="dtype"),
    error(F + "glu", randn(3, 3), match="Halving dimension must be even, but dimension 1 is size 3"),
    error(F + "prelu", randn(2, 3), randn(2), match="Mismatch of parameter numbers and input channel size"),
    error("softmax", randint(3), 0, match="not implemented"),
    error("softmax", randn(3), 2, match="Dimension out of range"),
    error(F + "gelu", randn(3), approximate="none of these", match="approximate argument must be either none or tanh"),
    error(F + "dropout", randn(3), 1.5, match="dropout probability has to be between 0 and 1, but got 1.5"),
]
