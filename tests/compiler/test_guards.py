"""What a compiled function takes for granted of Python is seen when it changes: nothing is stale."""

from __future__ import annotations

import collections
import functools
import random
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler import NotCompilable

FACTOR = 2.0
TOTAL = torch.zeros(())
ONE = torch.ones(())


class Settings:
    """A plain object of the user's."""

    rate = 1.0

    def __init__(self) -> None:
        self.scale, self.options, self.names = 1.0, {"shift": 0.0}, ["a"]


class Trainer:
    """A class that holds the step as a method."""

    def __init__(self) -> None:
        self.settings, self.count, self.history = Settings(), 0, []

    def step(self, x: torch.Tensor) -> torch.Tensor:
        out = x * self.settings.scale * self.settings.rate + self.settings.options["shift"] + len(self.settings.names)
        self.history.append(out)
        return out


def test_attributes_of_plain_objects_are_seen() -> None:
    trainer = Trainer()
    run = torch.jit(trainer.step)
    assert run(ONE).item() == 2.0
    trainer.settings.scale = 3.0
    assert run(ONE).item() == 4.0
    trainer.settings.options["shift"] = 10.0
    assert run(ONE).item() == 14.0
    trainer.settings.names.append("b")
    assert run(ONE).item() == 15.0
    trainer.settings = Settings()
    assert run(ONE).item() == 2.0
    assert "self.settings.scale: 1.0 became 3.0" in run.reasons[1]
    assert "self.settings.options.shift: 0.0 became 10.0" in run.reasons[2]


def test_an_attribute_of_a_class_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    run = torch.jit(lambda x: x * Settings.rate)
    assert run(ONE).item() == 1.0
    monkeypatch.setattr(Settings, "rate", 5.0)
    assert run(ONE).item() == 5.0


def helper(x: torch.Tensor) -> torch.Tensor:
    return x * FACTOR


class Scaled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return helper(x)


def test_a_global_that_only_a_called_function_reads_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Scaled()
    plain, module = torch.jit(lambda x: helper(x)), torch.jit(lambda x: net(x))
    assert plain(ONE).item() == module(ONE).item() == 2.0
    monkeypatch.setitem(globals(), "FACTOR", 7.0)
    assert plain(ONE).item() == module(ONE).item() == 7.0


def test_what_a_compiled_function_or_a_partial_inside_reads_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    inner, part = torch.jit(lambda x: x * FACTOR), functools.partial(lambda k, x: x * k * FACTOR, 3.0)
    runs = [torch.jit(lambda x: inner(x)), torch.jit(lambda x: part(x)), torch.jit(part)]
    assert [run(ONE).item() for run in runs] == [2.0, 6.0, 6.0]
    monkeypatch.setitem(globals(), "FACTOR", 7.0)
    assert [run(ONE).item() for run in runs] == [7.0, 21.0, 21.0]


def test_an_array_of_numpys_that_changes_is_seen() -> None:
    weights = np.ones(2, np.float32)
    run = torch.jit(lambda x: x * torch.tensor(weights))
    assert run(torch.ones(2)).tolist() == [1.0, 1.0]
    weights[0] = 4.0
    assert run(torch.ones(2)).tolist() == [4.0, 1.0]


def test_random_numbers_of_pythons_and_numpys_are_not_frozen() -> None:
    rng = np.random.default_rng(0)
    for draw in (random.random, np.random.rand, rng.random):
        with pytest.raises(NotCompilable, match="random numbers"):
            torch.jit(lambda x, draw=draw, rng=rng: x * draw(), fullgraph=True)(ONE)
    run = torch.jit(lambda x: x * np.random.rand())
    with pytest.warns(UserWarning, match=r"numpy\.random"):
        assert run(ONE).item() != run(ONE).item()


def test_global_and_enclosing_variables_that_are_assigned_are_carried() -> None:
    hidden = torch.zeros(2)

    @torch.jit(max_traces=1)
    def roll(x: torch.Tensor) -> torch.Tensor:
        global TOTAL
        nonlocal hidden
        hidden = hidden + x
        TOTAL = TOTAL + hidden.sum()
        return hidden

    assert [roll(torch.ones(2)).tolist() for _ in range(3)] == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    assert hidden.tolist() == [3.0, 3.0] and TOTAL.item() == 12.0


def test_entries_of_dicts_and_tuples_that_are_assigned_are_carried() -> None:
    state: dict[str, Any] = {"h": (torch.zeros(2), torch.ones(2))}

    @torch.jit(max_traces=1)
    def step(x: torch.Tensor) -> None:
        a, b = state["h"]
        state["h"] = (b, a + x)

    for _ in range(4):
        step(torch.ones(2))
    assert [t.tolist() for t in state["h"]] == [[2.0, 2.0], [3.0, 3.0]]


