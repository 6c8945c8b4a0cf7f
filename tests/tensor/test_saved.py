"""What a step of the graph keeps, under torch's names."""

from __future__ import annotations

import pytest

import fxtorch as torch


def test_inputs_are_found_by_name_and_leaves_are_themselves() -> None:
    a, b = torch.randn(3, requires_grad=True), torch.ones(3, requires_grad=True)
    step = (a * b).grad_fn
    assert step._saved_self is a
    assert step._saved_other is b


def test_a_result_is_another_tensor_with_the_same_values_and_history() -> None:
    y = torch.exp(torch.randn(3, requires_grad=True))
    kept = y.grad_fn._saved_result
    assert kept.equal(y)
    assert kept is not y
    assert kept.grad_fn is y.grad_fn


def test_what_hooks_packed_is_unpacked_each_time() -> None:
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 4, lambda t: t / 2):
        y = x**2
    assert y.grad_fn._saved_self.tolist() == y.grad_fn._saved_self.tolist() == [2.0, 2.0]


def test_other_names_and_freed_values_raise() -> None:
    y = torch.ones(2, requires_grad=True) ** 2
    with pytest.raises(AttributeError, match="_saved_weight"):
        _ = y.grad_fn._saved_weight
    y.sum().backward()
    with pytest.raises(RuntimeError, match="already been freed"):
        _ = y.grad_fn._saved_self
