"""Shapes and types of all values of a graph, found by running it."""

from __future__ import annotations

from typing import Any, NamedTuple

from fxtorch.fx.interpreter import Interpreter
from fxtorch.fx.node import Node, map_aggregate
from fxtorch.tensor import Tensor

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What is known of a Tensor without its values."""

    shape: Any
    dtype: Any
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: Any
    is_quantized: bool
    qparams: dict[str, Any]


def _metadata(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return TensorMetadata(value.shape, value.dtype, value.requires_grad, value.stride(), None, False, {})


class ShapeProp(Interpreter):
    """Runs a GraphModule, and notes in each Node's ``meta["tensor_meta"]`` what its value is like.

    >>> import fxtorch as torch
    >>> traced = torch.fx.symbolic_trace(torch.nn.Sequential(torch.nn.Linear(3, 2)))
    >>> _ = ShapeProp(traced).propagate(torch.zeros(5, 3))
    >>> [tuple(n.meta["tensor_meta"].shape) for n in traced.graph.nodes]
    [(5, 3), (5, 2), (5, 2)]
    """

    def run_node(self, n: Node) -> Any:
        """The value of a step, noted."""
        value = super().run_node(n)
        n.meta["tensor_meta"] = map_aggregate(value, _metadata)
        n.meta["type"] = type(value)
        return value

    def propagate(self, *args: Any) -> Any:
        """Run it."""
        return super().run(*args)
