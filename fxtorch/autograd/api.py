"""torch.autograd.grad and torch.autograd.backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from fxtorch.autograd.graph import GradientEdge
from fxtorch.tensor import engine
from fxtorch.tensor.differentiation import backward_of as backward
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tensor import Tensor, unwrap, wrap

__all__ = ["backward", "grad"]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; nothing is accumulated.

    >>> import fxtorch as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (g,) = torch.autograd.grad(x**3, x, create_graph=True)
    >>> torch.autograd.grad(g, x)
    (tensor(18.),)

    Args:
        outputs: where to start.
        inputs: what to differentiate by: Tensors, or points of the graph (:class:`graph.GradientEdge`).
        grad_outputs: a cotangent for each output; may be left out (or None) for scalars.
        retain_graph: keep the graph; the default is ``create_graph``.
        create_graph: record the walk, so that the result can be differentiated again.
        only_inputs: torch's obsolete flag.
        allow_unused: return None for an input that ``outputs`` do not depend on, instead of raising.
        is_grads_batched: ``grad_outputs`` have a leading batch dimension, mapped over.
        materialize_grads: return zeros instead of None.

    Raises:
        RuntimeError: an input is not part of the graph, or does not require a gradient.
    """
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    targets = [inputs] if isinstance(inputs, Tensor | GradientEdge) else list(inputs)
    if grad_outputs is None:
        given: list[Any] = [None] * len(roots)
    else:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    if is_grads_batched:
        return _batched(roots, targets, given, bool(allow_unused))
    for t in targets:
        if isinstance(t, Tensor) and not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    before = modes.grad
    modes.grad = create_graph
    try:
        cts = [engine.starting_cotangent(r, g, create_graph) for r, g in zip(roots, given, strict=True)]
        retain = create_graph if retain_graph is None else retain_graph
        _, found = engine.walk(roots, cts, retain_graph=retain, create_graph=create_graph, targets=targets)
    finally:
        modes.grad = before
    results: list[Tensor | None] = []
    for i, t in enumerate(targets):
        ct = found.get(engine.target_key(t))
        if ct is None:
            if not (allow_unused or materialize_grads):
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior."
                )
            results.append(t.new_zeros(t.shape) if materialize_grads else None)
        else:
            results.append(ct if create_graph else wrap(ct))
    return tuple(results)


def _batched(roots: Any, targets: Any, given: Any, allow_unused: bool) -> tuple[Tensor | None, ...]:
    """One walk for each entry of the batch, stacked."""
    size = unwrap(given[0]).shape[0]
    rows = [
        grad(roots, targets, [g[i] for g in given], retain_graph=True, allow_unused=allow_unused) for i in range(size)
    ]
    columns = zip(*rows, strict=True)
    return tuple(None if c[0] is None else wrap(jnp.stack([unwrap(g) for g in c])) for c in columns)
