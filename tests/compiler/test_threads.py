"""Threads share compiled functions and Tensors, also while one of them traces."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.tensor import tracing

LOOKS: dict[str, Callable[[Any, Any], Any]] = {
    "values": lambda net, opt: net.weight.tolist(),
    "an operator": lambda net, opt: (net.weight * 2).tolist(),
    "a view": lambda net, opt: net.weight[0].tolist(),
    "a gradient": lambda net, opt: net.weight.grad.tolist(),
    "a module": lambda net, opt: net(torch.ones(1, 3)).tolist(),
    "a copy": lambda net, opt: net.weight.detach().clone().tolist(),
    "an optimizer's state": lambda net, opt: opt.state[net.weight]["exp_avg"].tolist(),
    "a compiled function": lambda net, opt: torch.jit(lambda w: w + 1)(net.weight).tolist(),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=list(LOOKS))
def test_a_thread_that_reads_during_a_trace_sees_no_tracer(look: Callable[[Any, Any], Any]) -> None:
    net = nn.Linear(3, 2)
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    net(torch.ones(2, 3)).sum().backward()
    opt.step()
    within, seen = SimpleQueue[bool](), SimpleQueue[bool]()

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        within.put(True)  # queues, since what a trace stores in objects is taken back
        with contextlib.suppress(Empty):
            seen.get(timeout=0.2)  # time enough to read now
        return loss

    fast = torch.jit(step, fullgraph=True)
    tracer = threading.Thread(target=lambda: fast(torch.ones(4, 3)))

    def read() -> Any:
        within.get()
        found = look(net, opt)
        seen.put(True)
        return found

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(read)
        tracer.start()
        found = result.result(60)
        tracer.join()
    assert all(isinstance(x, float) for row in found for x in (row if isinstance(row, list) else [row]))
    assert fast.traces == 1


def test_a_thread_that_a_trace_waits_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_PATIENCE", 0.05)
    w = torch.ones(2)

    @torch.jit
    def waits(x: torch.Tensor) -> torch.Tensor:
        y = w * x
        with ThreadPoolExecutor(1) as pool:
            pool.submit(w.tolist).result()
        return y

    with pytest.raises(RuntimeError, match="does the traced function wait for this thread"):
        waits(w.clone())
    assert w.tolist() == [1, 1]


def test_threads_that_compile_at_once_take_turns() -> None:
    nets = [nn.Linear(3, 2) for _ in range(4)]
    steps = [torch.jit(lambda x, net=net: net(x).square().sum(), fullgraph=True) for net in nets]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda step: step(torch.ones(1, 3)).item(), steps))
    assert found == [pytest.approx(net(torch.ones(1, 3)).square().sum().item(), rel=1.3e-6) for net in nets]


@pytest.mark.parametrize("where", ["while it is traced", "while it runs"])
def test_threads_of_which_some_raise_leave_what_the_others_did(where: str) -> None:
    def trained(call: Callable[[Callable[[int], bool]], Any]) -> list[list[float]]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 1))
        opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        x = torch.linspace(-1.0, 1.0, 24).reshape(8, 3)

        def step(x: torch.Tensor, raises: bool) -> None:
            opt.zero_grad()
            net(x).square().mean().backward()
            opt.step()
            torch.debug.check(x.sum() < 5, "large")
            if raises:
                raise ValueError("on purpose")

        fast = torch.jit(step, fullgraph=True)

        def one(turn: int) -> bool:
            bad = turn % 3 == 0
            try:
                fast(x + 9 if bad and where == "while it runs" else x, bad and where == "while it is traced")
            except (ValueError, torch.debug.CheckError):
                return False
            return True

        assert sum(call(one)) == 8
        return [t.flatten().tolist() for t in net.state_dict().values()]

    def in_threads(one: Callable[[int], bool]) -> list[bool]:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(12)))

    alone = trained(lambda one: [one(turn) for turn in range(12) if turn % 3])
    together = trained(in_threads)
    assert [pytest.approx(values, rel=1.3e-6, abs=1e-5) for values in alone] == together
