"""Numbers in dictionaries are inputs of a compiled step, whatever becomes of them between its calls."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import fxtorch as torch
from fxtorch import nn, optim
from fxtorch.compiler.references import Scalar
from fxtorch.compiler.scalars import Scalars
from tests.compiler.scenarios import Compile, assert_agrees, step_of

X = torch.linspace(-1, 1, 6).reshape(2, 3)


def test_rates_that_change_and_stay_are_the_ones_of_the_moment() -> None:
    def scenario(compile: Compile) -> Any:
        net = nn.Linear(3, 2)
        opt = optim.Adam(net.parameters(), lr=0.1)
        step = compile(step_of(net, opt))
        seen = []
        for rate in (0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.2, 0.1, 0.1):
            opt.param_groups[0]["lr"] = rate
            opt.param_groups[0]["betas"] = (0.9, 1 - rate)
            step(X)
            seen.append(net.weight.detach().clone())
        return seen

    assert_agrees(scenario, traces=1)


@pytest.mark.parametrize("number", [0.5, 3, True, float("nan"), (0.9, 0.999)])
def test_a_number_that_stays_becomes_the_array_that_jax_would_make_of_it(number: Any) -> None:
    numbers = Scalars([Scalar({"x": number}, "x")])
    assert numbers.read([])[0] is number
    for made, plain in zip(jax.tree.leaves(numbers.read([])), jax.tree.leaves(number), strict=True):
        assert jax.typeof(made) == jax.typeof(jnp.asarray(plain)) and made.weak_type == jax.typeof(plain).weak_type
    assert numbers.read([]) is numbers.read([])


def test_a_number_of_another_type_is_another_number() -> None:
    options: dict[str, Any] = {"x": 1}
    numbers = Scalars([Scalar(options, "x")])
    numbers.read([])
    options["x"] = 1.0
    assert isinstance(numbers.read([])[0], float)


def test_numbers_lie_where_the_arrays_beside_them_do() -> None:
    numbers = Scalars([Scalar({"x": 0.5}, "x")])
    mesh = jax.make_mesh((len(jax.devices()),), ("d",))
    spread = jax.device_put(jnp.ones(3), jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))
    numbers.read([])
    assert numbers.read([jnp.ones(2)], [spread])[0].sharding == spread.sharding


def test_a_steady_rate_compiles_once() -> None:
    net = nn.Linear(3, 2)
    step = torch.jit(step_of(net, optim.SGD(net.parameters(), lr=0.1)))
    step(X)
    with jax.log_compiles(True), pytest.MonkeyPatch.context() as patch:
        compiled: list[Any] = []
        patch.setattr("jax._src.compiler.backend_compile_and_load", lambda *a, **k: compiled.append(a))
        for _ in range(3):
            step(X)
    assert not compiled
