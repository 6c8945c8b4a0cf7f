"""Modules as JAX pytrees."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.out = nn.Linear(3, 5, bias=False)
        self.out.weight = self.embed.weight
        self.sizes = [1, 2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.embed(x))


def test_leaves_are_parameters_and_buffers_with_their_names() -> None:
    norm = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(norm)[0]]
    assert [p.removesuffix(".data").lstrip(".") for p in paths] == list(norm.state_dict())


def test_tied_parameters_are_one_leaf_and_stay_tied() -> None:
    leaves, tree = jax.tree.flatten(Tied())
    assert len(leaves) == 1
    made = jax.tree.unflatten(tree, leaves)
    assert made.out.weight is made.embed.weight
    assert isinstance(made.out.weight, nn.Parameter)


def test_a_module_under_two_names_stays_one() -> None:
    layer = nn.Linear(2, 2)
    made = jax.tree.map(lambda a: a, nn.Sequential(layer, layer))
    assert made[0] is made[1]


def test_unflatten_runs_no_init_and_takes_anything() -> None:
    class Loud(nn.Module):
        count = 0

        def __init__(self) -> None:
            super().__init__()
            self.made = True
            self.w = nn.Parameter(torch.ones(1))
            Loud.count += 1

    tree = jax.tree.structure(Loud())
    made = jax.tree.unflatten(tree, [object()])
    assert Loud.count == 1 and made.made


def test_structure_compares_configuration_by_value() -> None:
    structure = jax.tree.structure
    assert structure(nn.Dropout(0.5)) == structure(nn.Dropout(0.5))
    assert structure(nn.Dropout(0.5)) != structure(nn.Dropout(0.25))
    assert structure(nn.ReLU()) != structure(nn.ReLU().eval())
    assert structure(nn.Linear(2, 2)) != structure(nn.Linear(2, 2, bias=False))
    changed = Tied()
    changed.sizes.append(3)
    assert structure(Tied()) != structure(changed)
    assert hash(structure(Tied())) == hash(structure(Tied()))


def test_lists_and_hooks_of_a_copy_are_its_own() -> None:
    source = Tied()
    made = jax.tree.map(lambda a: a, source)
    made.sizes.append(3)
    made.register_forward_hook(lambda m, a, o: None)
    assert source.sizes == [1, 2] and not source._forward_hooks


def test_jit_takes_a_module_and_compiles_once() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    x = torch.ones(4, 2)
    traced: list[int] = []

    @jax.jit
    def run(model: Any, x: Any) -> Any:
        traced.append(1)
        return model(x)

    np.testing.assert_allclose(run(model, x).detach().numpy(), model(x).detach().numpy(), rtol=1e-6)
    with torch.no_grad():
        model[0].weight.zero_()
    np.testing.assert_allclose(run(model, x).detach().numpy(), model(x).detach().numpy(), rtol=1e-6)
    assert len(traced) == 1


def test_grad_of_a_module_is_a_module_of_gradients() -> None:
    model = nn.Linear(2, 1)
    x = torch.tensor([[1.0, 2.0]])
    gradient = jax.grad(lambda m: jax.numpy.sum(m(x).__jax_array__()))(model)
    assert isinstance(gradient, nn.Linear)
    assert gradient.weight.tolist() == [[1.0, 2.0]] and gradient.bias.tolist() == [1.0]


def test_vmap_runs_stacked_modules() -> None:
    models = [nn.Linear(2, 2) for _ in range(3)]
    stacked = jax.tree.map(lambda *a: jax.numpy.stack(a), *models)
    x = torch.ones(2)
    out = jax.vmap(lambda m: m(x))(stacked)
    for i, model in enumerate(models):
        np.testing.assert_allclose(out[i].detach().numpy(), model(x).detach().numpy(), rtol=1e-6)


def test_a_change_inside_a_pure_function_is_refused() -> None:
    norm = nn.BatchNorm1d(2)
    with pytest.raises(RuntimeError, match="would be lost"):
        jax.jit(lambda m, x: m(x))(norm, torch.ones(3, 2))