def test_a_list_that_is_only_appended_to_grows_without_a_new_trace() -> None:
    losses: list[torch.Tensor] = []

    @torch.jit(max_traces=1)
    def step(x: torch.Tensor) -> None:
        losses.append((x * 2).sum())

    for i in range(3):
        step(torch.full((2,), float(i)))
    assert [t.item() for t in losses] == [0.0, 4.0, 8.0]


def test_a_variable_that_holds_another_tensor_at_each_call_is_read_anew() -> None:
    batch, holder = torch.ones(2), Settings()
    holder.scale = torch.ones(2)  # type: ignore[assignment]
    run = torch.jit(lambda: batch * 2 + holder.scale, max_traces=2)
    for i in range(4):
        batch = torch.full((2,), float(i))
        holder.scale = torch.full((2,), 10.0 * i)  # type: ignore[assignment]
        assert run().tolist() == [12.0 * i] * 2
    held = batch
    pair = torch.jit(lambda: (batch * 2, held * 3))
    assert [t.tolist() for t in pair()] == [[6.0, 6.0], [9.0, 9.0]]
    batch = torch.zeros(2)
    assert [t.tolist() for t in pair()] == [[0.0, 0.0], [9.0, 9.0]]
    batch = held = torch.ones(2)
    assert [t.tolist() for t in pair()] == [[2.0, 2.0], [3.0, 3.0]]
    held = torch.full((2,), 5.0)
    assert [t.tolist() for t in pair()] == [[2.0, 2.0], [15.0, 15.0]]


def test_a_python_counter_of_a_plain_object_counts_as_eagerly() -> None:
    counter = Settings()
    counter.scale = 0.0

    def step(x: torch.Tensor) -> torch.Tensor:
        counter.scale += 1
        return x * counter.scale

    run = torch.jit(step)
    assert [run(ONE).item() for _ in range(3)] == [1.0, 2.0, 3.0] and counter.scale == 3.0


@pytest.mark.parametrize(
    ("mode", "name"),
    [(torch.no_grad, "recording of gradients"), (torch.inference_mode, "inference mode")],
)
def test_a_mode_of_the_caller_is_seen_and_named(mode: Any, name: str) -> None:
    w = torch.ones(2, requires_grad=True)
    run = torch.jit(lambda x: (x * w).sum())
    assert run(torch.ones(2)).requires_grad
    with mode():
        assert not run(torch.ones(2)).requires_grad
    assert name in run.reasons[1]


def test_a_hook_on_a_parameter_is_seen() -> None:
    w = torch.ones(2, requires_grad=True)

    @torch.jit
    def step() -> None:
        w.grad = None
        (w * 3).sum().backward()

    step()
    w.register_hook(lambda g: g * 10)
    step()
    assert w.grad is not None and w.grad.tolist() == [30.0, 30.0]


