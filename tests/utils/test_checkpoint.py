"""Checkpointing: the same numbers, computed twice, and nothing kept in between."""

from __future__ import annotations

import functools
import gc
import re
import weakref
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import func, nn
from fxtorch.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
)

X = torch.tensor(np.random.RandomState(0).randn(4, 3))


def block() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 2)).double()


def grad_of(t: torch.Tensor) -> np.ndarray:
    assert t.grad is not None
    return t.grad.numpy()


def gradients(net: nn.Module, run: Any, x: torch.Tensor) -> list[np.ndarray]:
    torch.manual_seed(1)
    run(net, x).pow(2).sum().backward()
    return [grad_of(t) for t in (x, *net.parameters())]


def plain(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net(x)


def kept(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return checkpoint(net, x, use_reentrant=False)


def same(got: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7)


def test_gradients_and_random_draws_are_those_of_the_plain_call() -> None:
    wanted = gradients(block(), plain, X.clone().requires_grad_())
    got = gradients(block(), kept, X.clone().requires_grad_())
    same(got, wanted)
    after = torch.rand(1)
    gradients(block(), plain, X.clone().requires_grad_())
    assert torch.rand(1).item() == after.item()


def test_the_function_runs_again_in_the_backward_and_keeps_nothing() -> None:
    runs: list[Any] = []

    def f(x: torch.Tensor) -> torch.Tensor:
        inner = x.exp()
        runs.append(weakref.ref(inner))
        return inner.sin()

    x = X.clone().requires_grad_()
    y = checkpoint(f, x)
    gc.collect()
    assert runs[0]() is None
    y.sum().backward()
    assert len(runs) == 2
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), np.cos(np.exp(X.numpy())) * np.exp(X.numpy()), rtol=1e-7)


def test_parameters_that_the_function_closes_over_are_reached_by_autograd_grad() -> None:
    net = block().eval()
    y = checkpoint(net, X)
    found = torch.autograd.grad(y.sum(), list(net.parameters()))
    wanted = torch.autograd.grad(net(X).sum(), list(net.parameters()))
    same([g.numpy() for g in found], [g.numpy() for g in wanted])


def test_a_tensor_of_the_outer_graph_is_differentiated_once() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    middle = w * 3
    y = checkpoint(lambda m: m * middle * w, middle)  # 9 w^3
    y.backward()
    assert w.grad is not None and w.grad.item() == 27 * 4


def test_second_derivatives_pass_through() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (g,) = torch.autograd.grad(checkpoint(lambda x: x**3, x), x, create_graph=True)
    assert torch.autograd.grad(g, x)[0].item() == 12.0


def test_an_argument_that_was_overwritten_is_noticed() -> None:
    x = X.clone().requires_grad_()
    y = x * 1
    z = checkpoint(torch.sin, y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_checkpoint_under_a_transformation_and_in_a_compiled_step() -> None:
    net = block().eval()
    params = {k: p.detach() for k, p in net.named_parameters()}

    def loss(params: dict[str, torch.Tensor], how: Any) -> torch.Tensor:
        return how(lambda x: func.functional_call(net, params, (x,)).pow(2).sum(), X)

    for name, g in func.grad(lambda p: loss(p, checkpoint))(params).items():
        wanted = func.grad(lambda p: loss(p, lambda f, x: f(x)))(params)[name]
        np.testing.assert_allclose(g.numpy(), wanted.numpy(), rtol=1e-7)

    other = block().eval()

    def step(x: torch.Tensor) -> torch.Tensor:
        out = checkpoint(other, x).pow(2).sum()
        out.backward()
        return out

    torch.jit(step)(X)
    net(X).pow(2).sum().backward()
    same([grad_of(p) for p in other.parameters()], [grad_of(p) for p in net.parameters()])


def test_a_sequential_in_segments() -> None:
    wanted = gradients(block(), plain, X.clone().requires_grad_())
    got = gradients(
        block(), lambda net, x: checkpoint_sequential(net, 2, x, use_reentrant=False), X.clone().requires_grad_()
    )
    same(got, wanted)


def test_a_function_that_does_something_else_the_second_time_is_refused() -> None:
    sizes = iter([2, 3])
    x = torch.ones(1, requires_grad=True)
    y = checkpoint(lambda x: x.expand(next(sizes)) * 2, x)
    with pytest.raises(CheckpointError, match="different metadata"):
        y.sum().backward()


def test_selected_values_are_kept():
    calls = []

    def policy(context, function, *args, **kwargs):
        calls.append(function.__name__)
        return CheckpointPolicy.MUST_SAVE if function is torch.mm else CheckpointPolicy.PREFER_RECOMPUTE

    x, w = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)

    def f(x, w):
        return torch.sigmoid(torch.mm(torch.mm(x, w), w)).sum()

    want = torch.autograd.grad(f(x, w), (x, w))
    keep = functools.partial(create_selective_checkpoint_contexts, policy)
    got = torch.autograd.grad(checkpoint(f, x, w, context_fn=keep), (x, w))
    assert calls == ["mm", "mm", "sigmoid", "sum"]
    torch.testing.assert_close(got, want)


def test_selected_values_are_not_computed_again_in_a_compiled_step():
    x, w = torch.randn(4, 4), torch.randn(4, 4, requires_grad=True)

    def products(listed):
        keep = functools.partial(create_selective_checkpoint_contexts, listed)

        def loss(x):
            out = checkpoint(lambda x: torch.mm(torch.mm(x, w).sin(), w).sin().sum(), x, context_fn=keep)
            return out, torch.autograd.grad(out, w)

        return len(re.findall("dot_general", torch.jit(loss).lower(x).as_text()))

    assert (products([torch.mm]), products([])) == (5, 7)
