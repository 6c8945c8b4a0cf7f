"""What the tape saves, and points in it."""

from __future__ import annotations

import pytest

import fxtorch as torch
from fxtorch.autograd import graph


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, requires_grad=True)


def test_hooks_pack_and_unpack_what_is_saved() -> None:
    packed, unpacked = [], []
    x = leaf(1.0, 2.0)

    def pack(t: torch.Tensor) -> list[float]:
        assert not t.requires_grad
        packed.append(t.tolist())
        return t.tolist()

    def unpack(values: list[float]) -> torch.Tensor:
        unpacked.append(values)
        return torch.tensor(values)

    with graph.saved_tensors_hooks(pack, unpack):
        y = (x.exp() * x).sum()
    assert packed and not unpacked
    y.backward()
    torch.testing.assert_close(x.grad, (x.exp() * (x + 1)).detach())
    assert unpacked


def test_the_hooks_value_is_the_one_that_is_used() -> None:
    x = leaf(3.0)
    with graph.saved_tensors_hooks(lambda t: t * 10, lambda t: t):
        y = x * x
    y.sum().backward()
    assert x.grad.tolist() == [60.0]


def test_a_second_derivative_passes_through_packed_values() -> None:
    x = leaf(2.0)
    with graph.saved_tensors_hooks(lambda t: t.numpy(), torch.from_numpy):
        (first,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
    assert second.tolist() == [12.0]


def test_hooks_see_what_a_custom_function_saves() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = leaf(2.0)
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append(t.tolist()) or t, lambda t: t):
        y = Square.apply(x)
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert seen == [[2.0]]
    assert torch.autograd.grad(first.sum(), x)[0].tolist() == [2.0]


def test_only_the_innermost_hooks_are_used() -> None:
    x = leaf(1.0)
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with graph.saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t):
            x.exp()
        assert set(seen) == {"inner"}
        x.sin()
    assert seen[-1] == "outer"


def test_saving_on_the_cpu_changes_no_gradient() -> None:
    x = leaf(1.0, 2.0)
    with graph.save_on_cpu(pin_memory=True):
        y = x.sigmoid().sum()
    y.backward()
    s = x.sigmoid().detach()
    torch.testing.assert_close(x.grad, s * (1 - s))


def test_a_saved_value_may_be_overwritten_where_that_is_allowed() -> None:
    def overwritten() -> torch.Tensor:
        x = leaf(1.0, 2.0)
        y = x * 1
        z = (y * y).sum()
        y.zero_()
        z.backward()
        return x.grad

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        overwritten()
    with graph.allow_mutation_on_saved_tensors() as context:
        assert overwritten().tolist() == [2.0, 4.0]
        context.clear()


def test_hooks_can_be_forbidden() -> None:
    hooks = graph.saved_tensors_hooks(lambda t: t, lambda t: t)
    with graph.disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"), hooks:
        pass


def test_a_counted_change_is_seen_by_the_backward() -> None:
    x = leaf(1.0)
    y = x * 1
    z = y * y
    graph.increment_version(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_one_hook_waits_for_all_gradients_that_a_backward_reaches() -> None:
    a, b, c = leaf(1.0), leaf(2.0), leaf(3.0)
    middle = a * b
    calls = []
    handle = graph.register_multi_grad_hook((a, middle, c), calls.append)
    (middle * 2).sum().backward()
    (found,) = calls
    assert [g if g is None else g.tolist() for g in found] == [[4.0], [2.0], None]
    (c * c).sum().backward()
    assert [g if g is None else g.tolist() for g in calls[1]] == [None, None, [6.0]]
    handle.remove()
    (c * c).sum().backward()
    assert len(calls) == 2


def test_one_hook_takes_the_first_gradient_of_any() -> None:
    a, b = leaf(1.0), leaf(2.0)
    calls = []
    graph.register_multi_grad_hook((a, b), calls.append, mode="any")
    for count in (1, 2):
        (a * b).sum().backward()
        assert len(calls) == count
    with pytest.raises(ValueError, match="Expects mode"):
        graph.register_multi_grad_hook((a,), calls.append, mode="some")  # type: ignore[arg-type]


def test_the_type_of_a_step_has_torchs_name_and_the_backward_is_the_same() -> None:
    x = torch.ones(2, requires_grad=True)
    for _ in range(4):  # the third backward of a graph is one program
        y = (x * 2).exp().sum()
        step = y.grad_fn
        assert step is not None
        names = [type(step).__name__, type(step.next_functions[0][0]).__name__]
        assert names == ["SumBackward0", "ExpBackward0"]
        x.grad = None
        y.backward()
        assert x.grad is not None
        torch.testing.assert_close(x.grad, 2 * torch.exp(torch.tensor([2.0, 2.0])))
