"""Reductions of what a mask selects, and the windows of signal processing."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randint, randn, tensor

INF = float("inf")
MASK = tensor([[True, False, True, True], [False, False, False, False], [True, True, False, True]])

REDUCTIONS = ["sum", "prod", "mean", "norm", "var", "std", "amax", "amin", "logsumexp"]
CASES = [case(f"masked.{name}", randn(3, 4), mask=MASK).but(types=False) for name in REDUCTIONS]
CASES += [
    case("masked.sum", randint(3, 4), 1, mask=MASK),
    case("masked.mean", randn(3, 4), 0, keepdim=True, mask=MASK),
    case("masked.mean", randn(3, 4), 1, mask=MASK).but(grad=False),
    case("masked.norm", randn(3, 4), -INF, 0, mask=MASK).but(types=False),
    case("masked.var", randn(3, 4), 0, False, mask=MASK).but(grad=False, types=False),
    case("masked.argmax", randn(3, 4), 0, mask=MASK).but(types=False),
    case("masked.argmin", randn(3, 4), mask=MASK).but(types=False),
    case("masked.median", randn(3, 4), 0, mask=MASK).but(types=False),
    case("masked.cumsum", randn(3, 4), 1, mask=MASK),
    case("masked.cumprod", randn(3, 4), 1, mask=MASK),
    case("masked.softmax", randn(3, 4), 0, mask=MASK).but(types=False),
    case("masked.log_softmax", randn(3, 4), 1),
    case("masked.softmin", randn(3, 4), 0, mask=MASK).but(types=False),
    case("masked.normalize", randn(3, 4), 2.0, 1, mask=MASK).but(types=False),
    case("masked.logaddexp", randn(3, 4), randn(3, 4), other_mask=MASK).but(types=False),
]
WINDOWS = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "hamming", "hann", "kaiser", "nuttall"]
CASES += [case(f"signal.windows.{name}", 6) for name in WINDOWS]
CASES += [case(f"signal.windows.{name}", 5, sym=False) for name in WINDOWS]
CASES += [
    case("signal.windows.general_cosine", 7, a=[0.4, 0.3, 0.2, 0.1]),
    case("signal.windows.general_hamming", 7, alpha=0.6),
    case("signal.windows.exponential", 6, center=1.0, tau=2.0, sym=False),
    case("signal.windows.hann", 0),
    case("signal.windows.kaiser", 1, beta=3.0),
]

ERRORS = [
    error("masked.sum", randn(4), mask=MASK, match="mask"),
    error("signal.windows.hann", -1, match="non-negative"),
    error("signal.windows.gaussian", 4, std=0.0, match="positive"),
    error("signal.windows.general_cosine", 4, a=[], match="empty"),
]
