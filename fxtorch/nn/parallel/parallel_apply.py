"""Several modules, each on arguments of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn.modules.module import Module


def parallel_apply(
    modules: Sequence[Module],
    inputs: Sequence[Any],
    kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Any] | None = None,
) -> list[Any]:
    """The result of each module, in turn: their programs run one after the other on the device of this process.

    Args:
        modules: the modules.
        inputs: positional arguments for each: a tuple, or a single one.
        kwargs_tup: named arguments for each.
        devices: accepted.

    Raises:
        AssertionError: the lengths differ.
    """
    assert len(modules) == len(inputs), f"The number of modules {len(modules)} is not equal to the number of inputs"
    named = kwargs_tup or [{}] * len(modules)
    assert len(modules) == len(named), f"The number of modules {len(modules)} is not equal to that of kwargs_tup"
    return [
        module(*(given if isinstance(given, list | tuple) else (given,)), **more)
        for module, given, more in zip(modules, inputs, named, strict=True)
    ]
