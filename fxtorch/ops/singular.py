"""What is checked about the results of linear algebra: matrices that have no inverse, no Cholesky factor.

A compiled program cannot raise: it gives infinities or NaN.  An eager call of an operator named in
:data:`RESULT_CHECKS` is looked at afterwards, where its values can be read without a transfer, and the number of the
matrix and of the element at fault is found by LAPACK on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fxtorch.ops.bounds import on_host

Arguments = Mapping[str, Any]
Results = tuple[Any, ...]


class LinAlgError(RuntimeError):
    """A matrix has not what was asked for: it is singular, or not positive definite."""


RESULT_CHECKS: dict[str, Callable[[Arguments, Results], None]] = {}
"""For the name of an operator: what looks at its arguments and results, and raises."""


def _finite(x: Any) -> bool:
    seen = on_host(x)
    return seen is None or bool(np.isfinite(seen).all())


def _lapack(name: str, A: np.ndarray) -> Callable[..., Any]:
    from scipy.linalg.lapack import get_lapack_funcs  # half a second, and seldom needed

    (function,) = get_lapack_funcs((name,), (A,))
    return function


def _first_zero_pivot(A: np.ndarray) -> int:
    return _lapack("getrf", A)(A)[2]


def _first_bad_minor(A: np.ndarray) -> int:
    return _lapack("potrf", A)(A, lower=True)[1]


def _at_fault(A: Any, find: Callable[[np.ndarray], int]) -> tuple[str, int]:
    """torch's words for which matrix of a batch ``find`` finds fault with, and what it found; 0 for none."""
    A = np.asarray(A)
    for i, matrix in enumerate(A.reshape(-1, *A.shape[-2:])):
        info = find(matrix)
        if info > 0:
            return (f" (Batch element {i}):" if A.ndim > 2 else ""), info
    return "", 0


def _inverse(name: str, A: Any) -> None:
    which, info = _at_fault(A, _first_zero_pivot)
    if info:
        raise LinAlgError(
            f"{name}:{which} The diagonal element {info} is zero, the inversion could not be completed because the "
            "input matrix is singular."
        )


def _solver(name: str, A: Any) -> None:
    which, info = _at_fault(A, _first_zero_pivot)
    if info:
        raise LinAlgError(f"torch.{name}:{which} The solver failed because the input matrix is singular.")


def _definite(name: str, A: Any) -> None:
    which, info = _at_fault(A, _first_bad_minor)
    if info:
        raise LinAlgError(
            f"{name}:{which} The factorization could not be completed because the input is not positive-definite "
            f"(the leading minor of order {info} is not positive-definite)."
        )


def _factorable(name: str, A: Any) -> None:
    which, info = _at_fault(A, _first_zero_pivot)
    if info:
        raise RuntimeError(
            f"torch.{name}:{which} U[{info},{info}] is zero and using it on lu_solve would result in a division by "
            "zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
            "linalg.lu_factor_ex(A, pivot)"
        )


def _when_not_finite(find: Callable[[str, Any], None], name: str) -> Callable[[Arguments, Results], None]:
    """``find`` fault with the matrix ``A`` only where the result says that there may be one."""

    def check(a: Arguments, results: Results) -> None:
        if not _finite(results[0]):
            find(name, a["A"])

    return check


def _when_asked(find: Callable[[str, Any], None], name: str) -> Callable[[Arguments, Results], None]:
    """``find`` fault with the matrix ``A`` where the caller wants errors and the last result counts one."""

    def check(a: Arguments, results: Results) -> None:
        info = on_host(results[-1]) if a["check_errors"] else None
        if info is not None and info.any():
            find(name, a["A"])

    return check


def _lu(a: Arguments, results: Results) -> None:
    packed = on_host(results[0])
    if packed is not None and (np.diagonal(packed, axis1=-2, axis2=-1) == 0).any():
        _factorable("linalg.lu_factor", a["A"])


def _decomposed(a: Arguments, results: Results) -> None:
    if not all(map(_finite, results)):
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
        )


def _eigen(a: Arguments, results: Results) -> None:
    if not _finite(a["A"]):
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


def _power(a: Arguments, results: Results) -> None:
    if a["n"] < 0 and not _finite(results[0]):
        _inverse("linalg.inv", a["A"])


def _tensor_inverse(a: Arguments, results: Results) -> None:
    if not _finite(results[0]):
        A = np.asarray(a["A"])
        rows = int(np.prod(A.shape[: a["ind"]], dtype=np.int64))
        _inverse("inv", A.reshape(rows, rows))


def _tensor_solution(a: Arguments, results: Results) -> None:
    if not _finite(results[0]):
        A, dims = np.asarray(a["A"]), a["dims"]
        if dims is not None:
            A = np.moveaxis(A, dims, range(A.ndim - len(dims), A.ndim))
        size = int(np.asarray(a["B"]).size)
        _solver("linalg.solve", A.reshape(size, size))


def _cholesky_inverse(a: Arguments, results: Results) -> None:
    if not _finite(results[0]):
        L = np.asarray(a["L"])
        which, info = _at_fault(L, lambda one: int(np.argmax(np.diag(one) == 0)) + int((np.diag(one) == 0).any()))
        if info:
            raise LinAlgError(
                f"cholesky_inverse:{which} The diagonal element {info} is zero, the inversion could not be completed "
                "because the input matrix is singular."
            )


RESULT_CHECKS.update(
    {
        "inv": _when_not_finite(_inverse, "linalg.inv"),
        "inv_ex": _when_asked(_inverse, "linalg.inv_ex"),
        "solve": _when_not_finite(_solver, "linalg.solve"),
        "solve_ex": _when_asked(_solver, "linalg.solve_ex"),
        "cholesky": _when_not_finite(_definite, "linalg.cholesky"),
        "cholesky_ex": _when_asked(_definite, "linalg.cholesky_ex"),
        "cholesky_inverse": _cholesky_inverse,
        "lu_factor": _lu,
        "lu_factor_ex": _when_asked(_factorable, "linalg.lu_factor_ex"),
        "matrix_power": _power,
        "tensorinv": _tensor_inverse,
        "tensorsolve": _tensor_solution,
        "svd": _decomposed,
        "torch.svd": _decomposed,
        "svdvals": _decomposed,
        "pinv": _decomposed,
        "pinverse": _decomposed,
        "eig": _eigen,
    }
)
