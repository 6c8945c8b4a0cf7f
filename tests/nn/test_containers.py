"""Containers."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import fxtorch as torch
from fxtorch import nn


def linears(n: int) -> list[nn.Module]:
    return [nn.Linear(2, 2) for _ in range(n)]


def test_sequential_indexes_slices_and_names() -> None:
    layers = linears(3)
    model = nn.Sequential(*layers)
    assert model[-1] is layers[2] and len(model) == 3 and list(model) == layers
    assert isinstance(model[1:], nn.Sequential) and list(model[1:]) == layers[1:]
    named = nn.Sequential(OrderedDict(a=layers[0], b=layers[1]))
    assert named.b is layers[1] and named[0] is layers[0]
    with pytest.raises(IndexError, match="index 3 is out of range"):
        model[3]


def test_sequential_grows_and_shrinks() -> None:
    layers = linears(4)
    model = nn.Sequential(layers[0]).append(layers[2]).insert(1, layers[1])
    model.extend([layers[3]])
    assert list(model) == layers and list(model._modules) == ["0", "1", "2", "3"]
    assert model.pop(1) is layers[1]
    del model[0]
    assert list(model) == layers[2:] and list(model._modules) == ["0", "1"]
    assert len(model + model) == 4 and len(model * 3) == 6
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential class"):
        model.__add__([1])


def test_module_list_behaves_as_a_list() -> None:
    layers = linears(4)
    made = nn.ModuleList(layers[:2])
    made += layers[2:3]
    made.insert(0, layers[3])
    assert list(made) == [layers[3], *layers[:3]]
    made[0] = nn.ReLU()
    assert isinstance(made.pop(0), nn.ReLU) and list(made) == layers[:3]
    del made[1:]
    assert len(made) == 1 and len(nn.ModuleList(layers)[1:3]) == 2
    with pytest.raises(NotImplementedError):
        made(torch.ones(2))
    with pytest.raises(TypeError, match=r"ModuleList\.extend should be called with an iterable, but got int"):
        made.extend(3)  # type: ignore[arg-type]


def test_module_list_shows_equal_neighbours_once() -> None:
    assert repr(nn.ModuleList([*linears(3), nn.ReLU()])) == (
        "ModuleList(\n  (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)\n  (3): ReLU()\n)"
    )


def test_module_dict_behaves_as_a_dict() -> None:
    made = nn.ModuleDict({"a": nn.ReLU()})
    made.update([("b", nn.Tanh())])
    made["c"] = nn.Identity()
    assert list(made) == ["a", "b", "c"] and "b" in made and len(made) == 3
    assert isinstance(made.pop("a"), nn.ReLU) and list(made.keys()) == ["b", "c"]
    assert nn.ModuleDict(made)["b"] is made["b"]
    made.clear()
    assert len(made) == 0
    with pytest.raises(ValueError, match="has length 3; 2 is required"):
        made.update([("x", nn.ReLU(), 1)])


def test_parameter_list_registers_what_it_holds() -> None:
    made = nn.ParameterList([torch.ones(1), nn.Parameter(torch.ones(2)), "text"])
    assert [p.shape for p in made.parameters()] == [(1,), (2,)]
    made.append(torch.zeros(3))
    made[0] = torch.zeros(5)
    assert [tuple(p.shape) for p in made.parameters()] == [(5,), (2,), (3,)]
    assert made.pop().shape == (3,) and len(made) == 3 and made[2] == "text"
    assert list(nn.ParameterList(made[:2]).state_dict()) == ["0", "1"]
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        made(1)


def test_parameter_dict_registers_what_it_holds() -> None:
    made = nn.ParameterDict({"a": torch.ones(1)})
    made["b"] = nn.Parameter(torch.ones(2))
    assert list(made.state_dict()) == ["a", "b"] and isinstance(made["a"], nn.Parameter)
    assert made.get("zz", 3) == 3 and made.setdefault("a") is made["a"]
    other = made | nn.ParameterDict({"c": torch.ones(3)})
    assert list(other) == ["a", "b", "c"] and list(made) == ["a", "b"]
    assert made.popitem()[0] == "b" and len(made) == 1
    with pytest.raises(AttributeError):
        made["b"]
