"""What programs assert of values and shapes by torch's own functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jax.core import Tracer

from fxtorch.tensor import construction
from fxtorch.tensor import dtype as types
from fxtorch.tensor.modes import modes
from fxtorch.tensor.overriding import ask, overrider
from fxtorch.tensor.tensor import Tensor, unwrap


def _assert(condition: Any, message: str = "") -> None:
    """``assert``, as a function, which a trace keeps as a step."""
    if overrider(type(condition)) is not None:
        ask([condition], _assert, (condition, message), {})
    else:
        assert condition, message


def _unknown(condition: Any) -> bool:
    return isinstance(condition, Tensor) and (modes.capture is not None or isinstance(unwrap(condition), Tracer))


def _assert_async(condition: Any, message: str = "") -> None:
    """Raise where a Tensor is not true; in a compiled step, where no value is known, nothing."""
    if not _unknown(condition) and not bool(condition):
        raise RuntimeError(message or "Expected Tensor with single nonzero value, but got zero")


def _check_as(error: type[Exception]) -> Callable[..., None]:
    def check(cond: Any, message: Callable[[], str] | None = None) -> None:
        """Raise where ``cond`` is not true; ``message()`` is what is wrong."""
        if not cond:
            raise error("Expected cond to be True, but got False" if message is None else str(message()))

    return check


def _check_tensor_all(cond: Tensor, message: Callable[[], str] | None = None) -> None:
    """Raise where an element is not true."""
    if not _unknown(cond):
        _check_as(RuntimeError)(bool(cond.all()), message)


def _check_is_size(i: int, message: Callable[[], str] | None = None, **kwargs: Any) -> None:
    """Raise where a size is negative."""
    _check_as(RuntimeError)(i >= 0, message)


def _shape_as_tensor(input: Tensor) -> Tensor:
    """The shape as an int64 Tensor."""
    return construction.tensor(list(input.shape), dtype=types.int64)


def sym_int(a: Any) -> int:
    """``int``: sizes are plain numbers here."""
    return int(a)


def sym_float(a: Any) -> float:
    """``float``: sizes are plain numbers here."""
    return float(a)


def sym_not(a: Any) -> bool:
    """``not``: sizes are plain numbers here."""
    return not a


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """``t if b else f``."""
    return t if b else f


def _as_both(a: Any, b: Any, chosen: Any) -> Any:
    """``chosen`` of the two, a float where either is."""
    return float(chosen) if isinstance(a, float) or isinstance(b, float) else chosen


def sym_sum(*args: Any) -> Any:
    """The sum of the numbers, or of those in one list."""
    return sum(args[0]) if len(args) == 1 and isinstance(args[0], list | tuple) else sum(args)


ASSERTIONS: dict[str, Callable[..., Any]] = {
    "_assert": _assert,
    "_assert_async": _assert_async,
    "_check": _check_as(RuntimeError),
    "_check_index": _check_as(IndexError),
    "_check_value": _check_as(ValueError),
    "_check_type": _check_as(TypeError),
    "_check_not_implemented": _check_as(NotImplementedError),
    "_check_with": lambda error, cond, message=None: _check_as(error)(cond, message),
    "_check_tensor_all": _check_tensor_all,
    "_check_is_size": _check_is_size,
    "_shape_as_tensor": _shape_as_tensor,
    "sym_int": sym_int,
    "sym_float": sym_float,
    "sym_not": sym_not,
    "sym_ite": sym_ite,
    "sym_sum": sym_sum,
    "sym_sqrt": math.sqrt,
    "sym_max": lambda a, b: _as_both(a, b, max(a, b)),
    "sym_min": lambda a, b: _as_both(a, b, min(a, b)),
}
