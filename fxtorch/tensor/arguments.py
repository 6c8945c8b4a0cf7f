"""What an operator's arguments may be, read off their annotations, and torch's words for one that is something else.

Static arguments are looked at where a program is made for them, so that calls that have run before pay nothing.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fxtorch.tensor import dtype as types
from fxtorch.tensor.tensor import Tensor

if TYPE_CHECKING:
    from fxtorch.ops.table import Op
    from fxtorch.tensor.operator import Operator

_INT_SEQUENCES = frozenset({"Dims", "Sizes", "OptionalSizes"})
_PREFIXED = ("linalg.", "fft.", "special.")  # modules whose functions torch's words name whole


def _is_int(a: Any) -> bool:
    return isinstance(a, Tensor | jax.Array | numbers.Integral) or (hasattr(a, "__index__") and not callable(a))


def _is_float(a: Any) -> bool:
    return _is_int(a) or isinstance(a, numbers.Real)


def _is_bool(a: Any) -> bool:
    return isinstance(a, np.bool_) or _is_int(a)


def _is_dtype(a: Any) -> bool:
    return isinstance(a, types.dtype | type | np.dtype)


def _is_ints(a: Any) -> bool:
    if isinstance(a, list | tuple):
        return all(x is None or _is_int(x) for x in a)
    return _is_int(a)


def _is_sequence_of_ints(a: Any) -> bool:
    return isinstance(a, list | tuple | Tensor | np.ndarray) and (not isinstance(a, list | tuple) or _is_ints(a))


_TESTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "int": ("int", _is_int),
    "float": ("float", _is_float),
    "bool": ("bool", _is_bool),
    "np.dtype": ("torch.dtype", _is_dtype),
    "str": ("str", lambda a: isinstance(a, str)),
    "tuple[int, ...]": ("tuple of ints", _is_sequence_of_ints),
}
_MIXED = ("tuple of ints", _is_ints)


def wanted(annotation: str) -> tuple[str, Callable[[Any], bool]] | None:
    """What an argument with this annotation must be, in torch's words, and the test of it.

    None where the annotation says nothing that torch has words for; there the function itself decides.

    >>> wanted("int | None")[0]
    'int'
    """
    kinds = {part.strip() for part in annotation.split(" | ")} - {"None"}
    if kinds & _INT_SEQUENCES or kinds == {"int", "tuple[int, ...]"}:
        return None if "str" in kinds else _MIXED
    if len(kinds) == 1:
        return _TESTS.get(kinds.pop())
    if "Array" in kinds:  # a Tensor, or a value that only its function can judge
        return "Tensor", lambda a: not isinstance(a, str)
    return None


def called(op: Op, inplace: bool) -> str:
    """The operator's name as torch's errors have it: ``add_``, ``linalg_inv``.

    >>> from fxtorch.ops.table import TABLE
    >>> called(TABLE["add"], inplace=True)
    'add_'
    """
    name = op.names[0] if op.names and op.names[0].startswith(_PREFIXED) else op.name.rpartition(".")[2]
    return name.replace(".", "_") + ("_" if inplace and not name.endswith("_") else "")


def wrong(operator: Operator, name: str, want: str, a: Any) -> TypeError:
    """torch's error for an argument of a wrong type.

    The position is that in the function, or in the method where there is no such function.
    """
    places = [p.name for p in operator.op.params if p.kind != "key" and not p.keyword_only]
    method = operator.inplace or not any(not n.startswith("Tensor.") for n in operator.op.names)
    at = places.index(name) + (0 if method else 1) if name in places else 0
    position = f" (position {at})" if at else ""
    words = f"{operator.called}(): argument '{name.rstrip('_')}'"
    if want == "tuple of ints" and isinstance(a, list | tuple):
        if len(a) == 1 and name == operator.op.variadic:  # given as it is, not in a sequence
            return TypeError(f"{words}{position} must be {want}, not {type(a[0]).__name__}")
        i = next(i for i, x in enumerate(a) if not _is_int(x))
        if i == 0:
            first = type(a[0]).__name__
            return TypeError(f"{words}{position} must be {want}, but found element of type {first} at pos 0")
        return TypeError(
            f'{words} failed to unpack the object at pos {i + 1} with error "type must be {want},'
            f'but got {type(a[i]).__name__}"'
        )
    return TypeError(f"{words}{position} must be {want}, not {type(a).__name__}")


def check(operator: Operator, args: Sequence[Any]) -> None:
    """Raise torch's ``TypeError`` for the first static argument that is of a wrong type."""
    for param, want, a in zip(operator.op.params, operator.wants, args, strict=True):
        if want is None or a is param.default or want[1](a):
            continue
        if a is None and ("None" in param.annotation or param.default is not Parameter.empty):
            continue
        raise wrong(operator, param.name, want[0], a)
