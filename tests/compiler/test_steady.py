"""What a step overwrites stays with its program until somebody looks, and nobody can tell."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler.executable import Executable
from tests.compiler.scenarios import Compile, assert_agrees, program_of, step_of

Step = Callable[..., Any]
X = torch.ones(5, 3)


def trainer(compile: Compile) -> tuple[Any, Any, Step]:
    """One whose weights are large enough to have arrays of their own."""
    net = nn.Sequential(nn.Linear(3, 1500), nn.Dropout(0.5), nn.Linear(1500, 3))
    opt = torch.optim.Adam(net.parameters(), lr=0.05)
    return net, opt, compile(step_of(net, opt))


def small_trainer(compile: Compile) -> tuple[Any, Any, Step]:
    """One whose parameters and moments lie in one array."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    opt = torch.optim.Adam(net.parameters(), lr=0.05)
    return net, opt, compile(step_of(net, opt))


def stacked_trainer(compile: Compile) -> tuple[Any, Any, Step]:
    """One whose parameters are rows of two stacks."""
    net = nn.Sequential(*(nn.Linear(3, 3) for _ in range(4)), nn.Dropout(0.5))
    opt = torch.optim.Adam(net.parameters(), lr=0.05)
    return net, opt, compile(step_of(net, opt))


