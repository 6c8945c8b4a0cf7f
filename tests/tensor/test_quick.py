"""The short way to an operator gives what the long one gives, and leaves to it what is out of the ordinary."""

from __future__ import annotations

from typing import Any

import pytest

import fxtorch as torch
from fxtorch.tensor.dispatch import operator
from fxtorch.tensor.quick import quick


def warm() -> None:
    """The short way is open once the operator has run."""
    torch.mul(torch.ones(2), torch.ones(2))
    torch.exp(torch.ones(2))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mul", 2),
        ("add", 2),
        ("div", 2),
        ("exp", 1),
        ("where", 0),
        ("view", 0),
        ("zeros", 0),
        ("embedding", 0),
        ("dropout", 0),
    ],
)
def test_it_is_for_one_or_two_tensors_whose_values_nobody_looks_at(name: str, count: int) -> None:
    short = quick(operator(name))
    assert (0 if short is None else short.__code__.co_argcount) == count


def test_values_and_gradients_are_those_of_the_long_way() -> None:
    torch.manual_seed(0)
    x, y = (torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    warm()
    short, long = x * y, operator("mul")(x, y)
    assert torch.equal(short, long)
    assert type(short.grad_fn) is type(long.grad_fn)
    g = torch.randn(3, 4, dtype=torch.float64)
    for a, b in zip(torch.autograd.grad(short, (x, y), g), torch.autograd.grad(long, (x, y), g), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("number", [2.5, 3, True, 1 + 2j])
def test_a_number_beside_a_tensor_gives_what_the_long_way_gives(number: complex) -> None:
    warm()
    for x in (torch.ones(2, requires_grad=True), torch.arange(3)):
        short, long = x * number, operator("mul")(x, number)
        assert torch.equal(short, long)
        assert short.dtype is long.dtype
        if x.requires_grad:
            assert torch.equal(*(torch.autograd.grad(y.abs().sum(), x)[0] for y in (short, long)))


def test_a_view_is_brought_up_to_date_before_it_is_read() -> None:
    warm()
    base = torch.zeros(4)
    view = base[:2]
    assert (view * view).tolist() == [0.0, 0.0]
    base += 3
    assert (view * view).tolist() == [9.0, 9.0]


def test_a_saved_value_that_is_overwritten_is_seen() -> None:
    warm()
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    y += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_autocast_anomaly_mode_and_saved_tensors_hooks_are_heeded() -> None:
    a = torch.ones(2, 2, requires_grad=True)
    assert (a @ a).dtype is torch.float32
    with torch.autocast("cpu"):
        assert (a @ a).dtype is torch.bfloat16
    packed = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        (a * a).sum().backward()
    assert packed
    with torch.autograd.set_detect_anomaly(True):
        assert "test_quick" in (a * a).grad_fn.trace


def test_a_subclass_is_asked_and_its_results_are_of_it() -> None:
    class Mine(torch.Tensor):
        pass

    warm()
    x = torch.ones(2).as_subclass(Mine)
    assert type(x * x) is Mine
    assert type(torch.exp(x)) is Mine


def test_a_mode_hears_of_calls_of_tensors_alone() -> None:
    heard = []

    class Listens(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(func)
            return func(*args, **(kwargs or {}))

    warm()
    x = torch.ones(2)
    with Listens():
        assert (x * x).tolist() == torch.exp(x * 0).tolist()
    assert heard == [torch.mul, torch.mul, torch.exp]


def test_no_gradient_is_recorded_where_none_is_wanted() -> None:
    warm()
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert not (x * x).requires_grad
    assert not (x > x).requires_grad


def test_shapes_that_do_not_fit_raise_torchs_error() -> None:
    warm()
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        torch.mul(torch.ones(2), torch.ones(3))


def test_a_compiled_function_sees_what_is_read() -> None:
    warm()
    x = torch.ones(2)
    twice = torch.jit(lambda: x * x)
    twice()
    x += 1
    assert twice().tolist() == [4.0, 4.0]
