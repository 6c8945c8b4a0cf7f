"""Hooks on a step of the graph."""

from __future__ import annotations

import pytest

import fxtorch as torch
from fxtorch import nn


def test_a_hook_sees_and_replaces_what_a_step_yields() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 3
    seen = []
    assert y.grad_fn is not None
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs[0].item(), outputs[0].item())))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10,))
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 2,))
    y.backward(retain_graph=True)
    assert seen == [(6.0, 2.0)] and x.grad is not None and x.grad.item() == 60.0
    handle.remove()
    y.backward()
    assert x.grad.item() == 66.0


def test_a_hook_that_returns_too_much_is_refused() -> None:
    y = torch.tensor(2.0, requires_grad=True) * 3
    assert y.grad_fn is not None
    y.grad_fn.register_hook(lambda inputs, outputs: (None, None, None))
    with pytest.raises(RuntimeError, match="incorrect number of values"):
        y.backward()


def test_hooks_of_a_module_from_torchs_early_days() -> None:
    layer, seen = nn.Linear(2, 1), []
    layer.register_backward_hook(lambda module, inputs, outputs: seen.append(outputs[0].shape))
    layer(torch.ones(3, 2)).sum().backward()
    assert seen == [(3, 1)]
