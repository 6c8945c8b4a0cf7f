"""A compiled call whose backward is called outside of it has the graph that eager code would have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import replay
from fxtorch.utils.checkpoint import checkpoint
from tests.compiler.scenarios import Compile, assert_agrees


def values() -> torch.Tensor:
    return torch.linspace(-1.0, 1.0, 6).reshape(2, 3)


def test_what_a_step_inside_changes_under_no_grad_is_a_constant() -> None:
    def scenario(compile: Compile) -> Any:
        w = nn.Parameter(values())
        opt = torch.optim.SGD([w], lr=0.1, momentum=0.9)

        @compile
        def step(x: torch.Tensor) -> torch.Tensor:
            opt.zero_grad()
            (w * x).square().sum().backward()
            opt.step()
            with torch.no_grad():
                w[0].mul_(0.5)
            return (w * x).tanh().sum() + (w.data * w).sum()

        seen = []
        for i in range(3):
            opt.zero_grad()
            step(torch.ones(2, 3) * (i + 1)).backward()
            seen.append(torch.clone(w.grad))
        return seen, w

    assert_agrees(scenario, traces=1)


def test_a_leaf_that_is_a_view_gets_its_gradient() -> None:
    def scenario(compile: Compile) -> Any:
        base = torch.linspace(0.0, 1.0, 8)
        leaf = base[1:7].view(2, 3).requires_grad_()
        call = compile(lambda x: (leaf * x).sin().sum())
        for _ in range(2):
            call(values()).backward()
        return leaf.grad, base.grad is None, base.requires_grad

    assert_agrees(scenario, traces=1)


def test_a_leaf_that_is_made_inside_gets_its_gradient() -> None:
    def scenario(compile: Compile) -> Any:
        @compile
        def call(x: torch.Tensor) -> Any:
            leaf = (x * 2).detach().requires_grad_()
            return leaf, (leaf * x).sum()

        leaf, loss = call(values())
        loss.backward()
        return leaf, leaf.grad

    assert_agrees(scenario)


def test_graphs_that_share_nothing_are_used_up_one_by_one() -> None:
    def scenario(compile: Compile) -> Any:
        w, v = nn.Parameter(values()), nn.Parameter(values() + 2)
        call = compile(lambda x: ((w * x).exp().sum(), (v * x).exp().sum(), w + v))
        first, second, third = call(values())
        first.backward()
        second.backward()
        third.sum().backward()
        third.sum().backward()
        for used in (first, second):
            with pytest.raises(RuntimeError, match="a second time"):
                used.backward()
        return w.grad, v.grad

    assert_agrees(scenario)


def test_a_graph_that_is_shared_is_used_up_by_the_first_backward() -> None:
    def scenario(compile: Compile) -> Any:
        w = nn.Parameter(values())

        @compile
        def call(x: torch.Tensor) -> Any:
            shared = (w * x).exp()
            return shared.sum(), shared.square().sum()

        first, second = call(values())
        first.backward(retain_graph=True)
        second.backward()
        with pytest.raises(RuntimeError, match="a second time"):
            first.backward()
        return w.grad

    assert_agrees(scenario)


def test_derivatives_of_every_order_are_the_eager_ones() -> None:
    def scenario(compile: Compile) -> Any:
        w, x = nn.Parameter(values()), values().requires_grad_()

        @compile
        def call(x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                w.mul_(0.5)
            return (w**3 * x.sin()).sum()

        y, seen = call(x), []
        for _ in range(3):
            (g,) = torch.autograd.grad(y, w, create_graph=True)
            seen.append(g)
            y = (g * g).sum()
        y.backward()
        return seen, w.grad, x.grad

    assert_agrees(scenario)


def test_a_penalty_on_a_gradient_of_a_compiled_module_trains() -> None:
    def scenario(compile: Compile) -> Any:
        net = nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 1))
        opt, call = torch.optim.SGD(net.parameters(), lr=0.1), compile(lambda x: net(x))
        for i in range(4):
            x = (values() + i).requires_grad_()
            out = call(x)
            (g,) = torch.autograd.grad(out.sum(), x, create_graph=True)
            opt.zero_grad()
            (out.mean() + (g.norm(dim=1) - 1).square().mean()).backward()
            opt.step()
        return list(net.parameters())

    assert_agrees(scenario, traces=1)


class Scaled(torch.autograd.Function):
    """Changes its argument in place; its backward is no derivative, so that nothing else gives it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, by: float) -> torch.Tensor:
        ctx.by = by
        ctx.mark_dirty(x)
        return x.mul_(by)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * ctx.by * 10, None


def test_a_function_that_changes_its_argument_keeps_its_backward() -> None:
    def scenario(compile: Compile) -> Any:
        w = nn.Parameter(values())
        out = compile(lambda x: Scaled.apply(w * x, 3.0))(values())
        out.sum().backward()
        return out, w.grad

    assert_agrees(scenario)


