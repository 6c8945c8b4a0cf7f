"""torch.fx beside PyTorch: the same steps under the same names, and the same results."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")

X = np.random.default_rng(0).standard_normal((4, 6)).astype("float32")
PROGRAMS: dict[str, Any] = {
    "arithmetic": lambda t: lambda x: (2 - x) / (x**2 + 1) @ x.t() - (-x).sum() // 3,
    "indexing": lambda t: lambda x: x[0, ..., None] + x[1:3, ::2].sum() + x[:, [0, 1]].mean(),
    "attributes": lambda t: lambda x: x.T.reshape(x.shape[0], -1) * x.ndim,
    "methods": lambda t: lambda x: x.view(2, 2, 6).permute(0, 2, 1).float().flatten(1),
    "functions": lambda t: lambda x: t.nn.functional.layer_norm(t.relu(x), (6,)) + t.nn.functional.gelu(x),
    "unpacking": lambda t: lambda x: operator.mul(x.chunk(2)[0], x.chunk(2)[1]),
    "nested": lambda t: lambda x: {"a": (x, [x + 1]), "b": t.cat([x, x], dim=1)},
    "defaults": lambda t: lambda x, by=3, more=None: x * by,
    "layers": lambda t: t.nn.Sequential(t.nn.Flatten(), t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh())),
}


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for v in value for leaf in _leaves(v)] if isinstance(value, tuple | list) else [value]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_trace_has_the_same_steps_and_results(name: str) -> None:
    ours, theirs = (t.fx.symbolic_trace(PROGRAMS[name](t)) for t in (fxtorch, torch))
    steps = [[(n.op, n.name, len(n.users)) for n in traced.graph.nodes] for traced in (ours, theirs)]
    assert steps[0] == steps[1]
    for mine, reference in zip(_leaves(ours(fxtorch.tensor(X))), _leaves(theirs(torch.tensor(X))), strict=True):
        np.testing.assert_allclose(mine.numpy(), reference.numpy(), rtol=1.3e-6, atol=1e-5)


def test_the_code_is_the_same_where_functions_have_the_same_names() -> None:
    def program(x, y=2, *args):
        a, b = x.shape
        z = x.sin() @ x.t() + operator.iadd(x, y)[:, :1] - args[0]
        return z[:a].view(-1), {"k": (b, z.max(dim=1))}

    ours, theirs = (t.fx.symbolic_trace(program) for t in (fxtorch, torch))
    assert ours.code == theirs.code
    assert str(ours.graph) == str(theirs.graph)


@pytest.mark.parametrize("candidates", [["a", "a", "a_1", "a"], ["x_1", "x", "x_1", "x"], ["1a", "sum", "for", "a.b"]])
def test_values_are_named_alike(candidates: list[str]) -> None:
    names = [
        [g.create_node("placeholder", "p", name=c).name for c in candidates]
        for g in (fxtorch.fx.Graph(), torch.fx.Graph())
    ]
    assert names[0] == names[1]
