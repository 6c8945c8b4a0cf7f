"""Symbolic tracing: what a program does to Proxies becomes a graph, and a Module that does the same."""

from __future__ import annotations

import copy
import math
import pickle

import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch import fx, nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.rest = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
        self.scale = nn.Parameter(torch.rand(3))
        self.register_buffer("shift", torch.rand(3))

    def forward(self, x, times: int = 2):
        rows, _ = x.shape[0], x.size(1)
        x = self.rest(self.layer(x)) * self.scale + self.shift
        left, right = x.chunk(2, 0)
        x = torch.cat([left, right], dim=1)[..., 1:] ** times
        return {"out": F.relu(x), "rows": (rows, -x)}


def _half(x):
    return x / 2


fx.wrap("_half")


def with_wrapped(x):
    return _half(x) + 1


def test_a_traced_module_does_what_the_module_does_and_copies_and_pickles() -> None:
    net, x = Net(), torch.randn(4, 4)
    traced = fx.symbolic_trace(net)
    assert isinstance(traced, fx.GraphModule) and list(traced.state_dict()) == list(net.state_dict())
    for module in (traced, copy.deepcopy(traced), pickle.loads(pickle.dumps(traced)), copy.copy(traced)):
        out, expected = module(x), net(x)
        assert torch.equal(out["out"], expected["out"]) and out["rows"][0] == 4
    traced(x)["out"].sum().backward()
    assert net.layer.weight.grad is not None  # the parameters are the same


def test_the_code_of_a_trace_frees_what_is_used_no_more() -> None:
    traced = fx.symbolic_trace(lambda x: torch.relu(x) + x.size(0))
    assert traced.code.split("\n") == [
        "", "", "", "def forward(self, x):", "    relu = torch.relu(x)", "    size = x.size(0);  x = None",
        "    add = relu + size;  relu = size = None", "    return add", "    ",
    ]  # fmt: skip


def test_wrapped_functions_and_those_of_math_are_one_step() -> None:
    graph = fx.symbolic_trace(with_wrapped).graph
    assert next(n.target for n in graph.nodes if n.op == "call_function") is _half
    assert with_wrapped(torch.ones(1)).item() == 1.5  # as before
    scaled = fx.symbolic_trace(lambda x: x * math.sqrt(x.size(0)))
    assert scaled(torch.ones(4)).tolist() == [2.0] * 4
    with pytest.raises(NotImplementedError, match="top level of a module"):
        fx.wrap(_half)


def test_further_arguments_are_proxies_too() -> None:
    def f(x, *args, **kwargs):
        return x + args[0] * kwargs["by"]

    assert fx.symbolic_trace(f)(torch.ones(1), 2.0, by=3.0).item() == 7.0


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "cannot be used as inputs to control flow"),
        (lambda x: [i for i in x], "Proxy object cannot be iterated"),  # noqa: C416
        (lambda x: torch.zeros(len(x)), "'len' is not supported in symbolic tracing"),
    ],
)
def test_what_depends_on_a_value_says_so(program, message) -> None:
    with pytest.raises((ValueError, RuntimeError), match=message):
        fx.symbolic_trace(program)


def test_a_value_that_is_fixed_is_asserted() -> None:
    traced = fx.symbolic_trace(lambda x, flag: x + 1 if flag else x, concrete_args={"flag": True})
    assert traced(torch.ones(1), True).item() == 2.0
    with pytest.raises(AssertionError, match="flag has been specialized to have value True"):
        traced(torch.ones(1), False)


def test_a_tracer_may_keep_a_module_whole() -> None:
    class Whole(fx.Tracer):
        def is_leaf_module(self, m, module_qualified_name):
            return module_qualified_name == "rest" or super().is_leaf_module(m, module_qualified_name)

    net = Net()
    graph = Whole().trace(net)
    assert [n.target for n in graph.nodes if n.op == "call_module"] == ["layer", "rest"]
    assert fx.GraphModule(net, graph).rest is net.rest
    assert nn.Module.__call__.__qualname__ == "Module.__call__" and not fx.tracer.is_fx_tracing()


@pytest.mark.parametrize("function", [lambda x: F.relu(x, inplace=True), lambda x: torch.relu_(x)])
def test_functions_that_may_write_are_one_step(function) -> None:
    traced = fx.symbolic_trace(function)
    assert [n.op for n in traced.graph.nodes] == ["placeholder", "call_function", "output"]
    x = torch.tensor([-1.0, 2.0])
    assert traced(x) is x and x.tolist() == [0.0, 2.0]


class _Token(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token = torch.nn.Parameter(torch.ones(1, 2))

    def forward(self, x):
        n = x.shape[0]
        return self.token.expand(n, -1) + torch.zeros(2).expand(n, 2)


def test_parameters_are_steps_and_sizes_that_are_traced_may_be_given_to_tensors() -> None:
    traced = fx.symbolic_trace(_Token())
    assert "token" in [n.name for n in traced.graph.nodes if n.op == "get_attr"]
    assert traced(torch.zeros(3, 1)).tolist() == [[1.0, 1.0]] * 3
