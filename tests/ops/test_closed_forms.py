"""Gradients against formulas worked out by hand, in double precision, without a second library."""

from __future__ import annotations

import numpy as np

import fxtorch as torch
from fxtorch.nn import functional as F

RNG = np.random.default_rng(0)


def leaf(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def constant(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array)


def close(actual: torch.Tensor | None, expected: np.ndarray) -> None:
    assert actual is not None
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def onehot(classes: np.ndarray, n: int) -> np.ndarray:
    return np.eye(n)[classes]


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_linear_regression_with_squared_error() -> None:
    x, y, w, b = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2)), RNG.normal(size=(2, 3)), RNG.normal(size=2)
    weight, bias = leaf(w), leaf(b)
    F.mse_loss(F.linear(constant(x), weight, bias), constant(y)).backward()
    residual = 2 * (x @ w.T + b - y) / y.size
    close(weight.grad, residual.T @ x)
    close(bias.grad, residual.sum(0))


def test_logistic_regression() -> None:
    x, y, w, b = RNG.normal(size=(9, 4)), RNG.integers(0, 2, (9, 1)) * 1.0, RNG.normal(size=(1, 4)), RNG.normal(size=1)
    weight, bias = leaf(w), leaf(b)
    F.binary_cross_entropy_with_logits(F.linear(constant(x), weight, bias), constant(y)).backward()
    residual = (1 / (1 + np.exp(-(x @ w.T + b))) - y) / 9
    close(weight.grad, residual.T @ x)
    close(bias.grad, residual.sum(0))


def test_softmax_cross_entropy() -> None:
    z, y = RNG.normal(size=(6, 5)), RNG.integers(0, 5, 6)
    scores = leaf(z)
    F.cross_entropy(scores, constant(y)).backward()
    close(scores.grad, (softmax(z) - onehot(y, 5)) / 6)


def test_softmax_cross_entropy_with_weights_and_smoothing() -> None:
    z, y, w = RNG.normal(size=(6, 5)), RNG.integers(0, 5, 6), RNG.uniform(0.5, 2, 5)
    scores = leaf(z)
    F.cross_entropy(scores, constant(y), constant(w), label_smoothing=0.1).backward()
    q = (0.9 * onehot(y, 5) + 0.02) * w
    close(scores.grad, (softmax(z) * q.sum(1, keepdims=True) - q) / w[y].sum())


def test_two_layer_perceptron() -> None:
    x, y = RNG.normal(size=(8, 4)), RNG.integers(0, 3, 8)
    w1, b1, w2, b2 = RNG.normal(size=(5, 4)), RNG.normal(size=5), RNG.normal(size=(3, 5)), RNG.normal(size=3)
    leaves = [leaf(a) for a in (w1, b1, w2, b2)]
    hidden = F.relu(F.linear(constant(x), leaves[0], leaves[1]))
    F.cross_entropy(F.linear(hidden, leaves[2], leaves[3]), constant(y)).backward()
    a = x @ w1.T + b1
    h = np.maximum(a, 0)
    d2 = (softmax(h @ w2.T + b2) - onehot(y, 3)) / 8
    d1 = (d2 @ w2) * (a > 0)
    for tensor, expected in zip(leaves, (d1.T @ x, d1.sum(0), d2.T @ h, d2.sum(0)), strict=True):
        close(tensor.grad, expected)


def test_batch_norm() -> None:
    x, g = RNG.normal(size=(6, 3, 4)), RNG.normal(size=(6, 3, 4))
    w, b = RNG.normal(size=(1, 3, 1)), RNG.normal(size=(1, 3, 1))
    leaves = [leaf(x), leaf(w.reshape(3)), leaf(b.reshape(3))]
    F.batch_norm(leaves[0], None, None, leaves[1], leaves[2], training=True, eps=1e-5).backward(constant(g))
    axes, n = (0, 2), 24
    inverse = 1 / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    xhat = (x - x.mean(axes, keepdims=True)) * inverse
    total, along = g.sum(axes, keepdims=True), (g * xhat).sum(axes, keepdims=True)
    close(leaves[0].grad, w * inverse * (g - total / n - xhat * along / n))
    close(leaves[1].grad, along.reshape(3))
    close(leaves[2].grad, total.reshape(3))


def test_batch_norm_moves_the_running_moments() -> None:
    x = RNG.normal(size=(6, 3, 4))
    mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    F.batch_norm(constant(x), mean, var, training=True, momentum=0.25)
    close(mean, 0.25 * x.mean((0, 2)))
    close(var, 0.75 + 0.25 * x.var((0, 2), ddof=1))


def test_batch_norm_keeps_its_accuracy_where_the_mean_is_large() -> None:
    x = (RNG.normal(size=(64, 2, 8, 8)) + 1000).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean((0, 2, 3), keepdims=True)) / np.sqrt(exact.var((0, 2, 3), keepdims=True) + 1e-5)
    out = F.batch_norm(constant(x), None, None, training=True)
    np.testing.assert_allclose(out.numpy(), exact, atol=2e-4)


def test_convolution_by_explicit_sums() -> None:
    x, w, b = RNG.normal(size=(2, 3, 6, 5)), RNG.normal(size=(4, 3, 3, 2)), RNG.normal(size=4)
    leaves = [leaf(x), leaf(w), leaf(b)]
    out = F.conv2d(*leaves, stride=2, padding=1)
    g = RNG.normal(size=tuple(out.shape))
    out.backward(constant(g))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected, dx, dw = np.zeros(g.shape), np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            at = (slice(None), slice(None), slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 2))
            expected[:, :, i, j] = np.einsum("nchw,ochw->no", padded[at], w) + b
            dx[at] += np.einsum("no,ochw->nchw", g[:, :, i, j], w)
            dw += np.einsum("no,nchw->ochw", g[:, :, i, j], padded[at])
    close(out, expected)
    close(leaves[0].grad, dx[:, :, 1:-1, 1:-1])
    close(leaves[1].grad, dw)
    close(leaves[2].grad, g.sum((0, 2, 3)))


def test_max_pooling_gives_the_gradient_to_the_first_of_equal_maxima() -> None:
    x = leaf(np.array([[[[1.0, 2.0], [2.0, 2.0]]]]))
    F.max_pool2d(x, 2).sum().backward()
    close(x.grad, np.array([[[[0.0, 1.0], [0.0, 0.0]]]]))


def test_embedding_adds_the_gradients_of_equal_rows() -> None:
    weight = leaf(RNG.normal(size=(4, 2)))
    F.embedding(constant(np.array([1, 3, 1, 0])), weight, padding_idx=0).sum().backward()
    close(weight.grad, np.array([[0.0, 0.0], [2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]))


def test_a_lone_condition_without_dimensions_counts_as_one_element() -> None:
    assert [i.tolist() for i in torch.where(torch.tensor(True))] == [[0]]
    assert [i.tolist() for i in torch.where(torch.tensor(0.0))] == [[]]
