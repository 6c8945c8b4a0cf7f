"""Forward mode, Jacobians and Hessians through every layer; reverse mode is their witness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.func import functional_call, hessian, jacfwd, jacrev, jvp, vjp

Make = Callable[[], nn.Module]

# A layer and the shape of its input.
LAYERS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "Linear": (lambda: nn.Linear(3, 2), (2, 3)),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 2), (1, 2, 4)),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 2, padding=1), (1, 2, 3, 3)),
    "Conv2d strided, grouped": (lambda: nn.Conv2d(2, 4, 2, stride=2, groups=2), (1, 2, 4, 4)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1), (1, 2, 2, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3, track_running_stats=False), (4, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2, track_running_stats=False), (2, 2, 2, 2)),
    "BatchNorm1d, eval": (lambda: nn.BatchNorm1d(3).eval(), (4, 3)),
    "LayerNorm": (lambda: nn.LayerNorm(4), (2, 4)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (1, 4, 2)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (1, 2, 4, 4)),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), (1, 2, 4, 4)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(1), (1, 2, 3, 3)),
    "ReLU": (lambda: nn.ReLU(), (2, 3)),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), (2, 3)),
    "ELU": (lambda: nn.ELU(), (2, 3)),
    "GELU": (lambda: nn.GELU(), (2, 3)),
    "SiLU": (lambda: nn.SiLU(), (2, 3)),
    "Tanh": (lambda: nn.Tanh(), (2, 3)),
    "Sigmoid": (lambda: nn.Sigmoid(), (2, 3)),
    "Softplus": (lambda: nn.Softplus(), (2, 3)),
    "Softmax": (lambda: nn.Softmax(dim=1), (2, 3)),
    "LogSoftmax": (lambda: nn.LogSoftmax(dim=1), (2, 3)),
    "Flatten": (lambda: nn.Flatten(), (2, 2, 2)),
    "Dropout, eval": (lambda: nn.Dropout(0.5).eval(), (2, 3)),
    "LSTM": (lambda: First(nn.LSTM(2, 3, batch_first=True)), (1, 3, 2)),
    "GRU": (lambda: First(nn.GRU(2, 3, batch_first=True)), (1, 3, 2)),
    "RNN": (lambda: First(nn.RNN(2, 3, batch_first=True)), (1, 3, 2)),
    "MSELoss": (lambda: Against(nn.MSELoss(), torch.zeros(2, 3, dtype=torch.float64)), (2, 3)),
    "CrossEntropyLoss": (lambda: Against(nn.CrossEntropyLoss(), torch.tensor([2, 0])), (2, 3)),
    "NLLLoss": (lambda: Against(nn.NLLLoss(), torch.tensor([2, 0])), (2, 3)),
    "BCEWithLogitsLoss": (lambda: Against(nn.BCEWithLogitsLoss(), torch.ones(2, 3, dtype=torch.float64)), (2, 3)),
    "SmoothL1Loss": (lambda: Against(nn.SmoothL1Loss(), torch.zeros(2, 3, dtype=torch.float64)), (2, 3)),
}


class First(nn.Module):
    """A recurrent layer's outputs without its final state."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)[0]


class Against(nn.Module):
    """A loss with its target."""

    def __init__(self, loss: nn.Module, target: torch.Tensor) -> None:
        super().__init__()
        self.loss, self.target = loss, target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.loss(x, self.target)


def prepared(name: str) -> tuple[nn.Module, torch.Tensor]:
    make, shape = LAYERS[name]
    torch.manual_seed(0)
    return make().double(), torch.tensor(np.random.RandomState(0).randn(*shape))


def close(got: torch.Tensor, wanted: torch.Tensor) -> None:
    np.testing.assert_allclose(got.detach().numpy(), wanted.detach().numpy(), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_forward_mode_agrees_with_reverse_mode(name: str) -> None:
    layer, x = prepared(name)
    v = torch.tensor(np.random.RandomState(1).randn(*x.shape))
    out, pushed = jvp(layer, (x,), (v,))
    close(out, layer(x))
    u = torch.tensor(np.random.RandomState(2).randn(*out.shape))
    _, pull = vjp(layer, x)
    close((u * pushed).sum(), (pull(u)[0] * v).sum())


@pytest.mark.parametrize("name", LAYERS)
def test_both_jacobians_agree(name: str) -> None:
    layer, x = prepared(name)
    close(jacfwd(layer)(x), jacrev(layer)(x))


@pytest.mark.parametrize("name", LAYERS)
def test_the_hessian_is_reverse_over_reverse(name: str) -> None:
    layer, x = prepared(name)

    def scalar(x: torch.Tensor) -> torch.Tensor:
        return (layer(x) ** 2).sum()

    got = hessian(scalar)(x)
    close(got, jacrev(jacrev(scalar))(x))
    flat = got.reshape(x.numel(), x.numel())
    close(flat, flat.T)


@pytest.mark.parametrize("name", [n for n in LAYERS if list(LAYERS[n][0]().parameters())])
def test_forward_mode_reaches_the_parameters(name: str) -> None:
    layer, x = prepared(name)
    params = {k: p.detach() for k, p in layer.named_parameters()}
    tangents = {k: torch.ones_like(p) for k, p in params.items()}

    def run(params: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional_call(layer, params, (x,)).sum()

    _, pushed = jvp(run, (params,), (tangents,))
    _, pull = vjp(run, params)
    (grads,) = pull(torch.ones((), dtype=torch.float64))
    close(pushed, torch.stack([g.sum() for g in grads.values()]).sum())
