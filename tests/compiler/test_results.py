"""What a compiled function hands back is what the eager one does: the same objects, views and graphs."""

from __future__ import annotations

import dataclasses
import warnings
from collections import OrderedDict, deque
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn


def test_a_view_of_state_that_is_returned_shares_its_memory() -> None:
    state = torch.zeros(2, 3)
    row = torch.jit(lambda: state[1])()
    state.add_(1)
    assert row.tolist() == [1.0] * 3
    row.mul_(5)
    assert state.tolist() == [[1.0] * 3, [5.0] * 3]


def test_results_that_share_memory_share_it_outside() -> None:
    def make(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = x * 2
        return y, y[0], y.view(-1)[1:], y

    whole, first, rest, again = torch.jit(make)(torch.ones(2, 2))
    whole.add_(1)
    assert again is whole and first.tolist() == [3.0, 3.0] and rest.tolist() == [3.0, 3.0, 3.0]
    rest.zero_()
    assert whole.tolist() == [[3.0, 0.0], [0.0, 0.0]]


def test_two_views_of_a_hidden_base_share_memory() -> None:
    a, b = torch.jit(lambda x: ((y := x * 2)[:2], y[1:]))(torch.ones(3))
    a[1] = 7.0
    assert b.tolist() == [7.0, 2.0]


def test_a_gradient_that_is_returned_is_the_gradient() -> None:
    w = torch.ones(2, requires_grad=True)

    @torch.jit
    def step() -> torch.Tensor | None:
        w.grad = None
        (w * 2).sum().backward()
        return w.grad

    assert step() is w.grad


def test_a_leaf_made_inside_keeps_its_flag_and_its_gradient() -> None:
    def make() -> torch.Tensor:
        t = torch.ones(2, requires_grad=True)
        (t * 3).sum().backward()
        return t

    t = torch.jit(make)()
    assert t.is_leaf and t.requires_grad and t.grad is not None and t.grad.tolist() == [3.0, 3.0]


def test_a_parameter_made_inside_is_a_parameter() -> None:
    assert isinstance(torch.jit(lambda: nn.Parameter(torch.ones(2)))(), nn.Parameter)


def test_a_backward_inside_reaches_the_eager_graph_behind_an_argument() -> None:
    w = torch.ones(2, requires_grad=True)
    hidden = w * 3
    torch.jit(lambda h: (h * h).sum().backward())(hidden)
    assert w.grad is not None and w.grad.tolist() == [18.0, 18.0]
    with pytest.raises(RuntimeError, match="second time"):
        hidden.sum().backward()


def test_a_backward_inside_reaches_the_eager_graph_behind_captured_state() -> None:
    w = torch.ones(2, requires_grad=True)
    hidden = w * 3
    torch.jit(lambda x: (hidden * x).sum().backward())(torch.ones(2))
    assert w.grad is not None and w.grad.tolist() == [3.0, 3.0]
    assert hidden.grad_fn is not None


def test_a_change_in_place_of_an_argument_with_a_graph_is_recorded() -> None:
    w = torch.ones(2, requires_grad=True)
    hidden = w * 3
    torch.jit(lambda h: h.mul_(2))(hidden)
    hidden.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [6.0, 6.0]


def test_a_graph_used_up_inside_refuses_a_second_backward() -> None:
    w = torch.ones(2, requires_grad=True)

    @torch.jit
    def step() -> torch.Tensor:
        loss = (w * w).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="second time"):
        step().backward()


def test_one_gradient_of_two_parameters_stays_one() -> None:
    a, b = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))

    @torch.jit
    def step() -> None:
        a.grad = b.grad = torch.full((2,), 3.0)

    step()
    assert a.grad is b.grad and a.grad.tolist() == [3, 3]
    step()
    assert a.grad is b.grad


@dataclasses.dataclass(frozen=True)
class Output:
    logits: torch.Tensor
    more: dict[str, Any]


class Named(OrderedDict):  # type: ignore[type-arg]
    """As the outputs of many models: a dict with attributes."""

    note: Any


