"""Structural facts are looked at again only after a change, and every change is noted."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler.guards import _Entries
from fxtorch.tensor.structure import Attributes, HookTable, States, Table, structure

CHANGES: dict[str, Callable[[Any], Any]] = {
    "set": lambda t: t.__setitem__("b", 2),
    "delete": lambda t: t.__delitem__("a"),
    "or": lambda t: t.__ior__({"b": 2}),
    "clear": lambda t: t.clear(),
    "pop": lambda t: t.pop("a"),
    "popitem": lambda t: t.popitem(),
    "setdefault": lambda t: t.setdefault("b", 2),
    "update": lambda t: t.update(b=2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    "cls",
    [Table, HookTable, lambda items: States(items=items), Attributes],
    ids=["Table", "Hooks", "States", "Attributes"],
)
def test_each_change_of_a_table_is_noted(cls: Any, change: Callable[[Any], Any]) -> None:
    table = cls({"a": 1})
    before = structure.version
    change(table)
    assert structure.version is not before


def test_a_read_of_a_table_is_no_change() -> None:
    table = Table(a=1)
    before = structure.version
    assert (table["a"], list(table), "a" in table, table.get("b"), len(table)) == (1, ["a"], True, None, 1)
    assert structure.version is before


def test_a_state_that_an_optimizer_is_asked_for_is_noted() -> None:
    states, before = States(), structure.version
    assert type(states["new"]) is Table and structure.version is not before


def test_a_copy_of_a_table_is_one_and_a_pickled_one_is_plain() -> None:
    hooks = HookTable({1: "a"})
    for table in (Table(a=[1]), hooks, States(items={"a": Table(b=1)}), Attributes(a=[1])):
        assert type(copy.deepcopy(table)) is type(table) and copy.deepcopy(table) == table
    assert type(pickle.loads(pickle.dumps(Table(a=1)))) is type(pickle.loads(pickle.dumps(Attributes(a=1)))) is dict
    assert type(pickle.loads(pickle.dumps(hooks))) is OrderedDict


def test_an_optimizers_state_dict_holds_plain_dicts() -> None:
    w = nn.Parameter(torch.ones(2))
    opt = torch.optim.Adam([w])
    w.sum().backward()
    opt.step()
    assert [type(state) for state in opt.state_dict()["state"].values()] == [dict]


def test_a_call_without_a_change_in_between_looks_at_no_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(2, 2)
    step = torch.jit(lambda x: model(x))
    for _ in range(2):
        step(torch.ones(1, 2))
    (program,) = next(iter(step.programs.values()))
    monkeypatch.undo()  # the fixture that asks for everything
    looks: list[Any] = []
    plain = _Entries.hold
    monkeypatch.setattr(_Entries, "hold", lambda self: (looks.append(self), plain(self))[1])
    step(torch.ones(1, 2))
    assert program.guards._noted not in looks and program.guards._plain in looks
    model.train()
    model.weight.requires_grad_(False).requires_grad_(True)
    step(torch.ones(1, 2))
    assert program.guards._noted in looks and step.traces == 1


def test_a_change_past_the_module_is_seen() -> None:
    model: Any = nn.Linear(2, 2, bias=False)
    other: Any = nn.Linear(2, 2, bias=False)
    step = torch.jit(lambda x: model(x))
    x = torch.ones(1, 2)
    step(x)
    model._parameters["weight"] = other.weight
    assert torch.equal(step(x), other(x))
    with torch.no_grad():
        third = nn.Linear(2, 2, bias=False)
    model.__dict__.update(third.__dict__)
    assert torch.equal(step(x), third(x))


PAST_A_MODULE: dict[str, Callable[[Any, Any], Any]] = {
    "a table": lambda model, other: model.__dict__.__setitem__("_parameters", other._parameters),
    "hooks": lambda model, other: model.__dict__.update(_forward_hooks=HookTable({0: lambda m, args, out: out * 3})),
    "a method": lambda model, other: model.__dict__.update(forward=other.forward),
    "everything, as it is": lambda model, other: setattr(model, "__dict__", other.__dict__),
    "everything, as a plain dict": lambda model, other: setattr(model, "__dict__", dict(other.__dict__)),
}


@pytest.mark.parametrize("write", PAST_A_MODULE.values(), ids=PAST_A_MODULE)
@pytest.mark.parametrize(
    "copied", [lambda model: model, copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_what_is_written_past_a_module_into_its_attributes_is_seen(
    write: Callable[[Any, Any], Any], copied: Callable[[Any], Any]
) -> None:
    model, other = copied(nn.Linear(2, 2, bias=False)), nn.Linear(2, 2, bias=False)
    step, x = torch.jit(lambda x: model(x)), torch.ones(1, 2)
    before = [step(x) for _ in range(2)][1]
    write(model, other)
    assert torch.equal(step(x), model(x)) and not torch.equal(step(x), before)
    if type(model.__dict__) is dict:  # which notes nothing
        model.__dict__["_parameters"] = nn.Linear(2, 2, bias=False)._parameters
        assert torch.equal(step(x), model(x))


def test_an_attribute_that_a_step_counts_up_is_no_change_of_structure() -> None:
    model: Any = nn.Linear(2, 2)
    model.steps = torch.zeros(())

    @torch.jit
    def step(x: torch.Tensor) -> torch.Tensor:
        model.steps = model.steps + 1
        return model(x)

    for _ in range(3):
        step(torch.ones(1, 2))
    before = structure.version
    step(torch.ones(1, 2))
    assert structure.version is before and model.steps.item() == 4 and step.traces <= 2


def test_a_view_that_gets_memory_of_its_own_is_read_there() -> None:
    base = torch.arange(4.0).reshape(2, 2)
    row = base[0]
    double = torch.jit(lambda: row * 2)
    assert double().tolist() == [0, 2]
    row.data = torch.tensor([5.0, 6.0])
    base.zero_()
    assert double().tolist() == [10, 12]


def test_a_tensor_that_becomes_a_view_is_written_through() -> None:
    base, w = torch.zeros(2, 2), torch.ones(2)
    add = torch.jit(lambda: w.add_(1))
    add()
    w.data = base[0]
    add()
    assert (w.tolist(), base.tolist()) == ([1, 1], [[1, 1], [0, 0]])


def test_first_second_and_reseeded_steps_are_one_program() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    opt = torch.optim.Adam(model.parameters())

    @torch.jit
    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    for _ in range(2):
        step(torch.ones(2, 3))
    torch.manual_seed(1)
    step(torch.ones(2, 3))
    (program,) = next(iter(step.programs.values()))
    assert step.traces == 1 and program.executable.jitted._cache_size() == 1


def test_versions_of_parameters_count_compiled_steps() -> None:
    w = nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([w], lr=0.1)

    @torch.jit
    def step() -> None:
        opt.zero_grad()
        w.sum().backward()
        opt.step()

    step()
    before = w._version
    step()
    assert w._version == before + 1
