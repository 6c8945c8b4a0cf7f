"""The page on what JAX adds: its examples run."""

from __future__ import annotations

import doctest
from pathlib import Path


def test_the_examples_on_what_jax_adds_run() -> None:
    page = Path(__file__).parents[1] / "docs" / "beyond_pytorch.md"
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testfile(str(page), module_relative=False, optionflags=options)
    assert found.failed == 0 and found.attempted > 20
