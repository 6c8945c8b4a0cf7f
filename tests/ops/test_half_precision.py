"""16-bit floats are computed in float32 and rounded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F

RNG = np.random.default_rng(0)
X = RNG.uniform(-0.5, 0.5, (20, 300))
ROW = torch.arange(20)
FORMULAS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean(1),
    "nanmean": lambda x: x.nanmean(1),
    "prod": lambda x: x[:, :4].prod(1),
    "norm": lambda x: torch.linalg.vector_norm(x, 6, dim=1),
    "trace": lambda x: (x[:, :20]).trace(),
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(1),
    "cross_entropy": lambda x: F.cross_entropy(x, ROW),
    "nll_loss": lambda x: F.nll_loss(x, ROW),
    "index_add": lambda x: torch.zeros(3, 300, dtype=x.dtype).index_add(0, ROW % 3, x),
    "scatter_add": lambda x: torch.zeros(1, 300, dtype=x.dtype).scatter_add(
        0, torch.zeros_like(x, dtype=torch.int64), x
    ),
    "embedding_bag": lambda x: F.embedding_bag(ROW[None], x),
    "avg_pool1d": lambda x: F.avg_pool1d(x[:, None], 30),
    "huber_loss": lambda x: F.huber_loss(x, -x, reduction="none", delta=0.25),
    "lerp": lambda x: x.lerp(-x, 0.125),
    "exp2": lambda x: (x * 16).exp2(),
    "addcdiv": lambda x: x.addcdiv(x * 2, x.T.reshape(x.shape), value=0.25),
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "glu": lambda x: F.glu(x * 8),
    "mish": F.mish,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "layer_norm": lambda x: F.layer_norm(x, (300,), x[0] * 8, x[1]),
    "group_norm": lambda x: F.group_norm(x.reshape(10, 6, 100), 3, x[0, :6] * 8, x[1, :6]),
    "instance_norm": lambda x: F.instance_norm(x.reshape(10, 6, 100), weight=x[0, :6] * 8, bias=x[1, :6]),
    "linear_cross_entropy": lambda x: F.linear_cross_entropy(x, x * 8, ROW, reduction="none"),
    "addmm": lambda x: torch.addmm(x[:, :20] * 8, x, x.T, beta=0.25, alpha=0.5),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_result_is_the_right_one_rounded(name: str) -> None:
    x = torch.tensor(X).bfloat16()
    found, exact = FORMULAS[name](x), FORMULAS[name](x.double())
    assert found.dtype == torch.bfloat16
    wanted = exact.to(torch.bfloat16).double().numpy()
    apart = np.abs(found.double().numpy() - wanted)  # of two neighbours the wrong one, where float32 itself is off
    assert (apart <= 2.0**-7 * np.abs(wanted)).all() and (apart > 1e-7).mean() < 0.02


def test_the_gradient_of_log_softmax_sums_in_float32() -> None:
    grads = []
    for dtype in (torch.bfloat16, torch.float64):
        x = torch.tensor(X).bfloat16().to(dtype).requires_grad_()
        x.softmax(1).square().sum().backward()
        grads.append(x.grad.double().numpy())
    assert np.abs(grads[0] - grads[1]).max() <= 2.0**-6 * np.abs(grads[1]).max()
