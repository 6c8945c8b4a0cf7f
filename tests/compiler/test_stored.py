"""What a function stores by name is stored at each call: in attributes, slots, lists, dicts, deques and caches."""

from __future__ import annotations

import collections
import functools
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from tests.compiler.scenarios import Compile, scenario

ONE = torch.ones(2)
STORED: list[Any] = []


@scenario(STORED)
def a_dict_with_keys_of_several_kinds(compile: Compile) -> Any:
    class Its:
        held: dict[Any, torch.Tensor]

    its = Its()
    its.held = {1: ONE, "a": torch.zeros(2)}

    def step(x: torch.Tensor) -> torch.Tensor:
        its.held = {1: x, "a": its.held["a"] + 1}
        return x + its.held["a"]

    run = compile(step)
    return [run(ONE) for _ in range(4)], its.held[1], its.held["a"], [str(key) for key in its.held]


@scenario(STORED)
def an_attribute_beside_state_changed_in_place(compile: Compile) -> Any:
    class Its:
        def __init__(self) -> None:
            self.h, self.n = torch.zeros(2), torch.zeros(2)

        def step(self, x: torch.Tensor) -> torch.Tensor:
            self.h = self.h + x
            self.n.add_(1)
            return x + self.h

    its = Its()
    run = compile(its.step)
    return [run(ONE) for _ in range(3)], its.h, its.n


@scenario(STORED)
def a_slot(compile: Compile) -> Any:
    class Its:
        __slots__ = ("h",)

        def __init__(self) -> None:
            self.h = torch.zeros(2)

        def step(self, x: torch.Tensor) -> torch.Tensor:
            self.h = self.h + x
            return self.h * 1

    its = Its()
    run = compile(its.step)
    seen = [run(ONE), run(ONE)]
    its.h = torch.full((2,), 9.0)
    return [*seen, run(ONE)], its.h


@scenario(STORED)
def a_name_that_is_made_up(compile: Compile) -> Any:
    class Its:
        pass

    its: Any = Its()
    its.h0, its.h1 = torch.ones(2), torch.ones(2) * 2

    def step(x: torch.Tensor, i: int) -> torch.Tensor:
        setattr(its, f"h{i}", getattr(its, f"h{i}") + x)
        return x

    run = compile(step)
    return [run(ONE, i) for i in (0, 1, 0)], its.h0, its.h1


@scenario(STORED)
def an_attribute_that_comes_and_goes(compile: Compile) -> Any:
    class Its:
        pass

    its: Any = Its()
    its.cache = torch.ones(2)

    def step(x: torch.Tensor) -> torch.Tensor:
        if hasattr(its, "cache"):
            y = x * its.cache * 2
            del its.cache
            return y
        its.cache = x * 3
        return x

    run = compile(step)
    return [run(ONE) for _ in range(4)], hasattr(its, "cache")


@scenario(STORED)
def an_attribute_that_a_module_did_not_have(compile: Compile) -> Any:
    class Net(nn.Module):
        h: torch.Tensor

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not hasattr(self, "h"):
                self.h = torch.zeros(2)
            self.h = self.h + x
            return self.h * 1

    net = Net()
    run = compile(net.forward)
    seen = [run(ONE) for _ in range(3)]
    del net.h
    return [*seen, run(ONE)]


@scenario(STORED)
def a_cached_property(compile: Compile) -> Any:
    class Its:
        @functools.cached_property
        def w(self) -> torch.Tensor:
            return torch.ones(2) * 3

    its = Its()
    run = compile(lambda x: x * its.w)
    return [run(ONE), run(ONE)], its.w


@scenario(STORED)
def a_cache_of_results(compile: Compile) -> Any:
    @functools.lru_cache
    def positions(n: int) -> torch.Tensor:
        return torch.arange(n) * 1.0

    run = compile(lambda x: x + positions(x.shape[0]))
    return [run(torch.ones(n)) for n in (2, 3, 2)], positions(2), positions.cache_info().misses


@scenario(STORED, 1)
def a_deque_that_is_only_appended_to(compile: Compile) -> Any:
    last: Any = collections.deque(maxlen=2)

    def step(x: torch.Tensor) -> torch.Tensor:
        last.append(x.sum())
        return x * 2

    run = compile(step)
    return [run(ONE * i) for i in range(4)], list(last)


@scenario(STORED)
def a_deque_that_is_read_too(compile: Compile) -> Any:
    last: Any = collections.deque([torch.zeros(2)], maxlen=2)

    def step(x: torch.Tensor) -> torch.Tensor:
        last.append(x * 2)
        return last[0] + 1

    run = compile(step)
    return [run(ONE * i) for i in range(4)], list(last)


@scenario(STORED)
def a_list_that_a_dict_makes_of_itself(compile: Compile) -> Any:
    log: Any = collections.defaultdict(list)

    def step(x: torch.Tensor) -> torch.Tensor:
        log["sums"].append(x.sum())
        return x * 2

    run = compile(step)
    return [run(ONE * i) for i in range(3)], dict(log)


@scenario(STORED)
def a_queue_in_a_list(compile: Compile) -> Any:
    queue = [torch.zeros(2), torch.ones(2), torch.ones(2) * 2]

    def step(x: torch.Tensor) -> torch.Tensor:
        first = queue.pop(0)
        queue.append(first + x)
        return first

    run = compile(step)
    return [run(ONE * 10) for _ in range(5)], queue


@scenario(STORED, 2)
def the_state_of_a_recurrent_layer(compile: Compile) -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.LSTM(2, 3, batch_first=True)
            self.state: Any = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y, state = self.layer(x, self.state)
            self.state = tuple(t.detach() for t in state)
            return y

    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    run = compile(step)
    return [run(torch.ones(1, 2, 2)) for _ in range(4)], net.state


@scenario(STORED, 2)
def an_optimizers_own_attribute(compile: Compile) -> Any:
    class Its(torch.optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {"lr": 0.1})
            self.scale, self.times = 1.0, torch.zeros(1)

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            self.times = self.times + 1
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad * group["lr"] * self.scale * self.times)

    net = nn.Linear(2, 1)
    opt = Its(net.parameters())

    def step(x: torch.Tensor) -> None:
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()

    run = compile(step)
    run(torch.ones(1, 2))
    run(torch.ones(1, 2))
    opt.scale = 5.0
    run(torch.ones(1, 2))
    return net.weight, opt.times


@pytest.mark.parametrize(("name", "agrees"), STORED, ids=[name for name, _ in STORED])
def test_what_is_stored_is_carried_for(name: str, agrees: Any) -> None:
    agrees()
