"""Graphs: steps added, moved, replaced and run."""

from __future__ import annotations

import operator

import pytest

import fxtorch as torch
from fxtorch import fx, nn
from fxtorch.fx.passes.shape_prop import ShapeProp


def f(x):
    return torch.relu(x) + torch.relu(x * 2)


def test_a_graph_is_changed_in_place() -> None:
    traced = fx.symbolic_trace(f)
    add = traced.graph.find_nodes(op="call_function", target=operator.add)[0]
    with traced.graph.inserting_after(add):
        product = traced.graph.call_function(torch.mul, add.args)
    add.replace_all_uses_with(product)
    with pytest.raises(RuntimeError, match="still had 1 users"):
        traced.graph.erase_node(product)
    traced.graph.erase_node(add)
    traced.graph.lint()
    traced.recompile()
    assert traced(torch.tensor([3.0])).item() == 18.0


def test_steps_that_nobody_uses_are_taken_out() -> None:
    def wasteful(x):
        torch.sigmoid(x)
        x.add_(1)
        return x * 2

    graph = fx.symbolic_trace(wasteful).graph
    assert graph.eliminate_dead_code() and [n.name for n in graph.nodes] == ["x", "add_", "mul", "output"]


def test_arguments_of_a_step_are_assigned_as_a_whole() -> None:
    graph = fx.symbolic_trace(lambda x: torch.cat([x, x])).graph
    cat = graph.find_nodes(op="call_function")[0]
    with pytest.raises(NotImplementedError, match="does not support mutation"):
        cat.args[0].append(1)
    x = graph.placeholder("y")
    cat.args = ([x],)
    assert list(x.users) == [cat] and not next(iter(graph.nodes)).users


def test_lint_finds_a_step_that_comes_too_late() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    y = graph.call_function(torch.relu, (x,))
    graph.output(y)
    y.append(x)
    with pytest.raises(RuntimeError, match="was used before it has been defined"):
        graph.lint()


def test_a_pattern_is_replaced_wherever_it_is_found() -> None:
    traced = fx.symbolic_trace(f)
    matches = fx.replace_pattern(traced, lambda x: torch.relu(x), lambda x: torch.sigmoid(x))
    assert len(matches) == 2 and traced(torch.zeros(1)).item() == 1.0
    chain = fx.symbolic_trace(lambda x: torch.neg(torch.neg(torch.neg(torch.neg(x)))))
    assert len(fx.replace_pattern(chain, lambda x: torch.neg(torch.neg(x)), lambda x: x * 1)) == 2
    assert chain(torch.ones(1)).item() == 1.0


def test_a_pattern_whose_inside_is_used_elsewhere_stays() -> None:
    def used_twice(x):
        y = torch.relu(x)
        return torch.neg(y) + y

    traced = fx.symbolic_trace(used_twice)
    assert not fx.replace_pattern(traced, lambda x: torch.neg(torch.relu(x)), lambda x: x)


def test_an_interpreter_and_a_transformer_change_what_a_step_does() -> None:
    class Doubled(fx.Interpreter):
        def call_function(self, target, args, kwargs):
            return super().call_function(target, args, kwargs) * (2 if target is torch.relu else 1)

    class Smooth(fx.Transformer):
        def call_function(self, target, args, kwargs):
            return super().call_function(torch.sigmoid if target is torch.relu else target, args, kwargs)

    traced = fx.symbolic_trace(f)
    assert Doubled(traced).run(torch.ones(1)).item() == 6.0
    assert Smooth(traced).transform()(torch.zeros(1)).item() == 1.0


def test_shapes_are_noted_on_the_way() -> None:
    traced = fx.symbolic_trace(nn.Sequential(nn.Linear(3, 2), nn.Flatten(0)))
    ShapeProp(traced).propagate(torch.ones(5, 3))
    assert [tuple(n.meta["tensor_meta"].shape) for n in traced.graph.nodes] == [(5, 3), (5, 2), (10,), (10,)]


def test_a_graph_module_is_made_of_parts_given_by_name() -> None:
    graph = fx.Graph()
    graph.output(graph.call_module("a.b", (graph.placeholder("x"),)))
    assert fx.GraphModule({"a.b": nn.Linear(2, 3)}, graph)(torch.ones(1, 2)).shape == (1, 3)
    with pytest.raises(RuntimeError, match=r"referenced target a\.b but that target was not provided"):
        fx.GraphModule({}, graph)
