"""The pages on what JAX adds, and on the compiler: their examples run."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["beyond_pytorch", "compiler"])
def test_the_examples_of_a_page_run(page: str) -> None:
    path = Path(__file__).parents[1] / "docs" / f"{page}.md"
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testfile(str(path), module_relative=False, optionflags=options)
    assert found.failed == 0 and found.attempted > 15
