"""A library's function that is replaced, and what is hung on arguments, are seen at the next call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn import functional as F

USES: dict[str, tuple[Any, str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "by its module": (F, "relu", lambda x: F.relu(x)),
    "by a path of modules": (F, "relu", lambda x: torch.nn.functional.relu(x)),
    "of the package": (torch, "exp", lambda x: torch.exp(x)),
    "in a layer": (F, "relu", nn.ReLU()),
    "in a layer inside": (F, "gelu", nn.Sequential(nn.Linear(2, 2), nn.GELU())),
}


@pytest.mark.parametrize(("module", "name", "use"), USES.values(), ids=list(USES))
def test_a_function_that_is_replaced_is_another_program(
    module: Any, name: str, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.jit(lambda x: use(x), fullgraph=True)
    x = torch.linspace(-1.0, 1.0, 4).reshape(2, 2)
    plain = step(x)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lambda x, *rest, **options: x * 7)
        np.testing.assert_allclose(step(x).detach(), use(x).detach(), rtol=1.3e-6)
        assert step.traces == 2 and name in step.reasons[1]
    np.testing.assert_array_equal(step(x).detach(), plain.detach())
    assert step.traces == 2, "the first program fits again"


def test_a_constant_of_another_library_is_a_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    step = torch.jit(lambda x: x * math.pi)
    step(torch.ones(2))
    monkeypatch.setattr(math, "pi", 3.0)
    assert step(torch.ones(2)).tolist() == [3.0, 3.0]


def hung(**attributes: Any) -> torch.Tensor:
    x = torch.ones(2)
    for name, value in attributes.items():
        setattr(x, name, value)
    return x


def test_what_is_hung_on_an_argument_is_a_guard() -> None:
    step = torch.jit(lambda batch: batch["x"][0] * batch["x"][0].factor, fullgraph=True)
    factors = (2.0, 2.0, 3.0, 2.0)
    assert [step({"x": [hung(factor=k)]})[0].item() for k in factors] == list(factors)
    assert step.traces == 2


def test_an_attribute_that_an_argument_comes_to_have_is_seen() -> None:
    step = torch.jit(lambda x: x * getattr(x, "factor", 5.0), fullgraph=True)
    seen = [step(x)[0].item() for x in (hung(), hung(factor=2.0), hung(), hung(other=1.0))]
    assert seen == [5.0, 2.0, 5.0, 5.0] and step.traces == 2


def test_a_dictionary_on_an_argument_is_looked_into() -> None:
    meta = {"factor": 2.0}
    step = torch.jit(lambda x: x * x.meta["factor"], fullgraph=True)
    assert step(hung(meta=meta))[0].item() == 2.0
    meta["factor"] = 3.0
    assert step(hung(meta=meta))[0].item() == 3.0


def test_an_attribute_that_is_set_on_an_argument_is_there_after_the_call() -> None:
    def step(x: torch.Tensor) -> torch.Tensor:
        x.tag = 5  # type: ignore[attr-defined]
        return x * 2

    compiled = torch.jit(step)
    x = torch.ones(2)
    with pytest.warns(UserWarning, match="sets the attribute 'tag' of the Tensor argument 0"):
        compiled(x)
    assert x.tag == 5  # type: ignore[attr-defined]


class Base(nn.Module):
    def helper(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.helper(x)


class Derived(Base):
    pass


class Widened(nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input) + 1


class Plain:
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x * 11

    def __getitem__(self, i: int) -> int:
        return i


def seven(self: Any, *args: Any) -> Any:
    return (args[0] if args else self) * 7


def trained(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        WEIGHT.fill_(1.0)
    OPTIMIZER.zero_grad()
    (WEIGHT * x).sum().backward()
    OPTIMIZER.step()
    return WEIGHT.detach().clone()


WEIGHT = nn.Parameter(torch.ones(2, 2))
OPTIMIZER = torch.optim.SGD([WEIGHT], lr=0.1)
DERIVED, PLAIN, LINEAR, CONV = Derived(), Plain(), nn.Linear(2, 2), nn.Conv1d(2, 2, 1)

METHODS: dict[str, tuple[type, str, Any, Callable[[torch.Tensor], torch.Tensor]]] = {
    "a layer's forward": (nn.Linear, "forward", seven, lambda x: LINEAR(x)),
    "a layer's forward, inside of another": (nn.Linear, "forward", seven, nn.Sequential(nn.Linear(2, 2), nn.ReLU())),
    "a layer's own helper": (nn.Conv1d, "_conv_forward", seven, lambda x: CONV(x)),
    "a library's forward behind super()": (nn.Linear, "forward", seven, Widened(2, 2)),
    "a library's forward by its class": (nn.Linear, "forward", seven, lambda x: nn.Linear.forward(LINEAR, x)),
    "the call of all Modules": (nn.Module, "__call__", seven, lambda x: LINEAR(x)),
    "a Tensor's method": (torch.Tensor, "relu", seven, lambda x: x.relu()),
    "a Tensor's operator": (torch.Tensor, "__add__", lambda self, other: self * 7, lambda x: x + 1),
    "a Tensor's reflected operator": (torch.Tensor, "__rsub__", lambda self, other: self * 7, lambda x: 1 - x),
    "a Tensor's property": (torch.Tensor, "T", property(seven), lambda x: x.T),
    "an optimizer's step": (torch.optim.SGD, "step", lambda self: WEIGHT.data.zero_(), trained),
    "an optimizer's zero_grad": (torch.optim.Optimizer, "zero_grad", lambda self: WEIGHT.data.zero_(), trained),
    "a base class's forward": (Base, "forward", seven, lambda x: DERIVED(x)),
    "a base class's helper": (Base, "helper", seven, lambda x: DERIVED(x)),
    "one that takes a base class's place": (Derived, "helper", seven, lambda x: DERIVED(x)),
    "a plain object's call": (Plain, "__call__", seven, lambda x: PLAIN(x)),
    "a plain object's item": (Plain, "__getitem__", lambda self, i: i + 1, lambda x: x * PLAIN[3]),
}


@pytest.mark.parametrize(("cls", "name", "new", "use"), METHODS.values(), ids=list(METHODS))
def test_a_method_that_is_replaced_is_another_program(
    cls: type, name: str, new: Any, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.jit(lambda x: use(x), fullgraph=True)
    x = torch.linspace(-1.0, 1.0, 4).reshape(2, 2)
    plain = step(x)
    WEIGHT.grad = None
    with monkeypatch.context() as patch:
        patch.setattr(cls, name, new, raising=False)
        wanted = use(x).detach().numpy().copy()
        WEIGHT.grad = None
        np.testing.assert_allclose(step(x).detach(), wanted, rtol=1.3e-6)
        assert step.traces == 2 and f".{name}: " in step.reasons[1] and " became " in step.reasons[1]
    WEIGHT.grad = None
    np.testing.assert_array_equal(step(x).detach(), plain.detach())
    assert step.traces == 2, "the first program fits again"


def test_a_method_of_one_object_that_is_replaced_is_another_program() -> None:
    model = nn.Sequential(nn.Conv1d(2, 2, 1))
    step = torch.jit(model, fullgraph=True)
    x = torch.ones(2, 2)
    plain = step(x)
    model[0]._conv_forward = lambda input, weight, bias: input * 7
    assert step(x).tolist() == [[7.0, 7.0], [7.0, 7.0]]
    del model[0]._conv_forward
    assert step(x).tolist() == plain.tolist() and step._compiled.traces == 2


def test_explain_names_what_was_put_in_place_of_what(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Linear(2, 2)
    step = torch.jit(lambda x: layer(x))
    step(torch.ones(2))
    monkeypatch.setattr(nn.Linear, "forward", seven)
    step(torch.ones(2))
    said = torch.compiler.explain(step)
    line = seven.__code__.co_firstlineno
    assert "trace 2: changed: Linear.forward: Linear.forward (line " in said
    assert f"became seven (line {line} of {__name__})" in said


def scaled_by(weight: float) -> Callable[[torch.Tensor], torch.Tensor]:
    w = torch.full((2,), weight)
    return lambda x: (x * w * getattr(x, "factor", 5.0)).sum()


def test_what_hangs_on_an_argument_of_an_ensemble_is_a_guard() -> None:
    both = torch.ensemble([scaled_by(1.0), scaled_by(2.0)])
    seen = [both(x).tolist() for x in (hung(), hung(factor=2.0), hung(factor=3.0), hung())]
    assert seen == [[10.0, 20.0], [4.0, 8.0], [6.0, 12.0], [10.0, 20.0]]
    assert sum(map(len, both.programs.values())) == 3


def test_what_hangs_on_a_sliced_argument_of_an_ensemble_does_not_count() -> None:
    both = torch.ensemble([scaled_by(1.0), scaled_by(2.0)], in_dims=0)
    x = torch.ones(2, 2)
    assert both(x).tolist() == [10.0, 20.0]
    x.factor = 2.0  # type: ignore[attr-defined]
    assert both(x).tolist() == [both.steps[i](x[i]).item() for i in (0, 1)]
    assert sum(map(len, both.programs.values())) == 1


def test_what_hangs_on_a_batch_of_a_fold_counts() -> None:
    batches = [hung(), hung(), hung(factor=2.0), hung(factor=3.0)]
    assert torch.fold(scaled_by(1.0))(batches).tolist() == [scaled_by(1.0)(x).item() for x in batches]


def test_what_hangs_on_an_argument_of_parallel_is_a_guard() -> None:
    run = torch.distributed.parallel(scaled_by(1.0))
    seen = [run(x).item() for x in (hung(), hung(factor=2.0), hung(factor=3.0), hung())]
    assert seen == [10.0, 4.0, 6.0, 10.0]


@pytest.mark.parametrize("name", ["step", "zero_grad"])
def test_a_method_that_one_optimizer_is_given_is_seen(name: str) -> None:
    net = nn.Linear(2, 1)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    @torch.jit(fullgraph=True)
    def train(x: torch.Tensor) -> None:
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()

    train(torch.ones(1, 2))
    train(torch.ones(1, 2))
    plain, calls = getattr(opt, name), []
    setattr(opt, name, lambda: (calls.append(1), plain())[1])
    train(torch.ones(1, 2))
    assert calls and train.traces == 2 and train.reasons[1].startswith(f"changed: opt.{name}: absent became")
    delattr(opt, name)
    train(torch.ones(1, 2))
    assert train.traces == 2
