"""A compiled step keeps large weights of convolutions in the convolution's order, and nobody can tell."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn, optim
from fxtorch.compiler.function import CompiledFunction
from tests.compiler.scenarios import Compile, assert_agrees, program_of, step_of, trained

X = torch.linspace(-1, 1, 2 * 4 * 5 * 5).reshape(2, 4, 5, 5)
READ, MADE = (3, 2, 0, 1), (3, 0, 1, 2)  # how a convolution reads its weight, and how its gradient comes


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(4, 256, 5, padding=2), nn.Tanh(), nn.Conv2d(256, 8, 3, padding=1))


def orders_of(step: Any) -> dict[tuple[int, ...] | None, int]:
    """How many inputs of the state lie in which order."""
    found = [slot.order for slot in program_of(step).inputs.packing.slots]
    return {order: found.count(order) for order in found}


OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD with momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1, amsgrad=True, maximize=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
def test_optimizers_step_a_turned_weight_as_any_other(make: Any) -> None:
    assert_agrees(trained(layers, make, X, 4), traces=1)


def test_large_weights_and_moments_lie_as_they_are_read_and_gradients_as_they_come() -> None:
    net = layers()
    step = torch.jit(step_of(net, optim.Adam(net.parameters())))
    step(X)
    assert orders_of(step) == {READ: 6, None: 1}  # the biases and the counts of steps lie together
    of_grads = [slot.order for slot in program_of(step).outcome.steady.grad_slots]
    assert of_grads == [MADE, MADE, None]
    text = program_of(step).lower([X]).as_text()
    assert "5x5x4x256" in text and "256x4x5x5" not in text
    assert "3x3x256x8" in text and "8x256x3x3" not in text


def test_small_weights_and_those_of_linear_layers_stay_as_they_are() -> None:
    net = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(), nn.Linear(72, 256))
    step = torch.jit(step_of(net, optim.Adam(net.parameters())))
    step(X)
    assert set(orders_of(step)) == {None}


class Shared(nn.Module):
    """A weight that two convolutions read, one of them turned round, and a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(256, 4, 5, 5) * 0.05)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.conv2d(x, self.weight, padding=2).tanh()
        return nn.functional.conv_transpose2d(inner, self.weight, padding=2) + self.weight.sum((0, 2, 3))[:, None, None]


class Standardized(nn.Conv2d):
    """A convolution whose weight is scaled, channel by channel, before it is used."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = self.weight / self.weight.norm(dim=(1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, scaled, self.bias, padding=2)


NETS: dict[str, Callable[[], nn.Module]] = {
    "a weight used in three ways": Shared,
    "a weight that is scaled first": lambda: Standardized(4, 256, 5),
    "groups": lambda: nn.Conv2d(4, 512, 5, padding=2, groups=2),
    "a transposed convolution": lambda: nn.ConvTranspose2d(4, 256, 5, stride=2),
    "one dimension": lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 512, 9)),
    "three dimensions": lambda: nn.Sequential(nn.Unflatten(2, (5, 1)), nn.Conv3d(4, 640, (3, 1, 3))),
    "channels last": lambda: layers().to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("make", NETS.values(), ids=list(NETS))
def test_weights_of_all_kinds_train_turned(make: Any) -> None:
    def scenario(compile: Compile) -> Any:
        net = make()
        step = compile(step_of(net, optim.SGD(net.parameters(), lr=0.1, momentum=0.9)))
        losses = [step(X) for _ in range(3)]
        if isinstance(step, CompiledFunction):
            assert any(orders_of(step))
        return losses, list(net.parameters()), [p.grad for p in net.parameters()]

    assert_agrees(scenario, traces=1)


def test_clipped_gradients_are_those_of_eager_code() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers()
        opt = optim.Adam(net.parameters(), lr=0.01)

        def step(x: torch.Tensor) -> Any:
            opt.zero_grad()
            net(x).square().sum().backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            opt.step()
            return norm

        run = compile(step)
        return [run(X) for _ in range(3)], list(net.parameters()), [p.grad for p in net.parameters()]

    assert_agrees(scenario, traces=1)


def test_two_optimizers_train_each_others_opponents() -> None:
    def scenario(compile: Compile) -> Any:
        maker, judge = nn.ConvTranspose2d(4, 256, 5), nn.Conv2d(256, 8, 3)
        of_maker, of_judge = (optim.Adam(net.parameters(), lr=0.01) for net in (maker, judge))

        def judged(x: torch.Tensor) -> torch.Tensor:
            of_judge.zero_grad()
            loss = judge(maker(x).detach()).square().mean()
            loss.backward()
            of_judge.step()
            return loss

        def made(x: torch.Tensor) -> torch.Tensor:
            of_maker.zero_grad()
            loss = (judge(maker(x)) - 1).square().mean()
            loss.backward()
            of_maker.step()
            return loss

        first, second = compile(judged), compile(made)
        losses = [(first(X), second(X)) for _ in range(3)]
        return losses, list(maker.parameters()), list(judge.parameters()), [p.grad for p in judge.parameters()]

    assert_agrees(scenario)


def test_a_step_goes_on_from_a_checkpoint_and_in_another_type() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers()
        opt = optim.Adam(net.parameters(), lr=0.01)
        step = compile(step_of(net, opt))
        step(X)
        model, state = copy.deepcopy(net.state_dict()), copy.deepcopy(opt.state_dict())
        losses = [step(X)]
        net.load_state_dict(model)
        opt.load_state_dict(state)
        losses += [step(X), step(X)]
        net.double()
        return [*losses, step(X.double())], list(net.parameters()), [s["exp_avg"] for s in opt.state.values()]

    assert_agrees(scenario)


def test_a_weight_of_another_shape_is_compiled_for() -> None:
    def scenario(compile: Compile) -> Any:
        weight = nn.Parameter(torch.ones(256, 4, 5, 5))

        def step(x: torch.Tensor) -> torch.Tensor:
            weight.grad = None
            loss = nn.functional.conv2d(x, weight.reshape(-1, 4, 5, 5)).square().mean()
            loss.backward()
            with torch.no_grad():
                weight.sub_(weight.grad, alpha=0.1)  # type: ignore[arg-type]
            return loss

        run = compile(step)
        losses = [run(X), run(X)]
        for shape in ((512, 4, 5, 5), (256, 100)):
            weight.data = torch.full(shape, 0.5)
            losses += [run(X), run(X)]
        return losses, weight

    assert_agrees(scenario)


def test_folded_steps_go_on_from_turned_weights() -> None:
    def scenario(compile: Compile) -> Any:
        net = layers()
        step = step_of(net, optim.Adam(net.parameters(), lr=0.01))
        run = compile(step)
        losses = [run(X), run(X)]
        if run is step:
            losses.append(torch.stack([step(x) for x in (X, X)]))
        else:
            losses.append(torch.fold(step)(torch.stack([X, X])))
        return [*losses, run(X)], list(net.parameters())

    assert_agrees(scenario)


def test_state_that_is_not_a_weight_is_kept_as_a_convolution_makes_it() -> None:
    def scenario(compile: Compile) -> Any:
        conv = nn.Conv2d(64, 64, 3, padding=1)
        memory = torch.zeros(2, 64, 12, 12)

        def advance(x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                memory.copy_(torch.tanh(conv(memory) + x))
                return memory.mean()

        run = compile(advance)
        seen = [run(torch.ones(2, 64, 12, 12)) for _ in range(3)]
        return seen, memory

    assert_agrees(scenario, traces=1)
