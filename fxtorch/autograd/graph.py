"""torch.autograd.graph: the Nodes of the tape, and points in it."""

from __future__ import annotations

from typing import NamedTuple

from fxtorch.tensor.tape import AccumulateGrad, Node
from fxtorch.tensor.tensor import Tensor

__all__ = ["GradientEdge", "Node", "get_gradient_edge"]


class GradientEdge(NamedTuple):
    """One output of one Node: where a gradient arrives."""

    node: Node | AccumulateGrad
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of ``tensor`` arrives.

    Raises:
        RuntimeError: the Tensor does not require a gradient.
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node = tensor.grad_fn
    return GradientEdge(AccumulateGrad(tensor) if node is None else node, tensor.output_nr)