class Saving(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        out = x.exp()
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, out = ctx.saved_tensors
        return grads[0] * out * x.sign()


def test_what_a_function_saved_must_not_be_overwritten() -> None:
    def scenario(compile: Compile) -> Any:
        w = nn.Parameter(values())
        call = compile(lambda: Saving.apply(w))
        call().sum().backward()
        out = call()
        with torch.no_grad():
            out.mul_(2.0)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            out.sum().backward()
        return w.grad

    assert_agrees(scenario)


def test_a_checkpointed_layer_counts_its_batches_once() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    torch.jit(lambda x: checkpoint(net, x))(values()).sum().backward()
    assert net[1].num_batches_tracked.item() == 1
    assert net[0].weight.grad is not None and np.isfinite(net[0].weight.grad.numpy()).all()


def test_a_sparse_gradient_stays_sparse() -> None:
    def scenario(compile: Compile) -> Any:
        table = nn.Parameter(torch.linspace(0.0, 1.0, 12).reshape(4, 3))
        call = compile(lambda i: F.embedding(i, table, sparse=True) * 2)
        call(torch.tensor([1, 3, 1])).sum().backward()
        assert table.grad.is_sparse
        return table.grad.to_dense()

    assert_agrees(scenario)


def test_an_argument_that_the_call_brings_onto_the_tape_does_not_disturb_a_second_derivative() -> None:
    def scenario(compile: Compile) -> Any:
        w, x = nn.Parameter(values()), values() + 2
        call = compile(lambda x: x.copy_((w * w).sin()))
        (g,) = torch.autograd.grad(call(x).sum(), w, create_graph=True)
        g.square().sum().backward()
        return x, w.grad

    assert_agrees(scenario)


def test_hooks_of_leaves_see_each_gradient_once() -> None:
    def scenario(compile: Compile) -> Any:
        w, seen = nn.Parameter(values()), []
        w.register_hook(lambda g: seen.append(g.sum().item()) or g * 2)
        call = compile(lambda x: (w * w * x).sum())
        call(values()).backward()
        (g,) = torch.autograd.grad(call(values() + 1), w, create_graph=True)
        g.sum().backward()
        return seen, w.grad

    assert_agrees(scenario)


Change = Callable[[Any, Any, Any], Any]


def no_change(w: Any, x: Any, out: Any) -> None:
    pass


def the_weight(w: Any, x: Any, out: Any) -> None:
    w.mul_(2.0)


def a_row_of_the_argument(w: Any, x: Any, out: Any) -> None:
    x[0].zero_()


def the_result(w: Any, x: Any, out: Any) -> None:
    out.add_(1.0)


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "a product": lambda w, x: w * x,
    "a sum": lambda w, x: w + x,
    "an exponential": lambda w, x: (w + x).exp(),
    "a square": lambda w, x: w * w,
    "a matrix product": lambda w, x: w @ x.T,
    "an exponential of a product": lambda w, x: (w * x).exp(),
    "a view": lambda w, x: (w * x).view(-1),
}


