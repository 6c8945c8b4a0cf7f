"""The systems written by hand in JAX and optax: the floor for what a library on JAX can cost.

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


def supervised(params: Params, loss: Callable[..., Array], *batch: Array, draws: bool = False) -> Case:
    """One compiled step with Adam that gets its state back, its buffers donated.

    With ``draws`` the loss takes a key after the parameters, another one at each step.
    """
    adam = optax.adam(1e-3)

    def step(params: Params, state: Any, *batch: Array) -> tuple[Params, Any, Array]:
        keys = [jax.random.fold_in(jax.random.key(0), state[0].count)] if draws else []
        value, gradients = jax.value_and_grad(loss)(params, *keys, *batch)
        updates, state = adam.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    return _kept(step, [params, adam.init(params)], *batch)


def _kept(step: Callable[..., Any], held: list[Any], *batch: Array) -> Case:
    """The step, compiled, whose first results take the place of what it was given."""
    compiled = jax.jit(step, donate_argnums=tuple(range(len(held))))

    def call(*batch: Array) -> Array:
        *held[:], value = compiled(*held, *batch)
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


def _convolution(x: Array, w: Array, stride: int = 1, padding: Any = "SAME") -> Array:
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _transposed(x: Array, w: Array, stride: int, padding: int) -> Array:
    pads = [(k - 1 - padding, k - 1 - padding) for k in w.shape[:2]]
    return lax.conv_general_dilated(
        x, w, (1, 1), pads, lhs_dilation=(stride, stride), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _norm(x: Array, p: dict[str, Array], axes: tuple[int, ...]) -> Array:
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * p["scale"] + p["b"]


def _scale(width: int) -> dict[str, Array]:
    return {"scale": jnp.ones(width, "float32"), "b": jnp.zeros(width, "float32")}


def cnn(batch: int) -> Case:
    """Three blocks of convolution, batch norm (by the batch), ReLU and pooling; channels last."""
    widths = (3, 32, 64, 128)
    blocks = [
        {"w": _random(i, 3, 3, a, b, scale=0.1), **_scale(b)} for i, (a, b) in enumerate(itertools.pairwise(widths))
    ]

    def loss(p: Params, x: Array, y: Array) -> Array:
        for block in p["blocks"]:
            x = jax.nn.relu(_norm(_convolution(x, block["w"]), block, (0, 1, 2)))
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


def transformer(batch: int, width: int = 256, depth: int = 4, length: int = 128, heads: int = 8) -> Case:
    """Encoder blocks, the norm after each half, dropout of 0.1; the mean over positions, ten classes."""

    def block() -> Params:
        halves = {"qkv": _linear(width, 3 * width), "out": _linear(width, width)}
        hidden = {"up": _linear(width, 4 * width), "down": _linear(4 * width, width)}
        return {**halves, **hidden, "first": _scale(width), "second": _scale(width)}

    def dense(x: Array, p: dict[str, Array]) -> Array:
        return x @ p["w"] + p["b"]

    def loss(p: Params, key: Array, x: Array, y: Array) -> Array:
        keys = iter(jax.random.split(key, 4 * depth))

        def drop(x: Array) -> Array:
            return jnp.where(jax.random.bernoulli(next(keys), 0.9, x.shape), x / 0.9, 0.0)

        for b in p["blocks"]:
            q, k, v = (
                part.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2) for part in jnp.split(dense(x, b["qkv"]), 3, -1)
            )
            weights = drop(jax.nn.softmax(q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5))
            mixed = dense((weights @ v).swapaxes(1, 2).reshape(x.shape), b["out"])
            x = _norm(x + drop(mixed), b["first"], (-1,))
            hidden = drop(jax.nn.relu(dense(x, b["up"])))
            x = _norm(x + drop(dense(hidden, b["down"])), b["second"], (-1,))
        return _entropy(_network(p["head"], x.mean(1)), y)

    params = {"blocks": [block() for _ in range(depth)], "head": [_linear(width, 10)]}
    return supervised(params, loss, _random(0, batch, length, width), _classes(batch, 10), draws=True)


def resnet18(batch: int) -> Case:
    """A 3x3 stem, and four stages of two residual blocks; batch norm by the batch, channels last."""

    def layer(size: int, wide: int, narrow: int) -> Params:
        return {
            "w": _random(size + narrow, size, size, wide, narrow, scale=(size * size * wide) ** -0.5),
            **_scale(narrow),
        }

    def apply(x: Array, p: Params, stride: int = 1) -> Array:
        padding = ((p["w"].shape[0] // 2,) * 2,) * 2
        return _norm(_convolution(x, p["w"], stride, padding), p, (0, 1, 2))

    stages = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
    strides = [s for _, _, stride in stages for s in (stride, 1)]
    blocks = []
    for wide, narrow, stride in stages:
        for a, s in ((wide, stride), (narrow, 1)):
            block = {"one": layer(3, a, narrow), "two": layer(3, narrow, narrow)}
            blocks.append(block if a == narrow and s == 1 else {**block, "short": layer(1, a, narrow)})

    def loss(p: Params, x: Array, y: Array) -> Array:
        x = jax.nn.relu(apply(x, p["stem"]))
        for block, stride in zip(p["blocks"], strides, strict=True):
            body = apply(jax.nn.relu(apply(x, block["one"], stride)), block["two"])
            x = jax.nn.relu(body + (apply(x, block["short"], stride) if "short" in block else x))
        return _entropy(_network(p["head"], x.mean((1, 2))), y)

    params = {"stem": layer(3, 3, 64), "blocks": blocks, "head": [_linear(512, 10)]}
    return supervised(params, loss, _random(0, batch, 32, 32, 3), _classes(batch, 10))


def dcgan(batch: int) -> Case:
    """One discriminator and one generator update on 28x28 pictures; batch norm by the batch, channels last."""
    maker = {
        "one": _random(1, 7, 7, 100, 128, scale=0.02),
        "two": _random(2, 4, 4, 128, 64, scale=0.02),
        "three": _random(3, 4, 4, 64, 1, scale=0.02),
        "norms": [_scale(128), _scale(64)],
        "b": jnp.zeros(1, "float32"),
    }
    judge = {
        "one": _random(4, 4, 4, 1, 64, scale=0.02),
        "two": _random(5, 4, 4, 64, 128, scale=0.02),
        "three": _random(6, 7, 7, 128, 1, scale=0.02),
        "norm": _scale(128),
        "biases": [jnp.zeros(64, "float32"), jnp.zeros(1, "float32")],
    }
    adam = optax.adam(2e-4, b1=0.5)

    def made(p: Params, noise: Array) -> Array:
        x = jax.nn.relu(_norm(_transposed(noise, p["one"], 1, 0), p["norms"][0], (0, 1, 2)))
        x = jax.nn.relu(_norm(_transposed(x, p["two"], 2, 1), p["norms"][1], (0, 1, 2)))
        return jnp.tanh(_transposed(x, p["three"], 2, 1) + p["b"])

    def judged(p: Params, x: Array, label: float) -> Array:
        x = jax.nn.leaky_relu(_convolution(x, p["one"], 2, ((1, 1), (1, 1))) + p["biases"][0], 0.2)
        x = jax.nn.leaky_relu(_norm(_convolution(x, p["two"], 2, ((1, 1), (1, 1))), p["norm"], (0, 1, 2)), 0.2)
        score = (_convolution(x, p["three"], 1, "VALID") + p["biases"][1])[:, 0, 0]
        return optax.sigmoid_binary_cross_entropy(score, jnp.full_like(score, label)).mean()

    def improved(p: Params, gradients: Params, state: Any) -> tuple[Params, Any]:
        updates, state = adam.update(gradients, state)
        return optax.apply_updates(p, updates), state

    def step(maker: Params, judge: Params, of_maker: Any, of_judge: Any, real: Array) -> Any:
        noise = jax.random.normal(
            jax.random.fold_in(jax.random.key(0), of_maker[0].count), (batch, 1, 1, 100), "float32"
        )
        fake, pull = jax.vjp(lambda p: made(p, noise), maker)
        both = lambda p: judged(p, real, 1.0) + judged(p, fake, 0.0)  # noqa: E731
        value, gradients = jax.value_and_grad(both)(judge)
        judge, of_judge = improved(judge, gradients, of_judge)
        fooled, back = jax.value_and_grad(lambda x: judged(judge, x, 1.0))(fake)
        maker, of_maker = improved(maker, pull(back)[0], of_maker)
        return maker, judge, of_maker, of_judge, value + fooled

    return _kept(step, [maker, judge, adam.init(maker), adam.init(judge)], _random(0, batch, 28, 28, 1))


PLAIN: dict[str, Callable[[int], Case]] = {
    "linear regression": linear_regression,
    "logistic regression": logistic_regression,
    "small MLP": lambda batch: perceptron(batch, 64, 64, 10),
    "MLP": lambda batch: perceptron(batch, 784, 512, 256, 10),
    "CNN": cnn,
    "LSTM": lstm,
    "DCGAN": dcgan,
    "recommender": recommender,
    "transformer": transformer,
    "ResNet-18": resnet18,
}
"""The systems of ``systems.SYSTEMS``, by name."""
