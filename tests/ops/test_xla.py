"""The options that programs are compiled with."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jaxlib.version

from fxtorch.ops import xla


def test_an_option_is_given_to_tested_versions_only(monkeypatch) -> None:
    monkeypatch.setattr(xla, "_TESTED", frozenset())
    assert xla._options() is None
    assert float(xla.compiled(lambda x: x + 1)(jnp.float32(1))) == 2


def test_the_installed_version_takes_the_options() -> None:
    x = jnp.ones((8, 8), "float32")
    assert float(xla.compiled(lambda x: (x @ x).sum())(x)) == 512
    assert (xla._options() is not None) == (
        jax.default_backend() == "cpu" and jaxlib.version.__version__ in xla._TESTED
    )
