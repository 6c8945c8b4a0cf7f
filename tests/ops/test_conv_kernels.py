"""Convolutions whose kernel is larger than their input, or than their outputs, take ways of their own on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fxtorch.ops import conv_kernels
from fxtorch.ops.conv_kernels import Geometry, forward, input_gradient

# dimensions, input size, kernel, stride, padding, output padding
SMALL = [
    (1, 1, 3, 1, 1, 0),
    (2, 1, 7, 1, 0, 0),
    (2, 2, 3, 1, 1, 0),
    (2, 3, 4, 2, 1, 1),
    (2, 1, 3, 4, 1, 2),
    (2, 4, 5, 1, 2, 0),
    (3, 1, 2, 3, 0, 1),
]


def plainly(monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], *args: Any) -> Any:
    """``function`` as other devices run it."""
    with monkeypatch.context() as patch:
        patch.setattr(conv_kernels, "channels_last_inside", lambda: False)
        return function(*args)


def arrays(*shapes: tuple[int, ...]) -> list[jax.Array]:
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.standard_normal(shape)) for shape in shapes]


@pytest.mark.parametrize(("n", "size", "kernel", "stride", "padding", "extra"), SMALL)
def test_a_small_input_gives_what_xlas_own_convolution_gives(
    n: int, size: int, kernel: int, stride: int, padding: int, extra: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    geometry = Geometry((stride,) * n, ((padding, padding),) * n, (1,) * n, 1)
    sizes = ((size - 1) * stride - 2 * padding + kernel + extra,) * n
    x, g, w, v = arrays((2, 2, *[size] * n), (2, 3, *[size] * n), (3, 2, *[kernel] * n), (2, 2, *sizes))

    def derivatives(x: jax.Array, g: jax.Array, w: jax.Array, v: jax.Array) -> Any:
        def transposed(g: jax.Array, w: jax.Array) -> jax.Array:
            return jnp.sum(jnp.sin(input_gradient(g, w, sizes, geometry)) * v)

        second = jax.grad(lambda g, w: sum(jnp.sum(d**2) for d in jax.grad(transposed, (0, 1))(g, w)), (0, 1))(g, w)
        convolved = forward(x, w, geometry) if size + 2 * padding >= kernel else None
        return input_gradient(g, w, sizes, geometry), convolved, second

    ours, wanted = derivatives(x, g, w, v), plainly(monkeypatch, derivatives, x, g, w, v)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7), ours, wanted)


def test_a_small_dilated_input_gradient_gives_what_xlas_own_convolution_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = Geometry((2, 1), ((1, 1), (2, 2)), (2, 2), 1)
    g, w = arrays((2, 3, 1, 2), (3, 2, 3, 3))
    ours = input_gradient(g, w, (3, 2), geometry)
    wanted = plainly(monkeypatch, input_gradient, g, w, (3, 2), geometry)
    np.testing.assert_allclose(ours, wanted, rtol=1e-7, atol=1e-7)


# size of the gradient, kernel, stride, padding, dilation, size of the result
FEW = [
    ((3,), (2,), (1,), (0,), (1,), (4,)),
    ((3, 2), (3, 1), (1, 1), (1, 0), (1, 1), (3, 2)),
    ((2, 3), (2, 3), (2, 1), (1, 2), (1, 1), (2, 1)),
    ((2, 2), (2, 2), (3, 3), (0, 1), (1, 1), (6, 5)),
    ((3, 3), (3, 3), (2, 1), (2, 4), (2, 2), (6, 2)),
    ((2, 2, 1), (1, 2, 1), (1, 2, 1), (0, 1, 0), (1, 1, 3), (2, 2, 1)),
]


@pytest.mark.parametrize(("count", "kernel", "stride", "padding", "dilation", "sizes"), FEW)
def test_few_outputs_give_the_input_gradient_by_taps(
    count: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    sizes: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    geometry = Geometry(stride, tuple((p, p) for p in padding), dilation, 1)
    g, w = arrays((2, 20, *count), (20, 3, *kernel))
    taken, by_taps = [], conv_kernels._by_taps
    monkeypatch.setattr(conv_kernels, "_by_taps", lambda *args: taken.append(args) or by_taps(*args))
    ours = input_gradient(g, w, sizes, geometry)
    wanted = plainly(monkeypatch, input_gradient, g, w, sizes, geometry)
    np.testing.assert_allclose(ours, wanted, rtol=1e-7, atol=1e-7)
    assert len(taken) == 1


def test_the_input_gradient_by_taps_has_derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = Geometry((2, 1), ((1, 1), (0, 0)), (1, 1), 1)
    g, w, v = arrays((2, 20, 2, 3), (20, 3, 2, 3), (2, 3, 3, 5))

    def derivatives(g: jax.Array, w: jax.Array) -> Any:
        return jax.grad(lambda g, w: jnp.sum(jnp.sin(input_gradient(g, w, (3, 5), geometry)) * v), (0, 1))(g, w)

    ours, wanted = derivatives(g, w), plainly(monkeypatch, derivatives, g, w)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7), ours, wanted)


def test_a_convolution_larger_than_its_input_pads_first() -> None:
    geometry = Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    x, w = arrays((1, 2, 2, 2), (3, 2, 3, 3))
    assert "optimization_barrier" in str(jax.make_jaxpr(lambda x, w: forward(x, w, geometry))(x, w))
    x = arrays((1, 2, 3, 3))[0]
    assert "optimization_barrier" not in str(jax.make_jaxpr(lambda x, w: forward(x, w, geometry))(x, w))
