"""Derivatives of derivatives on the eager tape, against closed forms and finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F

Function = Callable[[torch.Tensor], torch.Tensor]


def derivatives(f: Function, x: torch.Tensor, order: int) -> list[np.ndarray]:
    """The full derivative tensors of a scalar function, of order 1 to ``order``."""
    found, values = [], f(x).reshape(1)
    for n in range(1, order + 1):
        rows = [torch.autograd.grad(v, x, create_graph=True, retain_graph=True)[0] for v in values]
        values = torch.stack(rows).reshape(-1)
        found.append(values.detach().numpy().reshape((x.numel(),) * n))
    return found


def close(got: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-7)


def test_three_derivatives_of_a_cube() -> None:
    x = torch.tensor([0.5, -1.5, 0.0], dtype=torch.float64, requires_grad=True)
    first, second, third = derivatives(lambda x: (x**3).sum(), x, 3)
    a = x.detach().numpy()
    close(first, 3 * a**2)
    close(second, np.diag(6 * a))
    wanted = np.zeros((3, 3, 3))
    wanted[range(3), range(3), range(3)] = 6
    close(third, wanted)


def test_three_derivatives_of_exp() -> None:
    x = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    e = np.exp(x.detach().numpy())
    first, second, third = derivatives(lambda x: x.exp().sum(), x, 3)
    close(first, e)
    close(second, np.diag(e))
    close(third[0, 0, 0], e[0])
    close(third[1, 1, 1], e[1])
    close(third[0, 1, 1], np.zeros(()))


def test_three_derivatives_through_matmul() -> None:
    w = np.array([0.2, -1.0, 0.5])
    x = torch.tensor([[1.0], [2.0], [-0.5]], dtype=torch.float64, requires_grad=True)
    first, second, third = derivatives(lambda x: ((torch.tensor(w)[None] @ x) ** 3).sum(), x, 3)
    s = float(w @ x.detach().numpy()[:, 0])
    close(first, 3 * s**2 * w)
    close(second, 6 * s * np.einsum("i,j->ij", w, w))
    close(third, 6 * np.einsum("i,j,k->ijk", w, w, w))


def test_two_derivatives_through_matmul_with_respect_to_both_factors() -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, -1.0]], dtype=torch.float64, requires_grad=True)
    # the sum of (a @ a) has the Hessian d2/da_ij da_pq = [j == p] + [i == q]
    first, second = derivatives(lambda a: (a @ a).sum(), a, 2)
    n = a.detach().numpy()
    close(first, (n.sum(1)[None, :] + n.sum(0)[:, None]).reshape(-1))
    index = [(i, j) for i in range(2) for j in range(2)]
    close(second, np.array([[float(j == p) + float(i == q) for p, q in index] for i, j in index]))


def correlation(x: torch.Tensor, kernel: np.ndarray) -> torch.Tensor:
    """A valid 2-d cross-correlation by its explicit sum."""
    height, width = x.shape[-2] - kernel.shape[0] + 1, x.shape[-1] - kernel.shape[1] + 1
    parts = [
        x[..., i : i + height, j : j + width] * float(kernel[i, j])
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    ]
    return sum(parts[1:], parts[0])


def test_three_derivatives_through_convolution_equal_those_of_the_explicit_sum() -> None:
    kernel = np.array([[1.0, -0.5], [0.25, 2.0]])
    start = np.array([[0.1, 0.7, -0.3], [1.2, 0.4, 0.9]])
    x = torch.tensor(start, requires_grad=True)
    weight = torch.tensor(kernel)[None, None]
    by_convolution = derivatives(lambda x: (F.conv2d(x[None, None], weight) ** 3).sum(), x, 3)
    by_sum = derivatives(lambda x: (correlation(x, kernel) ** 3).sum(), x, 3)
    assert np.abs(by_sum[2]).max() > 1
    for got, wanted in zip(by_convolution, by_sum, strict=True):
        close(got, wanted)


def test_the_second_derivative_of_convolution_with_respect_to_its_kernel() -> None:
    x = torch.tensor([[0.1, 0.7, -0.3], [1.2, 0.4, 0.9], [0.0, 1.0, 2.0]], dtype=torch.float64)
    w = torch.tensor([[1.0, -0.5], [0.25, 2.0]], dtype=torch.float64, requires_grad=True)
    _, second = derivatives(lambda w: (F.conv2d(x[None, None], w[None, None]) ** 2).sum(), w, 2)
    patches = np.array([x.numpy()[i : i + 2, j : j + 2].reshape(-1) for i in range(2) for j in range(2)])
    close(second, 2 * patches.T @ patches)


def test_a_gradient_penalty_reaches_the_weights() -> None:
    # for f = sum(tanh(x w)) the penalty is the squared norm of (1 - tanh(x w)^2) w
    w = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([2.0, 0.3], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.tanh(x * w).sum(), x, create_graph=True)
    slope.pow(2).sum().backward()
    a, b = x.detach().numpy(), w.detach().numpy()
    t = np.tanh(a * b)
    s = 1 - t**2
    assert w.grad is not None
    close(w.grad.numpy(), 2 * s * b * (s - 2 * b * t * s * a))


def test_backward_with_create_graph_leaves_a_differentiable_grad() -> None:
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (x**4).backward(create_graph=True)
    assert x.grad is not None and x.grad.requires_grad
    (second,) = torch.autograd.grad(x.grad, x)
    close(second.numpy(), np.array(48.0))


def test_without_create_graph_a_gradient_has_no_history() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (g,) = torch.autograd.grad(x**3, x)
    assert not g.requires_grad


TWICE: dict[str, Callable[..., torch.Tensor]] = {
    "linear": lambda x: F.linear(x, WEIGHT),
    "conv2d": lambda x: F.conv2d(x.reshape(1, 1, 3, 4), WEIGHT.reshape(2, 1, 2, 2), padding=1),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x.reshape(1, 1, 3, 4), WEIGHT.reshape(1, 2, 2, 2), stride=2),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
    "softmax": lambda x: F.softmax(x, dim=1),
    "log_softmax": lambda x: F.log_softmax(x, dim=1),
    "cross_entropy": lambda x: F.cross_entropy(x, torch.tensor([0, 3, 1])),
    "mse_loss": lambda x: F.mse_loss(x, torch.zeros_like(x)),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, torch.ones_like(x)),
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "max_pool2d": lambda x: F.max_pool2d(x.reshape(1, 1, 3, 4), 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x.reshape(1, 1, 3, 4), 2),
    "norm": lambda x: x.norm(),
    "logsumexp": lambda x: x.logsumexp(dim=1),
    "indexing": lambda x: x[[0, 2, 0], 1:] ** 2,
}
WEIGHT = torch.tensor([[0.3, -0.2, 0.9, 0.1], [-0.7, 0.5, 0.2, -0.4]], dtype=torch.float64)


@pytest.mark.parametrize("name", TWICE)
def test_the_gradient_of_a_gradient_agrees_with_finite_differences(name: str) -> None:
    x = torch.tensor(np.random.RandomState(0).randn(3, 4), requires_grad=True)
    assert torch.autograd.gradgradcheck(TWICE[name], (x,))
