"""functorch's own functions."""

from __future__ import annotations

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.interop.names.functorch import (
    combine_state_for_ensemble,
    jvp,
    make_functional,
    make_functional_with_buffers,
    vmap,
)


def test_a_functional_model_uses_the_values_that_it_is_given() -> None:
    layer, x = nn.Linear(2, 3), torch.randn(4, 2)
    func, params = make_functional(layer)
    torch.testing.assert_close(func(params, x), layer(x))
    assert func([torch.zeros_like(p) for p in params], x).abs().sum() == 0
    value, pushed = jvp(lambda p: func(p, x), (params,), (params,))
    torch.testing.assert_close(pushed, value)


def test_buffers_are_arguments_too() -> None:
    model = nn.BatchNorm1d(2).eval()
    with pytest.raises(RuntimeError, match="has buffers"):
        make_functional(model)
    func, params, buffers = make_functional_with_buffers(model, disable_autograd_tracking=True)
    assert not params[0].requires_grad
    x = torch.ones(1, 2)
    torch.testing.assert_close(func(params, (x[0], *buffers[1:]), x), torch.zeros(1, 2))


def test_an_ensemble_is_one_call() -> None:
    models, x = [nn.Linear(2, 1) for _ in range(3)], torch.randn(5, 2)
    func, params, buffers = combine_state_for_ensemble(models)
    together = vmap(func, in_dims=(0, 0, None))(params, buffers, x)
    torch.testing.assert_close(together, torch.stack([m(x) for m in models]))
