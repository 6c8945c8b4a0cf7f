"""The option of the tests against PyTorch's own databases."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import jax
import pytest

from fxtorch.tensor.operator import Operator

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["*.py"]  # nothing here can be imported without it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="every sample of PyTorch's databases, not the part of CI")
    parser.addoption("--turn", type=int, help="which part of the databases a run takes that is not whole: today's")


@pytest.fixture(autouse=True)
def _forgetting(request: pytest.FixtureRequest) -> Iterator[None]:
    """Between the tests of a whole run: a process may map so many pieces of memory only, and each program is some."""
    yield
    if request.config.getoption("--whole"):
        Operator.forget_programs()
        jax.clear_caches()