def test_the_same_tensor_given_twice_is_one_tensor_inside() -> None:
    @torch.jit
    def bump(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        a.add_(1)
        return b * 2

    x = torch.ones(2)
    assert bump(x, x).tolist() == [4.0, 4.0] and x.tolist() == [2.0, 2.0]
    assert bump(x, torch.ones(2)).tolist() == [2.0, 2.0]
    assert bump.traces == 2


def test_an_argument_that_shares_memory_with_state_runs_eagerly_and_right() -> None:
    w = torch.ones(4)

    @torch.jit
    def add(x: torch.Tensor) -> torch.Tensor:
        w.add_(x * 1)
        return x * 1

    assert add(torch.ones(4)[:1]).tolist() == [1.0]
    with pytest.warns(UserWarning, match="shares memory with state"):
        assert add(w[:1]).tolist() == [4.0]


def test_gradient_recording_switched_inside_stays_switched() -> None:
    @torch.jit
    def off() -> None:
        torch.set_grad_enabled(False)

    try:
        off()
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_a_parameter_frozen_inside_stays_frozen() -> None:
    w = torch.ones(2, requires_grad=True)
    freeze = torch.jit(lambda: (w.requires_grad_(False), None)[1])
    freeze()
    assert not w.requires_grad


def test_what_is_another_of_its_kind_is_told_so() -> None:
    model: Any = nn.Sequential(nn.Linear(2, 2))
    run = torch.jit(lambda x: model(x))
    run(torch.ones(1, 2))
    model[0] = nn.Linear(2, 2)
    run(torch.ones(1, 2))
    assert "a Linear became another Linear" in run.reasons[-1]


def test_an_argument_of_another_type_is_compiled_anew_and_named() -> None:
    double = torch.jit(lambda x: x * 2)
    assert double(torch.ones(2)).dtype == torch.float32
    assert double(torch.ones(2, dtype=torch.int64)).dtype == torch.int64
    assert double.reasons[1] == "argument 0: float32[2] became int64[2]"


def test_a_buffer_that_gets_another_type_or_shape_is_compiled_anew() -> None:
    model = torch.nn.Linear(2, 2)
    apply = torch.jit(lambda x: model(x))
    apply(torch.ones(1, 2))
    model.double()
    assert apply(torch.ones(1, 2, dtype=torch.float64)).dtype == torch.float64
    scale = torch.ones(2)
    scaled = torch.jit(lambda: scale * 2)
    scaled()
    scale.data = torch.ones(3)
    assert scaled().tolist() == [2, 2, 2] and scaled.reasons[1] == "changed: scale: float32[2] became float32[3]"
    assert apply.reasons[1].startswith("argument 0: ")


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


class Tripled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 3


def a_flag_of_a_tensor(w: Any, net: Any, g: Any, turn: int) -> None:
    w.doubled = turn == 0


def a_number_of_a_tensor(w: Any, net: Any, g: Any, turn: int) -> None:
    w.factor = turn + 2.0


def a_tensor_of_a_tensor(w: Any, net: Any, g: Any, turn: int) -> None:
    w.mask = torch.full((2,), turn + 2.0)


def the_class_of_a_module(w: Any, net: Any, g: Any, turn: int) -> None:
    net.__class__ = (Tripled, Doubled)[turn % 2]


def a_hook_on_all_modules(w: Any, net: Any, g: Any, turn: int) -> None:
    if turn == 0:
        ON_ALL.append(nn.modules.module.register_module_forward_hook(lambda module, args, out: out * 10))
    elif ON_ALL:
        ON_ALL.pop().remove()


def a_seed(w: Any, net: Any, g: Any, turn: int) -> None:
    g.manual_seed(turn + 5)


ON_ALL: list[Any] = []
BEHIND = [
    a_flag_of_a_tensor, a_number_of_a_tensor, a_tensor_of_a_tensor, the_class_of_a_module, a_hook_on_all_modules,
    a_seed,
]  # fmt: skip


@pytest.mark.parametrize("change", BEHIND, ids=lambda f: f.__name__)
def test_what_is_hung_on_objects_of_the_library_is_seen(change: Callable[..., None]) -> None:
    def run(compile: Callable[[Any], Any]) -> Any:
        w: Any = nn.Parameter(torch.ones(2))
        net, g = Doubled(), torch.Generator()
        g.manual_seed(3)

        @compile
        def fn(x: torch.Tensor) -> Any:
            x = x * 2 if getattr(w, "doubled", False) else x
            x = x * w.factor if hasattr(w, "factor") else x
            x = x * w.mask if hasattr(w, "mask") else x
            return net(x), g.initial_seed()

        seen = []
        for turn in range(3):
            out, seed = fn(torch.ones(2))
            seen.append((out.tolist(), seed))
            change(w, net, g, turn)
        return seen

    assert run(lambda fn: torch.jit(fn, fullgraph=True)) == run(lambda fn: fn)


def test_an_attribute_set_on_a_tensor_and_its_version_are_those_of_each_call() -> None:
    def run(compile: Callable[[Any], Any]) -> Any:
        w: Any = torch.ones(2)

        @compile
        def sets(x: torch.Tensor) -> Any:
            w.last = x * 2
            return w.last

        @compile
        def version() -> int:
            w.add_(1)
            return w._version

        return [(sets(torch.ones(2) * i).tolist(), version(), w.last.tolist()) for i in range(3)]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both run eagerly
        assert run(torch.jit) == run(lambda fn: fn)


@pytest.mark.parametrize("behind", [types.MappingProxyType, lambda table: collections.ChainMap({}, table)])
def test_a_table_behind_another_is_seen(behind: Callable[[Any], Any]) -> None:
    table: dict[str, Any] = {"factor": 1.0, "mask": torch.ones(2)}
    front = behind(table)
    fn = torch.jit(lambda x: x * front["factor"] * front["mask"], fullgraph=True)
    assert fn(torch.ones(2)).tolist() == [1.0, 1.0]
    table["factor"] = 2.0
    assert fn(torch.ones(2)).tolist() == [2.0, 2.0]
    table["mask"] = torch.zeros(2)
    assert fn(torch.ones(2)).tolist() == [0.0, 0.0]
    table["mask"].add_(3.0)
    assert fn(torch.ones(2)).tolist() == [6.0, 6.0]
