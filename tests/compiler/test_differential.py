"""Random programs, run eagerly and compiled, agree in results, state and exceptions.

``FXTORCH_PROGRAMS=2000`` (``make nightly``) generates more of them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import fxtorch as torch
from fxtorch.optim import update
from tests.compiler.programs import Program, programs, run

COUNT = int(os.environ.get("FXTORCH_PROGRAMS", "100"))


@pytest.fixture(autouse=True, scope="module")
def short_stacks() -> Iterator[None]:
    """The programs have three parameters of one shape: stack them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(update, "_FEWEST", 2)
        yield


def same(a: Any, b: Any, where: str) -> None:
    assert type(a) is type(b), f"{where}: {a!r} and {b!r}"
    if isinstance(a, np.ndarray):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5, err_msg=where)
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}[{i}]")
    else:
        assert a == b, where


@settings(
    max_examples=COUNT,
    derandomize=COUNT <= 100,  # always the same in CI, new ones each night
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(programs())
def test_a_random_program_does_compiled_what_it_does_eagerly(program: Program) -> None:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        wanted = run(program, None)
        got = run(program, torch.jit)
    same(wanted, got, "program")
