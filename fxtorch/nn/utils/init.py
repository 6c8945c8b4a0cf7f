"""Modules whose initial values nobody needs."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from fxtorch.nn.modules.module import Module
from fxtorch.tensor.generator import get_rng_state, set_rng_state

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """A module whose values will be replaced, by a checkpoint say; the random state is left as it was.

    What the values are is not said.  (JAX has no memory without values: they are drawn as ever.)

    Args:
        module_cls: the class; its constructor takes ``device``.
        *args: for the constructor.
        **kwargs: for the constructor.

    Raises:
        RuntimeError: it is no class of Modules, or takes no ``device``.

    >>> import fxtorch as torch
    >>> torch.nn.utils.skip_init(torch.nn.Linear, 2, 3).weight.shape
    torch.Size([3, 2])
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    before = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(before)
