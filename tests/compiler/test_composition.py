"""Compiled functions inside one another and inside and around every transformation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.utils.checkpoint import checkpoint


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1.3e-6, atol=1e-5)


def test_a_gradient_inside_of_a_compiled_function_sees_a_modules_flags() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    x = torch.ones(3, 2)
    run = torch.jit(lambda x: torch.func.grad(lambda m: m(x).sum())(net)["0.weight"])
    run(x)
    net.eval()
    same(torch.func.grad(lambda m: m(x).sum())(net)["0.weight"], run(x))
    assert run.traces == 2


def test_a_compiled_function_is_mapped_and_differentiated_by_func() -> None:
    w = torch.tensor([1.0, 2.0])
    inner = torch.jit(lambda x: (x * w).sin().sum())
    xs = torch.linspace(0.0, 1.0, 6).reshape(3, 2)
    same(torch.stack([inner(x) for x in xs]), torch.func.vmap(inner)(xs))
    same((w * (xs[1] * w).cos()), torch.func.grad(inner)(xs[1]))
    same(torch.func.vmap(torch.func.grad(inner))(xs)[1], torch.jit(torch.func.grad(inner))(xs[1]))


def test_the_jacobian_of_a_compiled_module_is_the_eager_ones() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    x = torch.tensor([0.5, -0.5])
    same(torch.func.jacrev(net)(x), torch.func.jacrev(torch.compile(net))(x))
    same(torch.func.jacrev(net)(x), torch.jit(torch.func.jacrev(net))(x))


class Clipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grads[0] * 7, 0.0)


def test_a_function_with_a_backward_of_its_own_keeps_it_in_a_compiled_step_and_outside() -> None:
    w = torch.tensor([1.0, -1.0], requires_grad=True)

    def loss() -> torch.Tensor:
        return Clipped.apply(w).sum()

    step = torch.jit(lambda: loss().backward())
    step()
    assert w.grad is not None and w.grad.tolist() == [7.0, 0.0]
    w.grad = None
    torch.jit(loss)().backward()
    assert w.grad is not None and w.grad.tolist() == [7.0, 0.0]


def test_a_checkpointed_part_of_a_compiled_step_gives_the_same_gradients() -> None:
    torch.manual_seed(0)
    net, grads = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Dropout(0.5)), []
    x = torch.ones(2, 3)
    for part in (lambda x: net(x), lambda x: checkpoint(net, x)):
        for run in (lambda x, part=part: part(x).sum().backward(),):
            net.zero_grad()
            torch.manual_seed(1)
            torch.jit(run)(x)
            grads.append(net[0].weight.grad.numpy().copy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=1.3e-6, atol=1e-6)


class Batch(NamedTuple):
    x: torch.Tensor
    extra: dict[str, Any]


def test_nested_arguments_of_tensors_and_python_keep_their_kinds() -> None:
    @torch.jit
    def move(batch: Batch, flags: tuple[bool, ...]) -> Batch:
        return Batch(
            batch.x + batch.extra["k"], {"k": batch.extra["k"], "all": [batch.extra["y"] if flags[0] else None]}
        )

    out = move(Batch(torch.ones(2), {"k": 2, "y": torch.zeros(1)}), (True, False))
    assert isinstance(out, Batch) and out.x.tolist() == [3.0, 3.0] and out.extra["k"] == 2
    assert out.extra["all"][0].tolist() == [0.0]


def test_a_hook_inside_of_a_function_whose_backward_is_outside_runs() -> None:
    w = torch.ones(2, requires_grad=True)

    def scaled(x: torch.Tensor) -> torch.Tensor:
        h = w * x
        h.register_hook(lambda g: g * 10)
        return h.sum()

    with pytest.warns(UserWarning, match="a hook on a gradient"):
        torch.jit(scaled)(torch.ones(2)).backward()
    assert w.grad is not None and w.grad.tolist() == [10.0, 10.0]


def test_forward_mode_goes_through_a_compiled_function() -> None:
    run = torch.jit(lambda x: x * x)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(torch.tensor(3.0), torch.tensor(2.0))
        tangent = torch.autograd.forward_ad.unpack_dual(run(dual)).tangent
        assert tangent is not None
        assert tangent.item() == 12.0
