"""Errors of the engine, said in torch's class and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from fxtorch.ops import dtypes as rules
from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import type_name
from fxtorch.tensor.gone import Gone


def can_store(result: Any, wanted: Any) -> bool:
    """Whether ``wanted`` is of the category of ``result`` (bool, integer, float, complex) or of a higher one."""
    categories = (rules.is_complex, rules.is_inexact, lambda dtype: np.dtype(dtype) != np.bool_)
    return all(within(wanted) or not within(result) for within in categories)


def check_result_cast(result: Any, wanted: Any) -> None:
    """Raise torch's error where a result cannot be stored in a Tensor of type ``wanted``."""
    if not can_store(result, wanted):
        raise RuntimeError(
            f"result type {type_name(result)} can't be cast to the desired output type {type_name(wanted)}"
        )


def translate(name: str, error: Exception, leaves: Sequence[Any]) -> Exception:
    """What torch would raise where JAX raised ``error`` in operator ``name``."""
    if isinstance(error, jax.errors.JAXTypeError | jax.errors.JAXIndexError):
        return error
    if (gone := next((x for x in leaves if isinstance(x, Gone)), None)) is not None:
        return gone.error()
    text = str(error)
    if "incompatible shapes for broadcasting" in text or "Incompatible shapes for broadcasting" in text:
        shapes = [np.shape(x) for x in leaves]
        for i, a in enumerate(shapes):
            for b in shapes[i + 1 :]:
                try:
                    check_broadcast(a, b)
                except RuntimeError as ours:
                    return ours
    return error
