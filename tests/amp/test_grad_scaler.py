"""GradScaler: scaled losses, skipped steps, the factor's growth, compiled steps."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import fxtorch as torch


def scaler(**options: Any) -> Any:
    return torch.amp.GradScaler("cpu", **{"init_scale": 4.0, "growth_interval": 2, **options})


def one_step(gs: Any, w: Any, opt: Any, factor: Any = 1.0) -> None:
    opt.zero_grad()
    gs.scale((w * w).sum() * factor).backward()
    gs.step(opt)
    gs.update()


def problem() -> tuple[Any, Any]:
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    return w, torch.optim.SGD([w], lr=0.25)


def test_a_step_is_that_of_the_unscaled_loss() -> None:
    w, opt = problem()
    one_step(scaler(), w, opt)
    assert w.tolist() == [0.5, -1.0]


def test_the_factor_grows_after_good_steps_and_shrinks_after_a_bad_one() -> None:
    (w, opt), gs = problem(), scaler()
    seen = []
    for factor in (1.0, 1.0, 1.0, float("inf"), 1.0, 1.0):
        one_step(gs, w, opt, factor)
        seen.append((gs.get_scale(), gs._get_growth_tracker()))
    assert seen == [(4.0, 1), (8.0, 0), (8.0, 1), (4.0, 0), (4.0, 1), (8.0, 0)]


def test_a_step_with_overflow_changes_nothing() -> None:
    w, opt = problem()
    one_step(scaler(), w, opt, float("nan"))
    assert w.tolist() == [1.0, -2.0]


def test_unscaled_gradients_can_be_clipped() -> None:
    (w, opt), gs = problem(), scaler()
    gs.scale((w * w).sum()).backward()
    gs.unscale_(opt)
    assert w.grad.tolist() == [2.0, -4.0]
    torch.nn.utils.clip_grad_value_([w], 1.0)
    gs.step(opt)
    gs.update()
    assert w.tolist() == [0.75, -1.75]


def test_the_order_of_calls_is_checked() -> None:
    (w, opt), gs = problem(), scaler()
    with pytest.raises(AssertionError, match="_scale is None"):
        gs.step(opt)
    gs.scale((w * w).sum()).backward()
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        gs.update()
    gs.unscale_(opt)
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        gs.unscale_(opt)
    gs.step(opt)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        gs.step(opt)
    with pytest.raises(RuntimeError, match=r"being called after step"):
        gs.unscale_(opt)
    with pytest.raises(RuntimeError, match="Closure use"):
        gs.step(opt, closure=lambda: None)


def test_float16_parameters_are_refused() -> None:
    w = torch.ones(2, dtype=torch.float16, requires_grad=True)
    gs = scaler()
    gs.scale(w.sum()).backward()
    with pytest.raises(ValueError, match="FP16 gradients"):
        gs.unscale_(torch.optim.SGD([w], lr=0.1))


def test_several_outputs_are_scaled_alike() -> None:
    a, (b, c) = scaler().scale([torch.ones(1), (torch.ones(1, dtype=torch.float16), torch.ones(1))])
    assert (a.item(), b.item(), c.item(), b.dtype) == (4.0, 4.0, 4.0, torch.float16)


def test_the_state_goes_on_elsewhere() -> None:
    (w, opt), gs = problem(), scaler()
    one_step(gs, w, opt)
    state = gs.state_dict()
    assert state == {
        "scale": 4.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2, "_growth_tracker": 1,
    }  # fmt: skip
    for other in (scaler(init_scale=1.0), pickle.loads(pickle.dumps(gs)), copy.deepcopy(gs)):
        other.load_state_dict(state)
        one_step(other, w, opt)
        assert other.get_scale() == 8.0


def test_a_disabled_one_does_nothing() -> None:
    (w, opt), gs = problem(), scaler(enabled=False)
    one_step(gs, w, opt)
    assert (w.tolist(), gs.get_scale(), gs.state_dict()) == ([0.5, -1.0], 1.0, {})


def test_a_compiled_step_skips_and_adapts_as_an_eager_one() -> None:
    def run(wrap: Any) -> Any:
        torch.manual_seed(0)
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        opt, gs = torch.optim.Adam([w], lr=0.25), scaler()
        step = wrap(lambda factor: one_step(gs, w, opt, factor))
        seen = []
        for factor in (1.0, 1.0, float("inf"), 1.0, 1.0):
            step(torch.tensor(factor))
            seen.append((*w.tolist(), gs.get_scale(), gs._get_growth_tracker(), opt.state[w]["step"].item()))
        return seen, getattr(step, "traces", 1)

    compiled, traces = run(torch.jit)
    eager, _ = run(lambda f: f)
    assert all(a == pytest.approx(b, rel=1.3e-6, abs=1e-5) for a, b in zip(compiled, eager, strict=True))
    assert traces == 1
