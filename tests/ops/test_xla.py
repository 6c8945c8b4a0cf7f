"""The options that programs are compiled with."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jaxlib.version
import pytest

from fxtorch.ops import xla


def test_an_option_is_given_to_tested_versions_only(monkeypatch) -> None:
    monkeypatch.setattr(xla, "_TESTED", frozenset())
    assert xla._options({}) is None and xla.pieces_of(1) is None
    assert float(xla.compiled(lambda x: x + 1)(jnp.float32(1))) == 2


def test_the_installed_version_takes_the_options() -> None:
    x = jnp.ones((8, 8), "float32")
    assert float(xla.compiled(lambda x: (x @ x).sum())(x)) == 512
    assert (xla._options({}) is not None) == (
        jax.default_backend() == "cpu" and jaxlib.version.__version__ in xla._TESTED
    )


def test_a_program_with_options_runs_inside_a_trace_too() -> None:
    x = jnp.ones((2, 2), "float32")
    product = xla.compiled_anywhere(lambda a: a @ a)
    assert float(jax.jit(lambda a: product(x).sum() + a)(jnp.float32(1))) == 9
    assert float(jax.jit(jax.grad(lambda a: product(a).sum()))(x).sum()) == 16
    assert jax.vmap(product)(jnp.ones((3, 2, 2), "float32")).shape == (3, 2, 2)


def test_an_error_of_the_function_itself_is_its_own() -> None:
    def refuse(x: jax.Array) -> jax.Array:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        xla.compiled_anywhere(refuse)(jnp.float32(1))
