"""The options that programs are compiled with."""

from __future__ import annotations

from typing import Any

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


def _fusions(compiled: Any, *args: Any) -> bool:
    """Whether XLA's library of fused kernels computes a product of the program."""
    hlo = compiled.lower(*args).compile().as_text()
    return any("__ynn_fusion" in line and "dot" in line for line in hlo.splitlines())


@pytest.mark.skipif(xla._options({}) is None, reason="another backend or version, which gets no options")
def test_products_go_to_the_library_but_not_in_loops() -> None:
    x = jnp.ones((64, 128), "float32")
    weight = jnp.ones((128, 128), "float32")

    def once(x: jax.Array, weight: jax.Array) -> jax.Array:
        return x @ weight

    def often(x: jax.Array, weight: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 3, lambda _, x: once(x, weight), x)

    assert _fusions(xla.compiled(once, (x, weight)), x, weight)
    assert not _fusions(xla.compiled(often, (x, weight)), x, weight)
    assert _fusions(_eager(once, x, weight), x, weight) and not _fusions(_eager(often, x, weight), x, weight)


@pytest.mark.parametrize(
    ("left", "right", "dims", "long"),
    [
        ((1024, 64), (64, 64), (((1,), (0,)), ((), ())), True),
        ((1024, 64), (1024, 64), (((0,), (0,)), ((), ())), True),  # the gradient by the weight
        ((128, 784), (784, 512), (((1,), (0,)), ((), ())), False),
        ((256, 128), (128, 32), (((1,), (0,)), ((), ())), False),
        ((1024, 8), (8, 64), (((1,), (0,)), ((), ())), False),  # small
        ((512, 128), (512, 128), (((1,), (1,)), ((0,), (0,))), False),  # of many pairs of rows, one each
        ((0, 64), (64, 64), (((1,), (0,)), ((), ())), False),
    ],
)
def test_a_product_is_long_by_the_sizes_of_one_matrix(left, right, dims, long) -> None:
    product = jax.make_jaxpr(lambda a, b: jax.lax.dot_general(a, b, dims))(jnp.ones(left), jnp.ones(right))
    assert xla._is_long(product.jaxpr.eqns[-1]) is long


@pytest.mark.skipif(xla._options({}) is None, reason="another backend or version, which gets no options")
def test_long_narrow_products_are_xlas_own() -> None:
    x, weight = jnp.ones((1024, 64), "float32"), jnp.ones((64, 64), "float32")
    assert not _fusions(xla.compiled(jnp.matmul, (x, weight)), x, weight)
    assert _fusions(_eager(jnp.matmul, x, weight), x, weight), "or eager code would depend on what ran before"


@pytest.mark.skipif(xla._options({}) is None, reason="another backend or version, which gets no options")
def test_products_beside_a_convolution_go_to_the_library_everywhere() -> None:
    x = jnp.ones((1, 3, 8), "float32")
    kernel = jnp.ones((3, 3, 1), "float32")
    weight = jnp.ones((64, 64), "float32")

    def convolved(x: jax.Array, kernel: jax.Array, weight: jax.Array) -> jax.Array:
        y = jax.lax.conv_general_dilated(x, kernel, (1,), "SAME")
        return jax.lax.fori_loop(0, 3, lambda _, w: w @ weight, weight) + y.sum()

    assert _fusions(xla.compiled(convolved, (x, kernel, weight)), x, kernel, weight)
    assert _fusions(_eager(convolved, x, kernel, weight), x, kernel, weight)


def _eager(function: Any, *args: Any) -> Any:
    """What :func:`xla.compiled_anywhere` makes of a function once it was called."""
    call = xla.compiled_anywhere(function)
    call(*args)
    return call.outermost
