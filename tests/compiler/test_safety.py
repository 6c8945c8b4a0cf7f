"""Failures leave everything as it was; what the user holds stays valid."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler import objects
from tests.compiler.scenarios import program_of, step_of


def trainer() -> tuple[Any, Any, Any]:
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    opt = torch.optim.Adam(net.parameters(), lr=0.1)

    return net, opt, torch.jit(step_of(net, opt))


def test_everything_held_from_before_a_donating_step_keeps_torchs_values() -> None:
    net, opt, step = trainer()
    x = torch.ones(4, 3)
    step(x)
    w = net.weight
    values = w.detach().numpy().copy()
    moment = opt.state[w]["exp_avg"].numpy().copy()
    same = {
        "clone": w.detach().clone(),
        "deepcopy": copy.deepcopy(w),
        "view of a clone": w.detach().clone()[0:2],
        "snapshot": copy.deepcopy(net.state_dict())["weight"],
    }
    array, jax_array = w.detach().numpy(), jnp.asarray(w._data)
    moments = copy.deepcopy(opt.state_dict())
    alias, row, live = w.detach(), w.data[1], net.state_dict()["weight"]
    for _ in range(2):
        step(x)
    for name, kept in same.items():
        np.testing.assert_array_equal(kept.detach().numpy(), values, err_msg=name)
    np.testing.assert_array_equal(array, values)
    np.testing.assert_array_equal(np.asarray(jax_array), values)
    np.testing.assert_array_equal(moments["state"][0]["exp_avg"].numpy(), moment)
    now = w.detach().numpy()
    assert (now != values).all()
    np.testing.assert_array_equal(alias.numpy(), now)
    np.testing.assert_array_equal(row.numpy(), now[1])
    np.testing.assert_array_equal(live.detach().numpy(), now)


def test_a_deepcopy_of_buffers_outlives_the_first_donating_call() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    average, kept = copy.deepcopy(net), net[1].running_var._data
    torch.jit(lambda x: (net(x), x)[1])(torch.ones(2, 3))
    assert average[1].running_mean.tolist() == [0, 0, 0] and np.asarray(kept).tolist() == [1, 1, 1]


def test_an_exception_in_the_first_trace_leaves_no_lazy_state() -> None:
    net = nn.Linear(3, 2)
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    seed = torch.get_rng_state().tolist()

    @torch.jit
    def step(x: torch.Tensor) -> None:
        net(x).sum().backward()
        opt.step()
        torch.rand(2)
        net.extra = x * 2
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        step(torch.ones(1, 3))
    assert not any(opt.state.values()) and net.weight.grad is None and not hasattr(net, "extra")
    assert torch.get_rng_state().tolist() == seed and isinstance(net.weight._data, jax.Array)


def test_threads_train_with_the_same_compiled_step() -> None:
    _, opt, step = trainer()
    with ThreadPoolExecutor(4) as pool:
        losses = list(pool.map(lambda _: step(torch.ones(4, 3)).item(), range(12)))
    assert len(set(losses)) == 12 and step.traces == 1
    assert all(s["step"].item() == 12 for s in opt.state.values())


def test_jaxs_own_jit_refuses_to_change_captured_state_and_names_it() -> None:
    net = nn.BatchNorm1d(3)
    before = net.running_mean.tolist()
    with pytest.raises(RuntimeError, match=r"num_batches_tracked.*of BatchNorm1d.*test_safety\.py:\d+"):
        jax.jit(lambda a: net(torch.tensor(a))._data)(jnp.ones((4, 3)))
    assert net.running_mean.tolist() == before


def test_a_loss_of_memory_in_a_donating_program_says_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, step = trainer()
    step(torch.ones(4, 3))
    program = program_of(step)

    def out_of_memory(mutable: Any, *rest: Any) -> Any:
        for array in mutable:
            array.delete()
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")

    monkeypatch.setattr(program.executable, "jitted", out_of_memory)
    with pytest.raises(torch.OutOfMemoryError, match="state that it was to overwrite is lost"):
        step(torch.ones(4, 3))


def test_a_class_that_refuses_to_be_watched_leaves_all_others_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    class First:
        k = 2.0

    class Refuses:
        k = 3.0

    class Last:
        k = 4.0

    plain = objects._METHODS["__setattr__"]

    def stores(cls: type, *args: Any) -> Any:
        if cls is Refuses:
            raise TypeError("cannot set '__setattr__' attribute")
        return plain(cls, *args)

    monkeypatch.setitem(objects._METHODS, "__setattr__", stores)
    a, b, c = First(), Refuses(), Last()
    with pytest.warns(UserWarning, match="objects of .*Refuses do not tell what is read"):
        assert torch.jit(lambda x: x * a.k * b.k * c.k)(torch.ones(1)).item() == 24
    for cls in (First, Refuses, Last):
        assert not {"__getattribute__", "__setattr__", "__delattr__"} & vars(cls).keys()


def checked_step(net: Any, opt: Any) -> Any:
    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        torch.debug.check(x.sum() < 5, "a sum of {}", x.sum())
        return loss

    return step


RUNS: dict[str, Any] = {
    "jit": lambda step: torch.jit(step),
    "fold": lambda step: lambda x: torch.fold(step)(torch.stack([0.1 * x, x])),
    "ensemble": lambda step: torch.ensemble([step]),
    "parallel": lambda step: torch.distributed.parallel(step, torch.distributed.init_device_mesh("cpu", (1,))),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=list(RUNS))
def test_a_check_that_fails_leaves_the_optimizer_without_state_and_later_with_what_it_had(run: Any) -> None:
    net, opt, _ = trainer()
    call, weight = run(checked_step(net, opt)), net.weight.tolist()
    for _ in range(2):
        with pytest.raises(torch.debug.CheckError, match=r"a sum of 12.0, at .*test_safety\.py:\d+$"):
            call(torch.ones(4, 3))
        assert net.weight.tolist() == weight and net.weight.grad is None and len(opt.state) == 0
    call(torch.full((4, 3), 0.1))
    moved, moment = net.weight.tolist(), opt.state[net.weight]["exp_avg"].tolist()
    assert moved != weight
    with pytest.raises(torch.debug.CheckError):
        call(torch.ones(4, 3))
    assert net.weight.tolist() == moved and opt.state[net.weight]["exp_avg"].tolist() == moment


@pytest.mark.parametrize("kind", ["fold", "ensemble", "parallel"])
def test_autocast_and_detection_of_nan_are_programs_of_their_own(kind: str) -> None:
    net = nn.Linear(3, 3)
    call: Any = {
        "fold": torch.fold(lambda x: net(x).sqrt(), length=2),
        "ensemble": torch.ensemble([lambda x: net(x).sqrt()]),
        "parallel": torch.distributed.parallel(
            lambda x: net(x).sqrt(), torch.distributed.init_device_mesh("cpu", (1,))
        ),
    }[kind]
    x = torch.full((2, 2, 3), float("nan"))
    for _ in range(2):
        assert call(x).dtype == torch.float32
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert call(x).dtype == torch.bfloat16
        with torch.debug.detect_nan(), pytest.raises(torch.debug.CheckError, match="gave NaN"):
            call(x)
