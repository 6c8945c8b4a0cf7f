"""Tensors that were made in inference mode stay out of what is recorded, and changed, outside of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch


def made_in_inference_mode() -> Any:
    with torch.inference_mode():
        return torch.ones(3) + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.add_(1),
        lambda t: t.__setitem__(0, 2.0),
        lambda t: t.copy_(torch.zeros(3)),
        lambda t: t.view(3).mul_(2),
        lambda t: t.detach().zero_(),
        lambda t: torch.add(torch.ones(3), 1, out=t),
    ],
)
def test_a_change_in_place_outside_of_the_mode_raises(change: Callable[[Any], Any]) -> None:
    tensor = made_in_inference_mode()
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode is not allowed"):
        change(tensor)
    assert tensor.tolist() == [2.0, 2.0, 2.0]
    with torch.inference_mode():
        change(tensor)


def test_a_recorded_call_does_not_save_one() -> None:
    tensor, weight = made_in_inference_mode(), torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        _ = weight * tensor
    (weight + tensor).sum().backward()  # a sum saves nothing
    assert weight.grad is not None and weight.grad.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("ask", [lambda t: t.requires_grad_(), torch.nn.Parameter, lambda t: torch.nn.Parameter(t[:2])])
def test_one_does_not_become_a_parameter(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor outside InferenceMode"):
        ask(made_in_inference_mode())


def test_views_are_what_their_base_is_and_results_what_the_mode_is() -> None:
    inside, outside = made_in_inference_mode(), torch.ones(3)
    assert inside.is_inference() and inside[:2].is_inference() and inside.detach().is_inference()
    assert not inside.clone().is_inference() and not (inside + 1).is_inference() and not inside.data.is_inference()
    assert not copy.deepcopy(inside).is_inference()
    with torch.inference_mode():
        assert not outside.is_inference() and not outside[1:].is_inference()
        outside[1:].zero_()
    outside.add_(1)
    assert outside.tolist() == [2.0, 1.0, 1.0]


def test_one_has_no_version() -> None:
    with pytest.raises(RuntimeError, match="Inference tensors do not track version counter"):
        _ = made_in_inference_mode()._version


def test_the_mode_can_be_left_within_it_and_gradients_cannot_be_switched_on() -> None:
    weight = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        with torch.inference_mode(False):
            assert (weight * 2).requires_grad and not torch.ones(2).is_inference()
        with torch.enable_grad():
            assert not (weight * 2).requires_grad
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_a_module_made_in_the_mode_is_copied_into_an_ordinary_one() -> None:
    with torch.inference_mode():
        layer = torch.nn.Linear(2, 1)
        assert layer.weight.is_inference()
    twin = copy.deepcopy(layer)
    twin(torch.ones(1, 2)).sum().backward()
    assert twin.weight.grad is not None and twin.weight.grad.tolist() == [[1.0, 1.0]]


def test_a_compiled_functions_results_are_marked_as_eager_ones() -> None:
    double = torch.jit(lambda t: t * 2)
    with torch.inference_mode():
        assert double(torch.ones(2)).is_inference()
    assert not double(torch.ones(2)).is_inference()
