"""Whatever a function reaches through the user's objects is seen when it changes, and carried when it is stored."""

from __future__ import annotations

import abc
import argparse
import collections
import contextvars
import copy
import dataclasses
import itertools
import os
import types
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import pytest
from jax.core import Tracer

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile, scenario

ONE = torch.ones(2)
READ: list[Any] = []
T = TypeVar("T")


class Base(abc.ABC):
    k: Any = 2.0

    @classmethod
    @abc.abstractmethod
    def name(cls) -> str: ...

    def run(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.k


def before_and_after(compile: Compile, holder: Any, fn: Any = None) -> list[torch.Tensor]:
    """What a function of ``holder.k`` gives for 2 and for 3."""
    holder.k = 2.0
    run = compile(fn or (lambda x: x * holder.k))
    first = run(ONE)
    holder.k = 3.0
    return [first, run(ONE)]


@scenario(READ, 2)
def a_namespace_of_argparse(compile: Compile) -> Any:
    return before_and_after(compile, argparse.Namespace())


SETTING: contextvars.ContextVar[Any] = contextvars.ContextVar("SETTING")
ARRAY = np.ones(8000)


def set_between(compile: Compile, fn: Any, change: Any, values: Any = (2.0, 3.0)) -> list[torch.Tensor]:
    """What ``fn`` gives after each of two changes."""
    run, seen = compile(fn), []
    for value in values:
        change(value)
        seen.append(run(ONE))
    return seen


@scenario(READ, 2)
def a_context_variable(compile: Compile) -> Any:
    return set_between(compile, lambda x: x * SETTING.get(), SETTING.set)


@scenario(READ, 2)
def a_tensor_in_a_context_variable(compile: Compile) -> Any:
    return set_between(compile, lambda x: x * SETTING.get(), SETTING.set, (torch.ones(2), torch.zeros(2)))


@scenario(READ, 2)
def an_environment_variable(compile: Compile) -> Any:
    def change(value: float) -> None:
        os.environ["FXTORCH_TESTED"] = str(value)

    return set_between(compile, lambda x: x * float(os.environ["FXTORCH_TESTED"]), change)


@scenario(READ, 2)
def an_environment_variable_that_is_asked_for(compile: Compile) -> Any:
    def change(value: float) -> None:
        os.environ["FXTORCH_TESTED"] = str(value)

    return set_between(compile, lambda x: x * float(os.getenv("FXTORCH_TESTED", "1")), change)


@scenario(READ, 2)
def an_array_of_64_kilobytes(compile: Compile) -> Any:
    def change(value: float) -> None:
        ARRAY[7] = value

    return set_between(compile, lambda x: x * float(ARRAY[7]), change)


@scenario(READ, 2)
def a_simple_namespace(compile: Compile) -> Any:
    return before_and_after(compile, types.SimpleNamespace())


@scenario(READ, 2)
def an_object_of_an_abstract_class(compile: Compile) -> Any:
    class Its(Base):
        @classmethod
        def name(cls) -> str:
            return "its"

    its = Its()
    return before_and_after(compile, its, its.run)


@scenario(READ, 2)
def an_object_of_a_generic_class(compile: Compile) -> Any:
    class Typed(Generic[T]):
        k: Any

        def run(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.k

    its: Typed[int] = Typed()
    return before_and_after(compile, its, its.run)


@scenario(READ, 2)
def an_object_with_slots(compile: Compile) -> Any:
    @dataclasses.dataclass(slots=True)
    class Slotted:
        k: float = 2.0

    return before_and_after(compile, Slotted())


@scenario(READ, 2)
def a_dict_whose_items_are_attributes(compile: Compile) -> Any:
    class Settings(dict):  # type: ignore[type-arg]
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__  # type: ignore[assignment]

    return before_and_after(compile, Settings())


@scenario(READ, 2)
def a_user_dict(compile: Compile) -> Any:
    its = collections.UserDict(k=2.0)
    run = compile(lambda x: x * its["k"])
    first = run(ONE)
    its["k"] = 3.0
    return [first, run(ONE)]


@scenario(READ, 2)
def a_deque(compile: Compile) -> Any:
    its = collections.deque([1.0, 2.0], maxlen=2)
    run = compile(lambda x: x * its[0])
    first = run(ONE)
    its.append(3.0)
    return [first, run(ONE)]


@scenario(READ, 2)
def a_member_of_an_enum(compile: Compile) -> Any:
    class Mode(Enum):
        DOUBLE = 1
        TRIPLE = 2

    its = types.SimpleNamespace(mode=Mode.DOUBLE)
    run = compile(lambda x: x * 2 if its.mode is Mode.DOUBLE else x * 3)
    first = run(ONE)
    its.mode = Mode.TRIPLE
    return [first, run(ONE)]


@scenario(READ, 3)
def a_name_made_up_while_it_runs(compile: Compile) -> Any:
    its = types.SimpleNamespace(h0=torch.ones(2), h1=torch.ones(2) * 2)
    run = compile(lambda x, i: x * getattr(its, f"h{i}"))
    seen = [run(ONE, 0), run(ONE, 1)]
    its.h0 = torch.ones(2) * 7
    return [*seen, run(ONE, 0)]


@scenario(READ, 3)
def an_attribute_of_the_class_and_then_of_the_object(compile: Compile) -> Any:
    class Its:
        k = 2.0

        def run(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.k

    its = Its()
    run = compile(its.run)
    seen = [run(ONE)]
    Its.k = 3.0
    seen.append(run(ONE))
    its.k = 4.0
    seen.append(run(ONE))
    del its.k
    return [*seen, run(ONE)]


@scenario(READ, 2)
def a_property(compile: Compile) -> Any:
    class Its:
        def __init__(self) -> None:
            self._k = 2.0

        @property
        def k(self) -> float:
            return self._k * 2

        @k.setter
        def k(self, value: float) -> None:
            self._k = value

    return before_and_after(compile, Its())


@scenario(READ, 2)
def what_a_method_of_an_operator_reads(compile: Compile) -> Any:
    settings = types.SimpleNamespace(v=2.0)

    class Its:
        def __getitem__(self, i: int) -> float:
            return settings.v * i

    its = Its()
    run = compile(lambda x: x * its[2])
    first = run(ONE)
    settings.v = 3.0
    return [first, run(ONE)]


@scenario(READ, 4)
def what_a_class_method_and_a_static_one_read(compile: Compile) -> Any:
    class Its:
        k = 2.0

        @staticmethod
        def plain(x: torch.Tensor) -> torch.Tensor:
            return x * Its.k

        @classmethod
        def of_class(cls, x: torch.Tensor) -> torch.Tensor:
            return x * cls.k + 1

    plain, of_class = compile(Its.plain), compile(Its.of_class)
    first = [plain(ONE), of_class(ONE)]
    Its.k = 3.0
    return [*first, plain(ONE), of_class(ONE)]


@scenario(READ, 4)
def lists_and_tensors_of_a_class(compile: Compile) -> Any:
    class Its:
        ks: ClassVar = [1.0, 2.0]
        w = torch.ones(2)
        table: ClassVar = {"a": 1.0}

    run = compile(lambda x: x * Its.ks[0] * Its.w * Its.table["a"])
    seen = [run(ONE)]
    Its.ks[0] = 5.0
    seen.append(run(ONE))
    Its.w = torch.ones(2) * 2
    seen.append(run(ONE))
    Its.w.mul_(2)
    seen.append(run(ONE))
    Its.table["a"] = 7.0
    return [*seen, run(ONE)]


@scenario(READ, 2)
def a_method_put_in_its_place(compile: Compile) -> Any:
    class Its:
        def inner(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        def run(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    run = compile(Its().run)
    first = run(ONE)
    Its.inner = lambda self, x: x * 5  # type: ignore[method-assign]
    return [first, run(ONE)]


@scenario(READ, 2)
def a_forward_put_in_its_place(compile: Compile) -> Any:
    net = nn.Linear(2, 2)
    run = compile(lambda x: net(x))
    first = run(ONE)
    net.forward = lambda x: x * 3  # type: ignore[method-assign]
    return [first, run(ONE)]


@scenario(READ, 2)
def the_activation_of_a_module(compile: Compile) -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = torch.relu

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.act(x)

    net: Any = Net()
    run = compile(net.forward)
    first = run(-ONE)
    net.act = torch.tanh
    return [first, run(-ONE)]


@scenario(READ, 3)
def a_number_that_becomes_one_of_another_type(compile: Compile) -> Any:
    k: Any = 2
    run = compile(lambda x: x * k)
    whole = torch.ones(2, dtype=torch.int64)
    seen = [run(whole)]
    k = 2.0
    seen.append(run(whole))
    k = True
    return [*seen, run(whole)]


@scenario(READ, 4)
def the_sign_of_zero(compile: Compile) -> Any:
    its = types.SimpleNamespace(k=0.0)
    run, given = compile(lambda x: x / its.k), compile(lambda x, k: x / k)
    seen = [run(ONE), given(ONE, 0.0)]
    its.k = -0.0
    return [*seen, run(ONE), given(ONE, -0.0)]


@scenario(READ, 1)
def a_count_that_only_other_code_reads(compile: Compile) -> Any:
    class Trainer:
        def __init__(self) -> None:
            self.net = nn.Linear(2, 1)
            self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1)
            self.step = 0  # named as the method of the optimizer is

        def train(self, x: torch.Tensor) -> torch.Tensor:
            self.opt.zero_grad()
            loss = self.net(x).square().mean()
            loss.backward()
            self.opt.step()
            return loss

    trainer = Trainer()
    run = compile(trainer.train)
    seen = []
    for _ in range(4):
        seen.append(run(torch.ones(3, 2)))
        trainer.step += 1
    return seen


@pytest.mark.parametrize(("name", "agrees"), READ, ids=[name for name, _ in READ])
def test_a_change_is_seen_in(name: str, agrees: Any) -> None:
    agrees()


def test_an_object_that_the_function_makes_is_no_state() -> None:
    class Point:
        def __init__(self, x: torch.Tensor) -> None:
            self.x = x

    def shifted(x: torch.Tensor) -> torch.Tensor:
        point = Point(x)
        twin = copy.copy(point)
        twin.x = point.x + 1
        return twin.x * point.x

    run = torch.jit(shifted, fullgraph=True)
    for i in range(3):
        assert run(ONE * i).tolist() == [i * (i + 1)] * 2
    assert run.traces == 1 and not any("Point." in fact for fact in run.programs.popitem()[1][0].guards.describe())


def test_objects_tell_nothing_after_a_trace() -> None:
    class Its:
        k = 2.0

    its = Its()
    torch.jit(lambda x: x * its.k)(ONE)
    assert not {"__getattribute__", "__setattr__", "__delattr__"} & set(vars(Its))


@pytest.mark.parametrize("items", [iter([2.0, 3.0]), itertools.count(2.0), (float(i) for i in (2, 3))])
def test_an_iterator_is_not_read_by_a_trace(items: Any) -> None:
    run = torch.jit(lambda x: x * next(items))
    with pytest.warns(UserWarning, match="which gives each item once"):
        assert run(ONE).tolist() == [2.0, 2.0]
    assert run(ONE).tolist() == [3.0, 3.0]


def test_an_iterator_that_is_passed_is_not_used_up_by_a_trace() -> None:
    net = nn.Linear(2, 2)
    net(ONE).sum().backward()
    with pytest.warns(UserWarning, match="which gives each item once"):
        norm = torch.jit(nn.utils.clip_grad_norm_)(net.parameters(), 0.5)
    assert norm.item() > 1 and abs(torch.cat([p.grad.reshape(-1) for p in net.parameters()]).norm().item() - 0.5) < 1e-5


def test_a_leak_names_attribute_and_line_and_leaves_no_tracer() -> None:
    class Holder:
        last: Any = None

    holder = Holder()

    def leak(x: torch.Tensor) -> torch.Tensor:
        object.__setattr__(holder, "last", x * 2)  # past whoever watches
        return x

    words = r"(?s)test_objects\.py:\d+: object\.__setattr__.*'last' of a Holder"
    with pytest.raises(torch.compiler.Escaped, match=words):
        torch.jit(leak)(ONE)
    assert not isinstance(holder.last._data, Tracer)


def test_an_attribute_that_a_class_did_not_have_is_carried() -> None:
    class Cache:
        last: Any

    @torch.jit
    def keep(x: torch.Tensor) -> torch.Tensor:
        Cache.last = x * 2
        return x

    for i in range(3):
        keep(ONE * i)
        assert Cache.last.tolist() == [2 * i] * 2


def test_a_call_that_falls_back_does_what_it_does_once() -> None:
    class Its:
        def __init__(self) -> None:
            self.calls, self.log = 0, []

        def run(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            self.log.append(self.calls)
            return x * 2 if x.sum() > 1 else x

    its = Its()
    run = torch.jit(its.run)
    with pytest.warns(UserWarning, match="runs eagerly"):
        run(ONE)
    run(ONE)
    assert its.calls == 2 and its.log == [1, 2]


def test_an_exception_leaves_python_state_as_it_was() -> None:
    class Its:
        def __init__(self) -> None:
            self.calls, self.log, self.last = 0, [], torch.zeros(2)

    its = Its()

    @torch.jit
    def step(x: torch.Tensor, fail: bool) -> torch.Tensor:
        its.calls += 1
        its.log.append(x)
        its.last = x * 2
        if fail:
            raise ValueError("on purpose")
        return x

    with pytest.raises(ValueError, match="on purpose"):
        step(ONE, True)
    assert its.calls == 0 and its.log == [] and its.last.tolist() == [0, 0]
