"""Forward and backward hooks."""

from __future__ import annotations

from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn.modules.backward_hooks import register_module_full_backward_hook
from fxtorch.nn.modules.hooks import register_module_forward_hook, register_module_forward_pre_hook


class Double(nn.Module):
    def forward(self, x: Any, times: float = 2.0) -> Any:
        return x * times


class Broken(nn.Module):
    def forward(self, x: Any) -> Any:
        raise ValueError("broken")


def test_hooks_run_in_order_and_prepended_ones_first() -> None:
    layer, seen = Double(), []
    layer.register_forward_pre_hook(lambda m, a: seen.append("pre 1"))
    layer.register_forward_pre_hook(lambda m, a: seen.append("pre 0"), prepend=True)
    layer.register_forward_hook(lambda m, a, o: seen.append("post 1"))
    layer.register_forward_hook(lambda m, a, o: seen.append("post 0"), prepend=True)
    layer(torch.ones(1))
    assert seen == ["pre 0", "pre 1", "post 0", "post 1"]


def test_a_pre_hook_replaces_arguments_and_a_hook_the_output() -> None:
    layer = Double()
    with layer.register_forward_pre_hook(lambda m, a: a[0] + 1):
        assert layer(torch.ones(1)).item() == 4
    with layer.register_forward_hook(lambda m, a, o: o + 1):
        assert layer(torch.ones(1)).item() == 3
    assert layer(torch.ones(1)).item() == 2


def test_hooks_with_keywords() -> None:
    layer = Double()
    layer.register_forward_pre_hook(lambda m, a, k: (a, {**k, "times": 5.0}), with_kwargs=True)
    layer.register_forward_hook(lambda m, a, k, o: o + k["times"], with_kwargs=True)
    assert layer(torch.ones(1), times=3.0).item() == 10


def test_a_pre_hook_with_keywords_returns_both_or_none() -> None:
    layer = Double()
    layer.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple of"):
        layer(torch.ones(1))


def test_hooks_that_are_always_called_see_failures_once() -> None:
    layer, seen = Broken(), []
    layer.register_forward_hook(lambda m, a, o: seen.append(o), always_call=True)
    layer.register_forward_hook(lambda m, a, o: seen.append("not me"))
    with pytest.raises(ValueError, match="broken"):
        layer(torch.ones(1))
    assert seen == [None]


def test_removed_hooks_are_gone() -> None:
    layer, seen = Double(), []
    handle = layer.register_forward_hook(lambda m, a, o: seen.append(1), with_kwargs=False)
    handle.remove()
    handle.remove()
    layer(torch.ones(1))
    assert seen == []


def test_global_hooks_see_every_module() -> None:
    seen = []
    before = register_module_forward_pre_hook(lambda m, a: seen.append(f"before {type(m).__name__}"))
    after = register_module_forward_hook(lambda m, a, o: seen.append(f"after {type(m).__name__}"))
    with before, after:
        nn.Sequential(Double())(torch.ones(1))
    assert seen == ["before Sequential", "before Double", "after Double", "after Sequential"]
    Double()(torch.ones(1))
    assert len(seen) == 4


def test_a_full_backward_hook_sees_and_replaces_gradients() -> None:
    layer, seen = nn.Linear(2, 1, bias=False), []

    def hook(module: nn.Module, grad_input: Any, grad_output: Any) -> Any:
        seen.append((grad_input[0].tolist(), grad_output[0].tolist()))
        return (grad_input[0] * 10,)

    layer.register_full_backward_hook(hook)
    with torch.no_grad():
        layer.weight.fill_(3)
    x = torch.ones(1, 2, requires_grad=True)
    (layer(x) * 2).sum().backward()
    assert seen == [([[6.0, 6.0]], [[2.0]])]
    assert x.grad.tolist() == [[60.0, 60.0]] and layer.weight.grad.tolist() == [[2.0, 2.0]]


def test_a_backward_pre_hook_replaces_the_outputs_gradient() -> None:
    layer = nn.Linear(2, 1, bias=False)
    layer.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 5,))
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[5.0, 5.0]]


def test_without_gradients_of_inputs_the_hook_gets_none() -> None:
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, i, o: seen.append((i, o[0].shape)))
    layer(torch.ones(1, 2)).sum().backward()
    assert seen == [((None,), (1, 1))]
    with torch.no_grad():
        layer(torch.ones(1, 2))
    assert len(seen) == 1


def test_inputs_that_are_no_tensors_have_no_gradient() -> None:
    layer, seen = Double(), []
    layer.register_full_backward_hook(lambda m, i, o: seen.append([g if g is None else g.item() for g in i]))
    layer(torch.ones((), requires_grad=True), 3.0).backward()
    assert seen == [[3.0, None]]


def test_a_hook_that_returns_too_few_gradients_is_told() -> None:
    layer = Double()
    layer.register_full_backward_hook(lambda m, i, o: ())
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 0, but expected 1"):
        layer(torch.ones(1, requires_grad=True)).sum().backward()


def test_global_backward_hooks_see_every_module() -> None:
    seen = []
    with register_module_full_backward_hook(lambda m, i, o: seen.append(type(m).__name__)):
        nn.Sequential(Double(), nn.ReLU())(torch.ones(1, requires_grad=True)).sum().backward()
    assert seen == ["ReLU", "Double", "Sequential"]


def test_both_kinds_of_backward_hooks_do_not_mix() -> None:
    layer = Double()
    layer.register_full_backward_hook(lambda m, i, o: None)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks"):
        layer.register_backward_hook(lambda m, i, o: None)
