"""torch.fx: a program traced into a graph of steps that can be looked at, changed and run.

The steps are calls on Tensors, Python on them, not XLA's: for what XLA runs see ``fxtorch.jit`` and ``jax.make_jaxpr``.
"""

from fxtorch.fx import (
    graph,
    graph_module,
    immutable_collections,
    interpreter,
    node,
    passes,
    proxy,
    subgraph_rewriter,
    tracer,
)
from fxtorch.fx.graph import Graph, PythonCode
from fxtorch.fx.graph_module import GraphModule
from fxtorch.fx.interpreter import Interpreter, Transformer
from fxtorch.fx.node import Node, map_arg
from fxtorch.fx.proxy import Proxy
from fxtorch.fx.subgraph_rewriter import Match, replace_pattern
from fxtorch.fx.tracer import PH, ProxyableClassMeta, Tracer, symbolic_trace, wrap

__all__ = [
    "PH",
    "Graph",
    "GraphModule",
    "Interpreter",
    "Match",
    "Node",
    "Proxy",
    "ProxyableClassMeta",
    "PythonCode",
    "Tracer",
    "Transformer",
    "graph",
    "graph_module",
    "immutable_collections",
    "interpreter",
    "map_arg",
    "node",
    "passes",
    "proxy",
    "replace_pattern",
    "subgraph_rewriter",
    "symbolic_trace",
    "tracer",
    "wrap",
]
