"""Small state lies in one array between the calls of a compiled step, and trains as if each had its own."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import fxtorch as torch
from fxtorch import nn, optim
from fxtorch.compiler import packing
from fxtorch.compiler.packing import slots_of, together
from fxtorch.tensor import wrap
from fxtorch.tensor.slots import Slot
from tests.compiler.scenarios import Compile, assert_agrees, program_of, step_of, trained
from tests.compiler.test_stacks import OPTIMIZERS

X = torch.linspace(-3, 3, 18).sin().reshape(6, 3)


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
def test_every_optimizer_steps_parameters_that_lie_together(make: Any) -> None:
    assert_agrees(trained(lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), make, X, 4), traces=1)


def test_a_small_models_state_is_one_array_of_each_type_and_so_are_its_gradients() -> None:
    net = perceptron()
    opt = optim.Adam(net.parameters())
    step = torch.jit(step_of(net, opt))
    step(X)
    program = program_of(step)
    of_state = [slot for slot in program.inputs.packing.slots if slot.shapes]
    elements = sum(p.numel() for p in net.parameters())
    assert [sum(map(math.prod, slot.shapes)) for slot in of_state] == [3 * elements + 2 * 4 + 6]
    assert [slot.members for slot in program.outcome.steady.grad_slots] == [(0, 1, 2, 3, 4, 5)]


def test_state_of_two_types_does_not_lie_together() -> None:
    def scenario(compile: Compile) -> Any:
        narrow, wide = torch.zeros(6, 3), torch.zeros(3, dtype=torch.float64)
        others = torch.ones(2), torch.ones(3, dtype=torch.float64)

        def step(x: torch.Tensor) -> None:
            narrow.add_(x)
            wide.sub_(1 / 3)
            others[0].mul_(2)
            others[1].mul_(3)

        step = compile(step)
        for _ in range(3):
            step(X)
        return narrow, wide, others

    assert_agrees(scenario, traces=1)


def test_what_is_large_or_would_make_the_array_large_stays_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_TOGETHER", (100, 3))
    arrays = [jnp.ones(n) for n in (60, 1, 60, 2, 3, 5000)]
    slots = together([Slot((i,)) for i in range(6)], arrays, lambda a: a.dtype)
    assert sorted(slots) == [Slot((0,)), Slot((1, 3, 4), None, ((1,), (2,), (3,))), Slot((2,)), Slot((5,))]


def test_one_small_array_stays_as_it_is() -> None:
    assert slots_of([jnp.ones(2)], [None], None, joins=True) == (Slot((0,)),)


def test_state_over_several_devices_stays_as_it_is() -> None:
    mesh = jax.make_mesh((len(jax.devices()),), ("d",))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    v, w = (wrap(jax.device_put(jnp.ones(3), spread)) for _ in range(2))

    @torch.jit
    def step() -> None:
        v.add_(1)
        w.add_(2)

    for _ in range(3):
        step()
    assert all(not slot.shapes for slot in program_of(step).inputs.packing.slots)
    assert v.tolist() == [4.0] * 3 and w.tolist() == [7.0] * 3


def test_state_of_another_shape_than_was_compiled_for_is_compiled_anew() -> None:
    v, w = torch.zeros(3), torch.zeros(2)

    @torch.jit
    def step() -> None:
        v.add_(1)
        w.add_(1)

    for size in (3, 4):
        v.data = torch.zeros(size)
        for _ in range(2):
            step()
        assert v.tolist() == [2.0] * size
    assert w.tolist() == [4.0, 4.0] and step.traces == 2