class Pictures(nn.Sequential):
    """Layers whose inputs are rows of pixels, each made a picture of one color."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x[:, :, None, None].expand(-1, -1, 3, 3))


def turned_trainer(compile: Compile) -> tuple[Any, Any, Step]:
    """One whose weights lie in the order in which a convolution reads them."""
    net = Pictures(nn.Conv2d(3, 700, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(700, 3, 3))
    opt = torch.optim.Adam(net.parameters(), lr=0.05)
    return net, opt, compile(step_of(net, opt))


TRAINERS = {"alone": trainer, "together": small_trainer, "stacked": stacked_trainer, "turned": turned_trainer}


def at_each_step(look: Callable[[Any, Any], Any], trainer: Any) -> Callable[[Compile], Any]:
    """A scenario that looks at the model, or changes it, between steps."""

    def scenario(compile: Compile) -> Any:
        net, opt, step = trainer(compile)
        seen: list[Any] = []
        for _ in range(4):
            seen += [step(torch.ones(5, 3)), look(net, opt)]
        return seen, list(net.parameters()), [p.grad for p in net.parameters()], torch.rand(2)

    return scenario


def replaced(net: Any, opt: Any) -> None:
    net[0].weight.data = torch.ones_like(net[0].weight)


def filled(net: Any, opt: Any) -> int:
    with torch.no_grad():
        net[0].bias.zero_()
    return net[0].bias._version


def stepped(net: Any, opt: Any) -> None:
    opt.step()


LOOKS: dict[str, Callable[[Any, Any], Any]] = {
    "nobody looks": lambda net, opt: None,
    "a clone": lambda net, opt: net[0].weight.detach().clone(),
    "a parameter": lambda net, opt: net[2].weight,
    "its row": lambda net, opt: net[0].weight.data[1],
    "its version": lambda net, opt: net[0].weight._version,
    "a gradient that is held": lambda net, opt: net[0].weight.grad,
    "a gradient set to None": lambda net, opt: setattr(net[0].weight, "grad", None),
    "gradients set to None": lambda net, opt: opt.zero_grad(),
    "gradients set to zero": lambda net, opt: opt.zero_grad(set_to_none=False),
    "another gradient": lambda net, opt: setattr(net[0].weight, "grad", torch.ones_like(net[0].weight)),
    "a state dict": lambda net, opt: copy.deepcopy(net.state_dict()),
    "the optimizer's state": lambda net, opt: [s["exp_avg"].clone() for s in opt.state.values()],
    "a copy": lambda net, opt: list(copy.deepcopy(net).parameters()),
    "a pickle": lambda net, opt: list(pickle.loads(pickle.dumps(net)).parameters()),
    "other values": replaced,
    "a change in place": filled,
    "a step in eager code": stepped,
    "the generator": lambda net, opt: torch.rand(2),
    "an eager call": lambda net, opt: net(torch.ones(1, 3)),
}


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=list(TRAINERS))
@pytest.mark.parametrize("look", LOOKS.values(), ids=list(LOOKS))
def test_a_look_between_two_steps_shows_what_eager_code_shows(look: Callable[[Any, Any], Any], trainer: Any) -> None:
    assert_agrees(at_each_step(look, trainer), traces=1)


def test_values_stay_with_the_program_until_one_is_asked_for() -> None:
    net, _, step = trainer(torch.jit)
    for _ in range(3):
        step(torch.ones(5, 3))
    tensors = [*net.parameters(), *(p._grad for p in net.parameters())]
    assert all("_data" not in t.__dict__ for t in tensors)
    net[0].weight.tolist()
    assert ["_data" in t.__dict__ for t in tensors] == [True, *[False] * 7]
    step(torch.ones(5, 3))
    assert all("_data" not in t.__dict__ for t in tensors)


def test_views_and_saved_values_see_that_a_step_was_made() -> None:
    net, _, step = trainer(torch.jit)
    step(torch.ones(5, 3))
    row, before = net[0].weight.data[1], net[0].weight._version
    out = (net[2].weight * net[2].weight).sum()
    held = row.tolist()
    for _ in range(2):
        step(torch.ones(5, 3))
    assert row.tolist() == net[0].weight[1].tolist() != held and net[0].weight._version == before + 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=list(TRAINERS))
def test_programs_for_other_shapes_go_on_from_the_same_values(trainer: Any) -> None:
    def scenario(compile: Compile) -> Any:
        net, _, step = trainer(compile)
        losses = [step(torch.ones(n, 3)) for n in (5, 5, 2, 5, 2, 2, 5)]
        return losses, list(net.parameters()), [p.grad for p in net.parameters()]

    assert_agrees(scenario, traces=2)


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=list(TRAINERS))
def test_programs_of_other_functions_go_on_from_the_same_values(trainer: Any) -> None:
    def scenario(compile: Compile) -> Any:
        net, _, step = trainer(compile)
        other = torch.optim.SGD(net[2].parameters(), lr=0.1)

        def shrink() -> torch.Tensor:
            loss: Any = sum(p.square().sum() for p in net[2].parameters())
            other.zero_grad()
            loss.backward()
            other.step()
            return loss

        compiled, judged = compile(shrink), compile(lambda x: net(x).sum().detach())
        seen = [(step(torch.ones(5, 3)), compiled(), judged(torch.ones(1, 3))) for _ in range(3)]
        return seen, list(net.parameters()), [p.grad for p in net.parameters()]

    assert_agrees(scenario)


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=list(TRAINERS))
def test_a_model_outlives_its_step_and_is_freed_with_it(trainer: Any) -> None:
    net, opt, step = trainer(torch.jit)
    for _ in range(2):
        step(torch.ones(5, 3))
    weight, grad = weakref.ref(net[0].weight), net[0].weight.grad.tolist()
    del step, opt
    gc.collect()
    assert np.isfinite(net[0].weight.detach().numpy()).all() and net[0].weight.grad.tolist() == grad
    del net
    gc.collect()
    assert weight() is None
    net, opt, step = trainer(torch.jit)
    for _ in range(2):
        step(torch.ones(5, 3))
    weight = weakref.ref(net[0].weight)
    del net, opt, step
    gc.collect()
    gc.collect()
    assert weight() is None


def test_the_values_before_the_first_step_are_freed_at_once() -> None:
    net, _, step = trainer(torch.jit)
    before = weakref.ref(net[0].weight._data)
    gc.disable()
    try:
        step(torch.ones(5, 3))
        assert before() is None
    finally:
        gc.enable()


def test_versions_count_the_steps_for_whoever_has_looked() -> None:
    def scenario(compile: Compile) -> Any:
        net, _, step = small_trainer(compile)
        seen = []
        step(X)
        for _ in range(3):
            before = net[0].weight._version
            step(X)
            seen.append(net[0].weight._version - before)
        view, other = net[0].weight.detach(), net[0].bias.detach().view(2, 2)
        for _ in range(3):
            before = view._version, other._version
            step(X)
            seen += [view._version - before[0], other._version - before[1], view.clone(), other.clone()]
        return seen

    assert_agrees(scenario, traces=1)


def test_a_graph_that_saved_what_a_step_overwrites_says_so_steps_later() -> None:
    net, _, step = small_trainer(torch.jit)
    for _ in range(2):
        step(X)
    out = (net[0](X) @ net[0].weight).sum()
    for _ in range(2):
        step(X)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=list(TRAINERS))
def test_a_failing_step_leaves_the_values_of_the_one_before(trainer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net, _, step = trainer(torch.jit)
    for _ in range(2):
        step(torch.ones(5, 3))
    program = program_of(step)
    plain = program.executable.jitted

    def fails(*given: Any) -> Any:
        raise ValueError("on purpose")

    kept = net[2].bias.tolist()
    monkeypatch.setattr(program.executable, "jitted", fails)
    for _ in range(2):
        with pytest.raises(ValueError, match="on purpose"):
            step(torch.ones(5, 3))
    assert net[2].bias.tolist() == kept and np.isfinite(net[0].weight.grad.numpy()).all()
    monkeypatch.setattr(program.executable, "jitted", plain)
    step(torch.ones(5, 3))
    assert net[2].bias.tolist() != kept


def test_a_thread_that_looks_while_another_trains_sees_whole_steps() -> None:
    net = nn.Linear(1, 64, bias=False)
    opt = torch.optim.SGD(net.parameters(), lr=1.0)

    @torch.jit
    def step() -> None:
        opt.zero_grad()
        net.weight.sum().backward()
        opt.step()

    with torch.no_grad():
        net.weight.zero_()
    step()
    seen: list[Any] = []
    looks, stop = threading.Event(), threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append(net.weight.detach().clone().numpy())
            looks.set()

    watcher = threading.Thread(target=look)
    watcher.start()
    assert looks.wait(60)  # on a machine that is busy all steps may be over before a thread has begun
    for _ in range(300):
        step()
    stop.set()
    watcher.join()
    assert seen and all((w == w[0]).all() for w in seen)
    assert net.weight[0].item() == -301


def test_a_thread_that_reads_what_is_being_overwritten_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    net, _, step = trainer(torch.jit)
    for _ in range(2):
        step(torch.ones(5, 3))
    net[0].weight.tolist()  # the Tensor has its own array again
    program = program_of(step)
    plain, seen, early = program.executable.jitted, [], []
    reader = threading.Thread(target=lambda: seen.append(net[0].weight.detach().clone().numpy()))

    def run(*given: Any) -> Any:
        reader.start()
        reader.join(0.2)
        early.extend(seen)
        return plain(*given)

    monkeypatch.setattr(program.executable, "jitted", run)
    step(torch.ones(5, 3))
    reader.join()
    assert not early
    np.testing.assert_array_equal(seen[0], net[0].weight.detach().numpy())


@pytest.mark.parametrize("calls", [0, 1])
def test_a_thread_waits_for_a_first_call_and_for_a_program_that_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    state, base = torch.zeros(64), torch.zeros(2, 4)
    row = base[0]

    @torch.jit
    def step() -> None:
        state.add_(1.0)
        row.sub_(1.0)  # state that is seen through a view does not stay with the program

    for _ in range(calls):
        step()
    plain, seen, early = Executable.run, [], []
    reader = threading.Thread(target=lambda: seen.append(state.detach().clone().tolist()))

    def run(self: Executable, *given: Any) -> Any:
        reader.start()
        reader.join(0.2)
        early.extend(seen)
        return plain(self, *given)

    monkeypatch.setattr(Executable, "run", run)
    step()
    reader.join()
    assert not early and seen == [[calls + 1.0] * 64]
    assert state.tolist() == [calls + 1.0] * 64 and base.tolist() == [[-calls - 1.0] * 4, [0.0] * 4]


def test_state_is_there_again_after_a_run_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torch.zeros(3)
    step = torch.jit(lambda: state.add_(1.0))
    step()

    def fail(self: Executable, *given: Any) -> Any:
        raise RuntimeError("on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(Executable, "run", fail)
        with pytest.raises(RuntimeError, match="on purpose"):
            step()
    assert state.tolist() == [1.0] * 3
    step()
    assert state.tolist() == [2.0] * 3
