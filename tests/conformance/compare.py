"""When a result counts as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from fxtorch import Tensor
from tests.cases.run import TOLERANCES
from tests.conformance.convert import numpy_of

Exact = Callable[[], Sequence[Any]]


class Differs(AssertionError):
    """A result is not PyTorch's; the text is one line."""


def flat(value: Any) -> list[Any]:
    """The items of nested lists and tuples; a shape is one item."""
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size) and type(value).__name__ != "Size":
        return [item for part in value for item in flat(part)]
    if isinstance(value, dict):
        return [item for part in value.values() for item in flat(part)]
    return [value]


class Judge:
    """Compares results, and remembers whether float64 had to decide.

    A floating result passes within PyTorch's tolerance for its type of PyTorch's result.  Where rounding is
    amplified (an ill-conditioned solve) two right answers differ by more; then PyTorch's float64 result on the same
    numbers decides: within tolerance of it, or no more than twice as far from it as PyTorch's own result is.

    Attributes:
        by_accuracy: whether some result passed only so.
    """

    def __init__(self) -> None:
        self.by_accuracy = False

    def compare(self, actual: Any, expected: Any, exact: Exact | None = None, *, values: bool = True) -> None:
        """Number, kind, type, shape and values of all results.

        Raises:
            Differs: something is not as in PyTorch.
        """
        actual, expected = flat(actual), flat(expected)
        if len(actual) != len(expected):
            raise Differs(f"{len(actual)} results, not {len(expected)}")
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            where = f"result {i}: " if len(expected) > 1 else ""
            if not isinstance(e, torch.Tensor):
                self._plain(a, e, where)
                continue
            if not isinstance(a, Tensor):
                raise Differs(f"{where}a {type(a).__name__}, not a Tensor")
            if str(a.dtype) != str(e.dtype):
                raise Differs(f"{where}type {a.dtype}, not {e.dtype}")
            if tuple(a.shape) != tuple(e.shape):
                raise Differs(f"{where}shape {list(a.shape)}, not {list(e.shape)}")
            if values:
                self.arrays(numpy_of(a), numpy_of(e), where, None if exact is None else (lambda i=i: exact()[i]))

    def _plain(self, a: Any, e: Any, where: str) -> None:
        if isinstance(e, float | complex) and not isinstance(a, Tensor):
            self.arrays(np.asarray(a), np.asarray(e, "complex64" if isinstance(e, complex) else "float32"), where, None)
        elif isinstance(e, torch.dtype | torch.device | torch.Size):
            if str(a) != str(e):
                raise Differs(f"{where}{a}, not {e}")
        elif type(a) is not type(e) or a != e:
            raise Differs(f"{where}{a!r}, not {e!r}")

    def arrays(self, a: np.ndarray, e: np.ndarray, where: str, exact: Callable[[], Any] | None) -> None:
        """Values, at PyTorch's tolerance for the type of ``e``.

        Raises:
            Differs: they are not close.
        """
        rtol, atol = TOLERANCES.get(e.dtype.name, (0.0, 0.0))
        if e.size == 0 or close(a, e, rtol, atol):
            return
        if exact is not None and rtol:
            truth = exact()
            if truth is not None:
                truth = numpy_of(truth) if isinstance(truth, torch.Tensor) else np.asarray(truth)
                if close(a, truth, rtol, atol) or error(a, truth) <= 2 * error(e, truth):
                    self.by_accuracy = True
                    return
        raise Differs(where + _difference(a, e, rtol, atol))


def _wide(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "c":
        return x.astype(np.complex128)
    return x if x.dtype.kind in "biu" else x.astype(np.float64)


def close(a: np.ndarray, e: np.ndarray, rtol: float, atol: float) -> bool:
    """Whether all values are within tolerance; NaN equals NaN."""
    if a.shape != e.shape:
        return False
    if not rtol and not atol:
        return bool(np.array_equal(a, e))
    return bool(np.allclose(_wide(a), _wide(e), rtol=rtol, atol=atol, equal_nan=True))


def error(a: np.ndarray, truth: np.ndarray) -> float:
    """The largest distance from the truth; infinite where what is finite differs."""
    a, truth = _wide(a), _wide(truth)
    finite = np.isfinite(truth)
    if not np.array_equal(finite, np.isfinite(a)):
        return float("inf")
    return float(np.max(np.abs(a[finite] - truth[finite]), initial=0.0))


def _difference(a: np.ndarray, e: np.ndarray, rtol: float, atol: float) -> str:
    with np.errstate(all="ignore"):
        wide_a, wide_e = _wide(a), _wide(e)
        bad = ~np.isclose(wide_a, wide_e, rtol=rtol, atol=atol, equal_nan=True)
    if not bad.any():
        return "values differ"
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{int(bad.sum())} of {e.size} values differ, at {list(at)}: {a[at]}, not {e[at]}"
