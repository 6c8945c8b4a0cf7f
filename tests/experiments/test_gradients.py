"""The gradient of every system's model, four ways: eagerly, compiled, by ``func.grad`` and by ``jax.grad``."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import fxtorch as torch
from experiments.running.system import NAMES, system
from fxtorch import func, nn

Gradients = dict[str, np.ndarray]


def model_and_inputs(name: str) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """The model in float64 and without dropout, and a small batch of what it takes."""
    torch.manual_seed(0)
    its = system(name)
    model, batch = its.make_model(), its.make_batch(2)
    if name == "dcgan_mnist":
        model = nn.Sequential(model.generator, model.discriminator)
        inputs = (torch.tensor(np.random.default_rng(0).standard_normal((2, 64))),)
    elif name == "lstm_imdb":
        inputs = (batch[0][:, :7],)
    else:
        inputs = batch[:2] if name == "recommender_movielens" else batch[:1]
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.double(), tuple(x.double() if x.is_floating_point() else x for x in inputs)


def loss(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Something that every output, and so every parameter, takes part in."""
    out = model(*inputs)
    return torch.stack([(o * o).mean() for o in (out if isinstance(out, tuple) else (out,))]).sum()


def by_backward(name: str, compiled: bool) -> Gradients:
    model, inputs = model_and_inputs(name)

    def run() -> None:
        loss(model, inputs).backward()

    (torch.jit(run, fullgraph=True) if compiled else run)()
    return {key: p.grad.numpy() for key, p in model.named_parameters() if p.grad is not None}


def by_transformation(name: str, grad: Any) -> Gradients:
    model, inputs = model_and_inputs(name)

    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self) -> torch.Tensor:
            return loss(self.model, inputs)

    whole = Loss()
    params = {key: p.detach() for key, p in whole.named_parameters()}
    grads = grad(lambda params: func.functional_call(whole, params, ()))(params)
    return {key.removeprefix("model."): g.numpy() for key, g in grads.items()}


def jax_grad(function: Any) -> Any:
    """``jax.grad``, which wants the plain array of a loss."""
    return jax.grad(lambda params: jax.numpy.asarray(function(params)))


@pytest.mark.parametrize("name", NAMES)
def test_four_ways_to_the_gradient_agree(name: str) -> None:
    wanted = by_backward(name, compiled=False)
    assert wanted and max(np.abs(g).max() for g in wanted.values()) > 1e-6
    others = {
        "compiled": by_backward(name, compiled=True),
        "func.grad": by_transformation(name, func.grad),
        "jax.grad": by_transformation(name, jax_grad),
    }
    for way, got in others.items():
        assert got.keys() == wanted.keys(), way
        for key, g in wanted.items():
            np.testing.assert_allclose(got[key], g, rtol=1e-7, atol=1e-9, err_msg=f"{key} by {way}")
