"""Some systems written by hand in JAX and optax: the floor for what a library on JAX can cost.

The models are those of ``systems.py`` with JAX's own operators, its default layouts and gradients.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from benchmarks.systems import Case

Params = Any


def _random(seed: int, *shape: int, scale: float = 1.0) -> Array:
    return scale * jax.random.normal(jax.random.key(seed), shape, dtype="float32")


def _classes(batch: int, count: int) -> Array:
    return jax.random.randint(jax.random.key(9), (batch,), 0, count, dtype="int32")


def _linear(wide: int, narrow: int) -> dict[str, Array]:
    return {"w": _random(wide + narrow, wide, narrow, scale=wide**-0.5), "b": jnp.zeros(narrow, "float32")}


def _entropy(scores: Array, y: Array) -> Array:
    return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()


def supervised(params: Params, loss: Callable[..., Array], *batch: Array) -> Case:
    """One compiled step with Adam that gets its state back, its buffers donated."""
    adam = optax.adam(1e-3)

    def step(params: Params, state: Any, *batch: Array) -> tuple[Params, Any, Array]:
        value, gradients = jax.value_and_grad(loss)(params, *batch)
        updates, state = adam.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    compiled, held = jax.jit(step, donate_argnums=(0, 1)), [params, adam.init(params)]

    def call(*batch: Array) -> Array:
        held[0], held[1], value = compiled(*held, *batch)
        return value

    return Case(call, batch, held)


def _network(params: list[dict[str, Array]], x: Array) -> Array:
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


def perceptron(batch: int, *widths: int) -> Case:
    """Linear layers with ReLU between them."""
    params = [_linear(*pair) for pair in itertools.pairwise(widths)]
    loss = lambda p, x, y: _entropy(_network(p, x), y)  # noqa: E731
    return supervised(params, loss, _random(0, batch, widths[0]), _classes(batch, widths[-1]))


def linear_regression(batch: int) -> Case:
    """10 features, one target."""
    loss = lambda p, x, y: jnp.mean((_network(p, x) - y) ** 2)  # noqa: E731
    return supervised([_linear(10, 1)], loss, _random(0, batch, 10), _random(1, batch, 1))


def logistic_regression(batch: int) -> Case:
    """30 features, two classes."""
    loss = lambda p, x, y: optax.sigmoid_binary_cross_entropy(_network(p, x), y).mean()  # noqa: E731
    return supervised([_linear(30, 1)], loss, _random(0, batch, 30), (_random(1, batch, 1) > 0).astype("float32"))


def recommender(batch: int) -> Case:
    """Two embeddings and a perceptron over them."""
    params = {"users": _random(1, 943, 32), "films": _random(2, 1682, 32), "head": [_linear(64, 64), _linear(64, 1)]}

    def loss(p: Params, users: Array, films: Array, y: Array) -> Array:
        pair = jnp.concatenate([p["users"][users], p["films"][films]], 1)
        return jnp.mean((_network(p["head"], pair)[:, 0] - y) ** 2)

    return supervised(params, loss, _classes(batch, 943), _classes(batch, 1682), _random(3, batch))


def cnn(batch: int) -> Case:
    """Three blocks of convolution, batch norm (by the batch), ReLU and pooling; channels last."""
    widths = (3, 32, 64, 128)
    blocks = [
        {"w": _random(i, 3, 3, a, b, scale=0.1), "b": jnp.zeros(b, "float32"), "scale": jnp.ones(b, "float32")}
        for i, (a, b) in enumerate(itertools.pairwise(widths))
    ]

    def loss(p: Params, x: Array, y: Array) -> Array:
        for block in p["blocks"]:
            x = lax.conv_general_dilated(x, block["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            x = jax.nn.relu((x - mean) * lax.rsqrt(variance + 1e-5) * block["scale"] + block["b"])
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return _entropy(_network(p["head"], x.reshape(len(x), -1)), y)

    params = {"blocks": blocks, "head": [_linear(2048, 10)]}
    return supervised(params, loss, _random(0, batch, 32, 32, 3), _classes(batch, 10))


def lstm(batch: int, length: int = 200) -> Case:
    """A sequence of word indexes, its last hidden state, two classes."""
    params = {"table": _random(1, 20_000, 100), "in": _linear(100, 512), "across": _linear(128, 512)}

    def loss(p: Params, words: Array, y: Array) -> Array:
        def step(carry: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], None]:
            h, c = carry
            gates = x @ p["in"]["w"] + p["in"]["b"] + h @ p["across"]["w"] + p["across"]["b"]
            i, f, g, o = jnp.split(gates, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zero = jnp.zeros((len(words), 128), "float32")
        (h, _), _ = lax.scan(step, (zero, zero), p["table"][words.T])
        return _entropy(_network(p["head"], h), y)

    words = jax.random.randint(jax.random.key(3), (batch, length), 0, 20_000, dtype="int32")
    return supervised({**params, "head": [_linear(128, 2)]}, loss, words, _classes(batch, 2))


PLAIN: dict[str, Callable[[int], Case]] = {
    "linear regression": linear_regression,
    "logistic regression": logistic_regression,
    "small MLP": lambda batch: perceptron(batch, 64, 64, 10),
    "MLP": lambda batch: perceptron(batch, 784, 512, 256, 10),
    "CNN": cnn,
    "LSTM": lstm,
    "recommender": recommender,
}
"""The systems of ``systems.SYSTEMS`` that are written here, by name."""
