"""Functions that torch has removed and still names: calling one says what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

INSTEAD = {
    "eig": "torch.linalg.eig, whose results are complex",
    "lstsq": "torch.linalg.lstsq, which takes A first",
    "matrix_rank": "torch.linalg.matrix_rank, whose `symmetric` is called `hermitian`",
    "solve": "torch.linalg.solve, which takes A first and returns no LU factors",
    "symeig": "torch.linalg.eigh, or torch.linalg.eigvalsh for eigenvalues alone, which read the lower triangle",
}


def _removed(name: str) -> Callable[..., NoReturn]:
    def function(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            f"This function was deprecated since version 1.9 and is now removed. Use {INSTEAD[name]}, not torch.{name}."
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Removed: use {INSTEAD[name]}."
    return function


FUNCTIONS = {name: _removed(name) for name in INSTEAD}
