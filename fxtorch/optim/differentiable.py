"""An update that stays on the tape: the gradient flows through a step, to what it began from and to its options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax

from fxtorch.autograd import enable_grad
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import check_writable
from fxtorch.tensor.execute import apply
from fxtorch.tensor.nodes import OpNode
from fxtorch.tensor.record import Record


def record_update(
    update: Callable[..., Any],
    plan: Hashable,
    params: Sequence[Tensor],
    states: Sequence[Mapping[str, Tensor]],
    names: Sequence[str],
    hypers: Mapping[str, Any],
) -> None:
    """Rebind parameters and states to what ``update`` makes of them, as one recorded call.

    Args:
        update: ``(plan, params, grads, states, hypers) -> (params, states)`` of arrays.
        plan: what the computation is made for.
        params: with their ``.grad``; none of them is a leaf that requires a gradient.
        states: of each parameter, by name.
        names: which of the state, in the order of ``update``.
        hypers: numbers and Tensors.

    Raises:
        RuntimeError: a parameter is a leaf that requires a gradient.
    """
    held = [tuple(state[name] for name in names) for state in states]
    leaves, tree = jax.tree.flatten(
        (list(params), [p.grad for p in params], held, dict(hypers)), is_leaf=lambda x: isinstance(x, Tensor)
    )
    with enable_grad():
        for p in params:
            check_writable(p)
        results = apply(_record(update, plan, tree), leaves)
    targets = [*params, *(x for state in held for x in state)]
    cells = []
    for target, new in zip(targets, results, strict=True):
        target._rebind(new._data, new._node, new._index)
        cells += [target._cell, new._cell]
    node = results[0]._node
    if isinstance(node, OpNode):  # what the call saved is the values before, and stays right
        node.checks = [c for c in node.checks if not any(c[0] is cell for cell in cells)]


@functools.cache
def _record(update: Callable[..., Any], plan: Hashable, tree: Any) -> Record:
    def fn(*arrays: Any) -> tuple[Any, ...]:
        new_params, new_states = update(plan, *jax.tree.unflatten(tree, arrays))
        return (*new_params, *(x for state in new_states for x in state))

    return Record(fn, "optimizer_step", "residuals")
