"""What every test and every docstring example finds prepared."""

from __future__ import annotations

from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fxtorch

hypothesis.settings.register_profile("fxtorch", deadline=None, derandomize=True, max_examples=30, database=None)
hypothesis.settings.load_profile("fxtorch")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same random state, whatever ran before it."""
    np.random.seed(0)
    fxtorch.manual_seed(0)


@pytest.fixture(autouse=True)
def _names(doctest_namespace: dict[str, Any]) -> None:
    """The names that examples use without importing them."""
    doctest_namespace.update(torch=fxtorch, nn=fxtorch.nn, F=fxtorch.nn.functional, jax=jax, jnp=jnp, np=np)
