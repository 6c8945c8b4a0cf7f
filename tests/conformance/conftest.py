"""The option of the tests against PyTorch's own databases."""

from __future__ import annotations

import importlib.util

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["*.py"]  # nothing here can be imported without it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="every sample of PyTorch's databases, not the part of CI")
    parser.addoption("--turn", type=int, help="which part of the databases a run takes that is not whole: today's")
