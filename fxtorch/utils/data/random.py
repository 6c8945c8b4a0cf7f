"""Random numbers of the host: orders and seeds come from a Generator's key but are drawn by NumPy."""

from __future__ import annotations

import numpy as np

from fxtorch.tensor.generator import Generator, default_generator


def host_rng(generator: Generator | None) -> np.random.Generator:
    """A NumPy generator seeded by one draw of ``generator`` (or of the default one)."""
    key = (default_generator if generator is None else generator).draw()
    return np.random.default_rng(np.asarray(key))
