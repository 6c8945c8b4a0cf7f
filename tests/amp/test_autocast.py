"""autocast: types of results and gradients, nested and disabled regions, compiled functions."""

from __future__ import annotations

from typing import Any

import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch.tensor import modes
from fxtorch.utils.checkpoint import checkpoint


@pytest.fixture
def layer() -> Any:
    return torch.nn.Linear(3, 2)


X = torch.ones(4, 3)


def test_products_are_small_and_losses_wide(layer: Any) -> None:
    with torch.autocast("cpu"):
        y = layer(X)
        loss = F.mse_loss(y, torch.zeros(4, 2))
        assert (y.dtype, loss.dtype) == (torch.bfloat16, torch.float32)
        assert F.relu(y).dtype == torch.bfloat16
        assert torch.cat([y, X[:, :2]]).dtype == torch.float32
        assert (y + X[:, :2]).dtype == torch.float32
    assert layer(X).dtype == torch.float32


def test_gradients_come_in_the_types_of_the_parameters(layer: Any) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = layer(X).float().sum()
    loss.backward()
    assert layer.weight.grad.dtype == torch.float32
    assert layer.weight.grad.tolist() == [[4.0] * 3] * 2


def test_regions_nest_and_have_islands(layer: Any) -> None:
    with torch.autocast("cpu"):
        with torch.autocast("cpu", enabled=False):
            assert not torch.is_autocast_enabled("cpu")
            assert layer(X).dtype == torch.float32
        with torch.autocast("cpu", dtype=torch.float16):
            assert torch.get_autocast_dtype("cpu") == torch.float16
            assert layer(X).dtype == torch.float16
        assert layer(X).dtype == torch.bfloat16
    assert not torch.is_autocast_enabled("cpu")


def test_a_region_ends_with_an_exception(layer: Any) -> None:
    with pytest.raises(ZeroDivisionError), torch.autocast("cpu"):
        raise ZeroDivisionError
    assert layer(X).dtype == torch.float32


def test_it_decorates(layer: Any) -> None:
    assert torch.autocast("cpu")(lambda x: layer(x))(X).dtype == torch.bfloat16


def test_float64_and_in_place_operators_are_left_alone() -> None:
    a = torch.ones(2, 2, dtype=torch.float64)
    b = torch.zeros(2, 2)
    with torch.autocast("cpu"):
        assert (a @ a).dtype == torch.float64
        b.addmm_(torch.ones(2, 2), torch.ones(2, 2))
    assert b.dtype == torch.float32


def test_a_parameter_is_cast_once_in_a_region(layer: Any) -> None:
    with torch.autocast("cpu"):
        layer(X)
        active = _active()
        kept = dict(active.cached)
        layer(X)
        assert {k: id(v[2]) for k, v in active.cached.items()} == {k: id(v[2]) for k, v in kept.items()}
        assert len(kept) == 2
    with torch.autocast("cpu", cache_enabled=False):
        layer(X)
        assert _active().cached is None


def _active() -> Any:
    return modes.autocast


def test_a_changed_parameter_is_cast_anew(layer: Any) -> None:
    with torch.autocast("cpu"):
        before = layer(X)
        with torch.no_grad():
            layer.weight.zero_()
        assert layer(X).tolist() == layer.bias.bfloat16().expand(4, 2).tolist() != before.tolist()


def test_a_region_inside_of_a_compiled_step(layer: Any) -> None:
    opt = torch.optim.SGD(layer.parameters(), lr=0.1)

    @torch.jit
    def step(x: Any) -> Any:
        opt.zero_grad()
        with torch.autocast("cpu"):
            y = layer(x)
            loss = F.mse_loss(y, torch.zeros(4, 2))
        loss.backward()
        opt.step()
        return y, loss

    y, first = step(X)
    assert (y.dtype, first.dtype, layer.weight.dtype) == (torch.bfloat16, torch.float32, torch.float32)
    for _ in range(3):
        y, loss = step(X)
    assert loss < first
    assert step.traces == 1


def test_a_compiled_function_has_a_program_for_each_region(layer: Any) -> None:
    f = torch.jit(lambda x: layer(x))
    kinds = [f(X).dtype]
    with torch.autocast("cpu"):
        kinds.append(f(X).dtype)
        with torch.autocast("cpu", dtype=torch.float16):
            kinds.append(f(X).dtype)
        kinds.append(f(X).dtype)
    kinds.append(f(X).dtype)
    assert kinds == [torch.float32, torch.bfloat16, torch.float16, torch.bfloat16, torch.float32]
    assert f.traces == 3


def test_a_checkpoint_runs_again_in_its_region(layer: Any) -> None:
    square = torch.nn.Linear(2, 2)

    def run(part: Any) -> Any:
        square.zero_grad()
        with torch.autocast("cpu"):
            loss = part(lambda z: square(square(z)).relu().float().sum(), layer(X))
        loss.backward()
        return square.weight.grad

    plain, kept = run(lambda f, x: f(x)), run(checkpoint)
    torch.testing.assert_close(kept, plain, rtol=2e-2, atol=2e-2)


def test_custom_functions_say_what_they_compute_in() -> None:
    seen = []

    class Product(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            seen.append((a.dtype, torch.is_autocast_enabled("cpu")))
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            seen.append((g.dtype, torch.is_autocast_enabled("cpu")))
            return g @ b.T, a.T @ g

    a = torch.ones(2, 2, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu"):
        Product.apply(a, torch.ones(2, 2)).sum().backward()
    assert seen == [(torch.float32, False)] * 2


@pytest.mark.parametrize(("device", "low"), [("mps", torch.float16), ("xla", torch.bfloat16)])
def test_devices_that_jax_has_not_can_be_asked_about(device: str, low: torch.dtype) -> None:
    assert torch.amp.is_autocast_available(device) and torch.get_autocast_dtype(device) is low
    assert not torch.is_autocast_enabled(device)
    with torch.autocast(device):
        assert torch.is_autocast_enabled(device) and (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.float32


def test_what_cannot_be_is_refused_or_switched_off() -> None:
    with pytest.raises(RuntimeError, match="unsupported autocast device_type"):
        torch.autocast("abacus")
    with pytest.warns(UserWarning, match="target dtype is not supported"):
        region = torch.autocast("cpu", dtype=torch.float32)
    with region:
        assert not torch.is_autocast_enabled("cpu")
