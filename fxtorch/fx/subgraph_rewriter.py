"""Replacing a pattern of steps by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fxtorch.fx.graph import Graph
from fxtorch.fx.graph_module import GraphModule, _copy_attr, _has
from fxtorch.fx.node import Argument, Node
from fxtorch.fx.tracer import symbolic_trace
from fxtorch.nn import Module

__all__ = ["Match", "replace_pattern"]


class Match(NamedTuple):
    """Where a pattern was found.

    Attributes:
        anchor: the step that gave the value.
        nodes_map: the steps of the graph, by those of the pattern.
    """

    anchor: Node
    nodes_map: dict[Node, Node]


def _graph_of(pattern: Any) -> Graph:
    if isinstance(pattern, Graph):
        return pattern
    return pattern.graph if isinstance(pattern, GraphModule) else symbolic_trace(pattern).graph


def _fits(p: Argument, g: Argument, found: dict[Node, Any]) -> bool:
    """Whether an argument of a step is as the pattern has it; Nodes are noted in ``found``."""
    if isinstance(p, Node):
        if p in found:
            return found[p] is g
        if p.op == "placeholder":
            found[p] = g
            return True
        if not isinstance(g, Node) or g.op != p.op or g.target != p.target:
            return False
        found[p] = g
        return _fits(p.args, g.args, found) and _fits(p.kwargs, g.kwargs, found)
    if isinstance(p, tuple | list) and isinstance(g, tuple | list):
        return len(p) == len(g) and all(_fits(x, y, found) for x, y in zip(p, g, strict=True))
    if isinstance(p, dict) and isinstance(g, dict):
        return p.keys() == g.keys() and all(_fits(p[k], g[k], found) for k in p)
    return type(p) is type(g) and p == g


def _is_closed(found: dict[Node, Any], inner: list[Node], anchor: Node) -> bool:
    """Whether nothing outside uses the steps that go, but for the last."""
    gone = {found[p] for p in inner}
    return all(user in gone for node in gone if node is not anchor for user in node.users)


def replace_pattern(
    gm: GraphModule, pattern: Callable[..., Any] | GraphModule, replacement: Callable[..., Any] | GraphModule
) -> list[Match]:
    """Replace each place in a graph where steps are those of ``pattern`` by those of ``replacement``.

    Args:
        gm: changed in place.
        pattern: a function of the values that it does not make itself.
        replacement: a function of the same ones in the same order.

    Returns:
        What was replaced.

    >>> import fxtorch as torch
    >>> traced = torch.fx.symbolic_trace(lambda x: torch.relu(x) + torch.relu(x * 2))
    >>> len(replace_pattern(traced, lambda x: torch.relu(x), lambda x: torch.sigmoid(x)))
    2
    >>> traced(torch.zeros(2))
    tensor([1., 1.])
    """
    old, new = _graph_of(pattern), _graph_of(replacement)
    wanted = old.output_node().args[0]
    if not isinstance(wanted, Node):
        raise RuntimeError("a pattern returns the value of one of its steps")
    arguments = [n for n in old.nodes if n.op == "placeholder"]
    inner = [n for n in old.nodes if n.op not in ("placeholder", "output")]
    given = [n for n in new.nodes if n.op == "placeholder"]
    matches: list[Match] = []
    gone: set[Node] = set()
    values: dict[Node, Any] = {}  # what became of a step that was replaced
    for node in list(gm.graph.nodes):
        found: dict[Node, Any] = {}
        if node.op in ("placeholder", "output") or node in gone or not _fits(wanted, node, found):
            continue
        taken = {found[p] for p in inner if p in found}
        if len(taken) < len(inner) or taken & gone or not _is_closed(found, inner, node):
            continue
        inputs = [found.get(p) for p in arguments]
        made = {p: values.get(v, v) if isinstance(v, Node) else v for p, v in zip(given, inputs, strict=True)}
        with gm.graph.inserting_before(node):
            result = gm.graph.graph_copy(new, made)
        if isinstance(replacement, Module):
            _bring(replacement, gm, new)
        node.replace_all_uses_with(result)
        values[node] = result
        for step in sorted(taken, key=list(gm.graph.nodes).index, reverse=True):
            gm.graph.erase_node(step)
        gone |= taken
        matches.append(Match(node, {p: n for p, n in found.items() if isinstance(n, Node)}))
    gm.recompile()
    return matches


def _bring(source: Module, gm: GraphModule, graph: Graph) -> None:
    """Give ``gm`` what the new steps call."""
    for node in graph.nodes:
        if node.op in ("call_module", "get_attr") and not _has(gm, str(node.target)):
            _copy_attr(source, gm, str(node.target))
