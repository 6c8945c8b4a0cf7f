"""``torch.__config__``: how this torch was built."""

from __future__ import annotations

import os
from importlib import metadata

import jax

from fxtorch.version import __version__

__all__ = ["parallel_info", "show"]


def show() -> str:
    """What it was built with, for people.

    >>> "XLA" in show()
    True
    """
    xla = metadata.version("jaxlib")
    return f"fxtorch {__version__} built with:\n  - JAX {jax.__version__}\n  - XLA of jaxlib {xla}\n"


def parallel_info() -> str:
    """How many threads there are to compute with."""
    return f"XLA's thread pool; hardware threads: {os.cpu_count()}\n"