def test_a_result_of_any_class_is_made_anew_at_each_call() -> None:
    def fn(x: torch.Tensor) -> Any:
        named: Any = Named(a=x * 2)
        named.note = [x.sum(), "kept"]
        return Output(x * 3, {"named": named, "n": 1}), torch.distributions.Normal(x, 1.0)

    run = torch.jit(fn, fullgraph=True)
    for i in range(2):
        x = torch.full((2,), float(i))
        out: Any
        out, distribution = run(x)
        assert type(out) is Output and out.logits.tolist() == [3 * i] * 2 and out.more["n"] == 1
        kept: Any = out.more["named"]
        assert type(kept) is Named and kept["a"].tolist() == [2 * i] * 2 and list(kept) == ["a"]
        assert kept.note[0].item() == 2 * i and kept.note[1] == "kept"
        assert isinstance(distribution, torch.distributions.Normal) and distribution.mean.tolist() == [i] * 2
    assert run.traces == 1


def test_an_object_that_was_there_is_returned_itself() -> None:
    class Its:
        last: Any = None

    its = Its()

    @torch.jit
    def fn(x: torch.Tensor) -> Any:
        its.last = x * 2
        return its

    for i in range(3):
        assert fn(torch.ones(2) * i) is its and its.last.tolist() == [2 * i] * 2


def test_objects_and_deques_around_an_argument_come_back_with_the_callers_tensor() -> None:
    @dataclasses.dataclass
    class Pair:
        a: Any
        b: Any

    x = torch.ones(2)
    pair, recent = torch.jit(lambda x: (Pair(x, x + 1), deque([x, x * 2, x * 3], maxlen=2)))(x)
    assert pair.a is x and pair.b.tolist() == [2, 2]
    assert type(recent) is deque and recent.maxlen == 2 and [t.tolist() for t in recent] == [[2, 2], [3, 3]]


def held(grad: Any) -> Any:
    return grad


def a_view(grad: Any) -> Any:
    return grad.view(-1)[:1]


def an_alias(grad: Any) -> Any:
    return grad.detach()


@pytest.mark.parametrize("hold", [held, a_view, an_alias], ids=lambda f: f.__name__)
def test_a_gradient_that_is_held_and_read_inside_has_what_an_eager_graph_adds_to_it(hold: Any) -> None:
    seen = []
    for compile in (lambda fn: fn, torch.jit):
        w = torch.ones(2, requires_grad=True)
        (w * 1).sum().backward()
        grad = hold(w.grad)

        def step(h: torch.Tensor, w: Any = w, grad: Any = grad) -> torch.Tensor:
            (h * w).sum().backward()
            return grad * 2

        run = compile(step)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it runs eagerly
            seen.append([(run(w * 3).tolist(), w.grad is not None and w.grad.tolist()) for _ in range(3)])
    assert seen[0] == seen[1]


def test_gradients_that_only_add_up_are_compiled_with_an_eager_graph_behind_an_argument() -> None:
    seen = []
    for compile in (lambda fn: fn, lambda fn: torch.jit(fn, fullgraph=True)):
        w = torch.ones(2, requires_grad=True)
        run = compile(lambda h, w=w: (h * w).sum().backward())
        for _ in range(3):
            run(w * 3)
        seen.append(w.grad is not None and w.grad.tolist())
    assert seen[0] == seen[1]


def test_a_gradient_of_the_graph_behind_an_argument_is_there_before_an_optimizer_steps() -> None:
    for shared in (True, False):
        seen = []
        for compile in (lambda fn: fn, torch.jit):
            w, v = torch.ones(2, requires_grad=True), torch.full((2,), 2.0, requires_grad=True)
            opt = torch.optim.SGD([w], lr=0.1)

            def step(h: torch.Tensor, w: Any = w, opt: Any = opt) -> None:
                opt.zero_grad()
                (h * w).sum().backward()
                opt.step()

            run = compile(step)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                for _ in range(3):
                    run(w * 3 if shared else v * 3)
            assert len(told) == (shared and compile is torch.jit)
            seen.append([w.tolist(), v.grad is None or v.grad.tolist()])
        assert seen[0] == seen[1]
