"""``__torch_function__``: classes that say what operators do to them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import fxtorch as torch
from fxtorch.overrides import TorchFunctionMode, handle_torch_function, has_torch_function, is_tensor_like


class Plain(torch.Tensor):
    """No __torch_function__ of its own."""


class Noted(torch.Tensor):
    seen: list[str]
    label: str

    @staticmethod
    def __new__(cls, x: Any, label: str = "") -> Any:
        return torch.Tensor.__new__(cls, x)  # type: ignore[call-arg]

    def __init__(self, x: Any, label: str = "") -> None:
        self.label = label

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        Noted.seen.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)  # type: ignore[misc]


class Diagonal:
    """No Tensor at all."""

    def __init__(self, n: int, value: float) -> None:
        self.n, self.value = n, value

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.mean:
            return _mean(*args, **(kwargs or {}))
        return NotImplemented


def _mean(input: Diagonal) -> float:
    return input.value / input.n


def test_a_subclass_gets_its_own_class_back() -> None:
    x = Plain([1.0, 2.0])  # type: ignore[call-arg]
    for y in (x + 1, 1 + x, x.sum(), torch.cat([x, torch.ones(1)]), x.max(0).values, x[0], x.reshape(2, 1)):
        assert type(y) is Plain
    assert type(copy.deepcopy(x)) is Plain and type(pickle.loads(pickle.dumps(x))) is Plain
    x += 1
    assert type(x) is Plain and x.tolist() == [2.0, 3.0]


def test_a_gradient_passes_through_a_change_of_class() -> None:
    w = torch.ones(2, requires_grad=True)
    loss = (w.as_subclass(Plain) * 3).sum()  # type: ignore[arg-type]
    loss.backward()
    assert type(loss) is Plain and w.grad.tolist() == [3.0, 3.0]


def test_a_parameter_gives_plain_tensors() -> None:
    assert type(torch.nn.Parameter(torch.ones(2)) + 1) is torch.Tensor


def test_a_subclass_hears_of_every_operator() -> None:
    Noted.seen = []
    x = Noted([1.0, -2.0], "mine")
    y = (x * 2).relu().sum(dim=0, keepdim=True)
    assert Noted.seen == ["mul", "relu", "sum"] and type(y) is Noted and x.label == "mine"


def test_a_subclass_hears_of_methods_that_are_no_operators() -> None:
    x = Noted([1.0, -2.0], "mine")
    Noted.seen = []
    parts = (x.to(torch.float64), x.double(), x.detach(), x.cpu(), x.new_zeros(2), x.type(torch.int32), x[0])
    assert Noted.seen == ["to", "double", "detach", "cpu", "new_zeros", "type", "__getitem__"]
    assert all(type(part) is Noted for part in parts)
    Noted.seen = []
    assert (len(x), x.dim(), x.tolist(), bool(x[0] > 0)) == (2, 1, [1.0, -2.0], True)
    assert Noted.seen == ["__len__", "dim", "tolist", "__getitem__", "gt", "__bool__"]


def test_a_subclass_is_printed_by_its_name() -> None:
    assert repr(Noted([1.0, -2.0], "mine")) == "Noted([ 1., -2.])"


def test_an_object_that_is_no_tensor_may_be_an_argument() -> None:
    assert torch.mean(Diagonal(5, 2.0)) == 0.4
    with pytest.raises(TypeError, match=r"no implementation found for 'torch\.mul'"):
        torch.mul(Diagonal(5, 2.0), 2)
    assert has_torch_function([Diagonal(1, 1.0)]) and not has_torch_function([torch.ones(1), 2])
    assert is_tensor_like(Diagonal(1, 1.0)) and not is_tensor_like([1.0])
    assert handle_torch_function(torch.mean, (Diagonal(4, 2.0),), Diagonal(4, 2.0)) == 0.5


def test_a_mode_may_change_what_every_operator_does() -> None:
    class Double(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            return out * 2 if func is torch.add else out

    with Double():
        assert (torch.ones(1) + 1).item() == 4.0
    assert (torch.ones(1) + 1).item() == 2.0


def test_a_value_that_pytorch_does_not_save_may_be_overwritten() -> None:
    x = torch.randn(1, 2, 3, 3, requires_grad=True)
    torch.relu_(torch.nn.functional.instance_norm(x)).sum().backward()
    y = torch.randn(3, requires_grad=True) * 1
    out = y.relu()
    y.add_(1)
    out.sum().backward()
    z = torch.randn(3, requires_grad=True).exp()
    z.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_an_operand_that_is_no_tensor_is_asked():
    class Unit:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__

    x = torch.ones(2)
    asked = [x + Unit(), x * Unit(), x @ Unit(), x / Unit(), x < Unit(), x == Unit(), Unit() + x]
    assert asked == ["add", "mul", "matmul", "div", "lt", "eq", "add"]
