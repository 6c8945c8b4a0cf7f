"""torch.random: the state of the default generator."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fxtorch.tensor.generator import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, **kwargs: Any) -> Iterator[None]:
    """Draws within it leave the state outside as it was.

    >>> import fxtorch as torch
    >>> with torch.random.fork_rng():
    ...     a = torch.rand(2)
    >>> bool((torch.rand(2) == a).all())
    True

    Args:
        devices: accepted; one generator serves all devices.
        enabled: False makes this do nothing.
        kwargs: torch's other options, accepted.
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
