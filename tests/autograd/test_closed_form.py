"""Gradients of the usual models against formulas worked out by hand, in float64."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F

R = np.random.RandomState(0)
N = 7


def leaf(value: np.ndarray) -> torch.Tensor:
    return torch.tensor(value, requires_grad=True)


def close(got: torch.Tensor | None, wanted: np.ndarray) -> None:
    assert got is not None
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-7, atol=1e-9)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_linear_regression() -> None:
    x, y, w, b = R.randn(N, 3), R.randn(N, 2), leaf(R.randn(2, 3)), leaf(R.randn(2))
    F.mse_loss(F.linear(torch.tensor(x), w, b), torch.tensor(y)).backward()
    error = x @ w.detach().numpy().T + b.detach().numpy() - y
    close(w.grad, 2 / (2 * N) * error.T @ x)
    close(b.grad, 2 / (2 * N) * error.sum(0))


def test_logistic_regression() -> None:
    x, y, w, b = R.randn(N, 3), R.randint(0, 2, N).astype(float), leaf(R.randn(3)), leaf(np.asarray(0.3))
    F.binary_cross_entropy_with_logits(torch.tensor(x) @ w + b, torch.tensor(y)).backward()
    p = 1 / (1 + np.exp(-(x @ w.detach().numpy() + b.item())))
    close(w.grad, (p - y) @ x / N)
    close(b.grad, np.mean(p - y))


def test_binary_cross_entropy_of_probabilities() -> None:
    p, y = leaf(R.rand(N) * 0.8 + 0.1), R.randint(0, 2, N).astype(float)
    F.binary_cross_entropy(p, torch.tensor(y)).backward()
    q = p.detach().numpy()
    close(p.grad, (q - y) / (q * (1 - q)) / N)


def test_softmax_cross_entropy() -> None:
    z, y = leaf(R.randn(N, 4)), R.randint(0, 4, N)
    F.cross_entropy(z, torch.tensor(y)).backward()
    close(z.grad, (softmax(z.detach().numpy()) - np.eye(4)[y]) / N)


def test_softmax_cross_entropy_with_weights_smoothing_and_an_ignored_class() -> None:
    z, y, weight = leaf(R.randn(N, 4)), np.array([0, 1, 2, 3, -100, 1, 0]), np.array([1.0, 2.0, 0.5, 1.5])
    smoothing = 0.1
    F.cross_entropy(z, torch.tensor(y), torch.tensor(weight), label_smoothing=smoothing).backward()
    kept = y >= 0
    total = weight[y[kept]].sum()
    target = np.zeros((N, 4))
    target[kept, y[kept]] = (1 - smoothing) * weight[y[kept]]
    target[kept] += smoothing / 4 * weight
    wanted = softmax(z.detach().numpy()) * target.sum(1, keepdims=True) - target
    close(z.grad, wanted / total)


def test_a_perceptron_with_one_hidden_layer() -> None:
    x, y = R.randn(N, 3), R.randint(0, 2, N)
    a, b = leaf(R.randn(5, 3)), leaf(R.randn(2, 5))
    F.cross_entropy(F.linear(torch.relu(F.linear(torch.tensor(x), a)), b), torch.tensor(y)).backward()
    pre = x @ a.detach().numpy().T
    hidden = np.maximum(pre, 0)
    top = (softmax(hidden @ b.detach().numpy().T) - np.eye(2)[y]) / N
    close(b.grad, top.T @ hidden)
    close(a.grad, ((top @ b.detach().numpy()) * (pre > 0)).T @ x)


def test_batch_norm_in_training() -> None:
    x, scale, shift, upstream = leaf(R.randn(N, 3)), leaf(R.randn(3)), leaf(R.randn(3)), R.randn(N, 3)
    eps = 1e-5
    out = F.batch_norm(x, None, None, scale, shift, training=True, eps=eps)
    (out * torch.tensor(upstream)).sum().backward()
    value = x.detach().numpy()
    spread = 1 / np.sqrt(value.var(0) + eps)
    normal = (value - value.mean(0)) * spread
    close(shift.grad, upstream.sum(0))
    close(scale.grad, (upstream * normal).sum(0))
    inner = upstream - upstream.mean(0) - normal * (upstream * normal).mean(0)
    close(x.grad, scale.detach().numpy() * spread * inner)


def test_batch_norm_in_evaluation() -> None:
    x, upstream = leaf(R.randn(N, 3)), R.randn(N, 3)
    mean, variance = R.randn(3), R.rand(3) + 0.5
    out = F.batch_norm(x, torch.tensor(mean), torch.tensor(variance), training=False, eps=0.5)
    (out * torch.tensor(upstream)).sum().backward()
    close(x.grad, upstream / np.sqrt(variance + 0.5))


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 1, 1)])
def test_convolution_by_its_explicit_sum(stride: int, padding: int, dilation: int) -> None:
    x, w, b = leaf(R.randn(2, 3, 6, 5)), leaf(R.randn(4, 3, 2, 3)), leaf(R.randn(4))
    out = F.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation)
    upstream = R.randn(*out.shape)
    (out * torch.tensor(upstream)).sum().backward()

    padded = np.pad(x.detach().numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kernel, dx, dw = w.detach().numpy(), np.zeros_like(padded), np.zeros(w.shape)
    wanted = np.zeros(out.shape) + b.detach().numpy()[:, None, None]
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            rows = i * stride + dilation * np.arange(2)[:, None]
            columns = j * stride + dilation * np.arange(3)[None, :]
            patch = padded[:, :, rows, columns]
            wanted[:, :, i, j] += np.einsum("nchw,ochw->no", patch, kernel)
            dw += np.einsum("nchw,no->ochw", patch, upstream[:, :, i, j])
            dx[:, :, rows, columns] += np.einsum("ochw,no->nchw", kernel, upstream[:, :, i, j])
    close(out.detach(), wanted)
    close(w.grad, dw)
    close(b.grad, upstream.sum((0, 2, 3)))
    close(x.grad, dx[:, :, padding : padding + 6, padding : padding + 5])


def test_an_embedding_sums_over_repeated_rows() -> None:
    table, words, upstream = leaf(R.randn(5, 2)), np.array([[0, 3], [3, 3]]), R.randn(2, 2, 2)
    (F.embedding(torch.tensor(words), table) * torch.tensor(upstream)).sum().backward()
    wanted = np.zeros((5, 2))
    np.add.at(wanted, words, upstream)
    close(table.grad, wanted)


def test_max_pooling_gives_each_maximum_its_gradient() -> None:
    x, upstream = leaf(R.permutation(16).reshape(1, 1, 4, 4).astype(float)), R.randn(1, 1, 2, 2)
    (F.max_pool2d(x, 2) * torch.tensor(upstream)).sum().backward()
    wanted = np.zeros((4, 4))
    for i in range(2):
        for j in range(2):
            block = x.detach().numpy()[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            k = np.unravel_index(block.argmax(), (2, 2))
            wanted[2 * i + k[0], 2 * j + k[1]] = upstream[0, 0, i, j]
    close(x.grad, wanted[None, None])


def test_the_subgradients_that_torch_chose() -> None:
    def at(f, value: float) -> float:
        x = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        f(x).backward()
        assert x.grad is not None
        return x.grad.item()

    assert at(torch.abs, 0.0) == 0
    assert at(torch.relu, 0.0) == 0
    assert at(lambda x: x.clamp(0, 1), 0.0) == 1
    assert at(lambda x: x.clamp(0, 1), 1.0) == 1
    assert at(lambda x: x.clamp(0, 1), 1.5) == 0
    assert at(torch.sqrt, 0.0) == np.inf
    assert at(lambda x: torch.maximum(x, torch.tensor(1.0, dtype=torch.float64)), 1.0) == 0.5
    assert at(lambda x: torch.stack([x, x.detach()]).norm(), 0.0) == 0
    assert at(lambda x: torch.stack([x, x.detach()]).max(), 3.0) == 0.5
    assert at(lambda x: torch.stack([x, x.detach()]).max(dim=0).values, 3.0) == 1
    assert at(lambda x: x**0, 0.0) == 0
    assert at(torch.sign, 2.0) == 0
