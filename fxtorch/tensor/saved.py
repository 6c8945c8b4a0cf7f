"""What a step of the graph keeps for its backward, under torch's names: ``y.grad_fn._saved_self``."""

from __future__ import annotations

import functools
from typing import Any

import jax

from fxtorch.tensor.nodes import OpNode, PackedNode, edge_tensor
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.tensor import wrap

_PREFIX = "_saved_"


@functools.cache
def _inputs(label: str) -> tuple[str, ...]:
    """torch's names of an operator's Tensors and numbers; the first is ``self``."""
    operator = next((o for o in Operator.every if o.name == label and not o.inplace), None)
    if operator is None:
        return ()
    names = [name for traced, _, _, name in operator.params if traced]
    return ("self", *names[1:]) if names else ()


def saved(node: OpNode, name: str) -> Any:
    """A Tensor or number that ``node`` keeps: an input by its name, or an output as ``result``.

    >>> import fxtorch as torch
    >>> a = torch.ones(2, requires_grad=True)
    >>> (a * 3).grad_fn._saved_other, torch.exp(a).grad_fn._saved_result
    (3, tensor([2.7183, 2.7183], grad_fn=<ExpBackward0>))

    Raises:
        AttributeError: the backward of this step does not need it.
        RuntimeError: a backward has freed it.
    """
    if name.startswith(_PREFIX):
        if isinstance(node, PackedNode):
            node = node.opened()
        plan, wanted = node.plan, name.removeprefix(_PREFIX)
        values = node.verify()
        if wanted == "result" and 0 in plan.saved_out:
            return edge_tensor(node.saved_out[plan.saved_out.index(0)], node, 0)
        names = _inputs(node.label)
        for position, value in zip(plan.saved_in, values, strict=True):
            if position < len(names) and names[position] == wanted:
                if position in plan.diff:
                    k = plan.diff.index(position)
                    return edge_tensor(value, node.edges[k], node.slots[k])
                return wrap(value) if isinstance(value, jax.Array) else value
    raise AttributeError(f"'{node.name()}' object has no attribute '{name}'")


OpNode.saved = saved