@pytest.mark.parametrize("change", [no_change, the_weight, a_row_of_the_argument, the_result])
@pytest.mark.parametrize("make", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_backward_sees_what_was_overwritten_after_the_call(make: Any, change: Change) -> None:
    def scenario(compile: Compile) -> Any:
        w, x = nn.Parameter(values()), values() + 3
        call, seen = compile(lambda x: make(w, x)), []
        for _ in range(2):
            out = call(x)
            with torch.no_grad():
                change(w, x, out)
            try:
                out.sum().backward()
                seen.append(w.grad.clone())
            except RuntimeError as error:
                seen.append(str(error).split(" at version ")[0])
        return seen, out

    assert_agrees(scenario)


def evaluating(net: nn.Sequential) -> None:
    net.eval()


def another_layer(net: nn.Sequential) -> None:
    net[0] = nn.Linear(3, 3)


def a_layer_more(net: nn.Sequential) -> None:
    net.append(nn.Tanh())


def a_hook(net: nn.Sequential) -> None:
    net[0].register_forward_hook(lambda module, args, out: out * 2)


def a_frozen_weight(net: nn.Sequential) -> None:
    net[0].weight.requires_grad_(False)


def an_item_of_a_list(net: nn.Sequential) -> None:
    FACTORS[0] = 7.0


FACTORS = [1.5, 2.0]
LATER = [evaluating, another_layer, a_layer_more, a_hook, a_frozen_weight, an_item_of_a_list]


@pytest.mark.parametrize("later", LATER, ids=lambda f: f.__name__)
def test_a_second_derivative_is_that_of_the_call_whatever_has_changed_since(later: Callable[..., None]) -> None:
    def scenario(compile: Compile) -> Any:
        torch.manual_seed(0)
        FACTORS[0] = 1.5
        net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
        params = list(net.parameters())
        call = compile(lambda x: (net(x) * (FACTORS[0] if net.training else 3.0)).square() * FACTORS[1])
        x = values().requires_grad_()
        out = call(x).sum()
        later(net)
        (g,) = torch.autograd.grad(out, x, create_graph=True)
        g.square().sum().backward()
        with torch.no_grad():
            now = net(x)
        return g, x.grad, [p.grad for p in params], now, net.training, len(net), FACTORS

    assert_agrees(scenario)


def test_a_second_derivative_may_need_what_the_call_stored_beside_its_result() -> None:
    def scenario(compile: Compile) -> Any:
        w, stored = nn.Parameter(values()), []

        @compile
        def call() -> torch.Tensor:
            out = w * w
            stored.append(out.detach())
            return out.sin()

        (g,) = torch.autograd.grad(call().sum(), w, create_graph=True)
        g.square().sum().backward()
        return w.grad, stored

    assert_agrees(scenario)


def test_of_a_graph_that_was_used_up_inside_the_first_thing_wrong_is_told() -> None:
    def scenario(compile: Compile) -> Any:
        w, scale = nn.Parameter(values()), nn.Parameter(torch.ones(2, 3))

        @compile
        def step() -> torch.Tensor:
            hidden = w * w
            out = hidden * scale
            hidden.sum().backward()  # uses up what is behind
            with torch.no_grad():
                scale.mul_(2.0)  # which the last product saved
            return out

        with pytest.raises(RuntimeError) as told:
            step().sum().backward()
        return str(told.value).split("inplace operation")[0]

    assert_agrees(scenario)


def test_a_backward_that_is_seen_again_is_one_program_with_the_eager_calls_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[int] = []
    plain = replay._compile
    monkeypatch.setattr(replay, "_compile", lambda nodes, *rest: compiled.append(len(nodes)) or plain(nodes, *rest))

    def scenario(compile: Compile) -> Any:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        call, opt = compile(net), torch.optim.SGD(net.parameters(), lr=0.1)
        losses = []
        for _ in range(6):
            opt.zero_grad()
            loss = (call(values()) - 1.0).square().mean()
            loss.backward()
            opt.step()
            losses.append(loss.detach())
        return losses, list(net.parameters())

    replay._seen.clear()
    assert_agrees(scenario)
    assert len(compiled) == 2, "once for the eager graph, once for the compiled Module's"


def test_a_result_whose_graph_was_retained_keeps_it_when_another_is_walked() -> None:
    def scenario(compile: Compile) -> Any:
        w = nn.Parameter(values())
        a, b = compile(lambda: ((w * w).sum(), (w * 2).exp().sum()))()
        a.backward(retain_graph=True)
        b.backward()
        a.backward()
        return w.grad

    assert_agrees(scenario)


def test_a_graph_that_was_used_up_in_part_is_walked_on_beside_that() -> None:
    def scenario(compile: Compile) -> Any:
        w, u = nn.Parameter(values()), nn.Parameter(torch.ones(2, 3))

        def step(x: torch.Tensor) -> Any:
            hidden = (w * x).exp()
            (hidden * hidden).sum().backward()  # uses it up
            return hidden, hidden * u

        seen = []
        for out in compile(step)(torch.ones(2, 3)):
            for target in (w, u):
                try:
                    seen += torch.autograd.grad(out.square().sum() + target.sum(), (target,), retain_graph=True)
                except RuntimeError as error:
                    seen.append(str(error))
        return seen

    assert_agrees(scenario)


def test_a_derivative_by_some_inputs_minds_what_lies_on_their_way_alone() -> None:
    def scenario(compile: Compile) -> Any:
        w, u, scale = nn.Parameter(values()), nn.Parameter(torch.ones(2, 3)), torch.ones(2, 3)
        out = compile(lambda: ((w * scale).exp() * u).sum())()
        seen = [*torch.autograd.grad(out, (u,), create_graph=True)]
        seen += torch.autograd.grad(seen[0].sum(), (w,), retain_graph=True)
        with torch.no_grad():
            scale.mul_(2.0)  # which only the way to w needs
        seen += torch.autograd.grad(out, (u,), retain_graph=True)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            torch.autograd.grad(out, (w,))
        return seen

    assert_agrees(scenario)


def test_steps_that_save_nothing_are_walked_on_with_a_graph_when_the_others_are_used_up() -> None:
    def f(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (x * x).sum(), (x + 1).sum()

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    for fn in (f, torch.jit(f)):
        used, other = fn(x)
        used.backward()
        scale = torch.tensor(3.0, requires_grad=True)
        (grad,) = torch.autograd.grad(other, x, scale, create_graph=True)
        assert grad.tolist() == [3.0, 3.0]
        assert torch.autograd.grad(grad.sum(), scale)[0].item() == 2.0
        with pytest.raises(RuntimeError, match="a second time"):
            torch.autograd.grad(used, x, create_graph=True)
