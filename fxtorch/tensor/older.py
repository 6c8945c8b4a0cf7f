"""Calls in which the numbers stand among the Tensors, as torch had them once: ``x.add_(alpha, other)``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.tensor.tensor import Tensor

_told: set[str] = set()


def in_older_form(fn: Callable[..., Any], numbers: Sequence[str], given: Sequence[Any], **named: Any) -> Any:
    """Call ``fn`` with the Tensors that were given, in their order, and the numbers by name.

    Args:
        fn: the public function.
        numbers: the names of the keyword numbers, in the order in which they once stood.
        given: what was passed by position.
        **named: what was passed by name.

    Raises:
        TypeError: there are more numbers than names.
    """
    name = fn.__name__
    tensors = [x for x in given if isinstance(x, Tensor)]
    values = [x for x in given if x is not None and not isinstance(x, Tensor)]
    if len(values) > len(numbers) or len(tensors) + len(values) == len(tensors):
        raise TypeError(f"{name}() received an invalid combination of arguments")
    if name not in _told:
        _told.add(name)
        words = ", ".join(f"Number {n}" for n in numbers)
        warnings.warn(
            f"This overload of {name} is deprecated:\n\t{name}({words}, Tensor ...)\nConsider using the signature in "
            f"which {' and '.join(numbers)} are given by name.",
            stacklevel=3,
        )
    return fn(*tensors, **dict(zip(numbers, values, strict=False)), **named)
