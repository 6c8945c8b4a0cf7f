"""Tensor's methods that concern the graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.tensor import engine
from fxtorch.tensor.handles import RemovableHandle
from fxtorch.tensor.structure import HookTable, structure
from fxtorch.tensor.tensor import Tensor, method, unwrap


@method
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | Tensor | None = None,
) -> None:
    """Accumulate the gradient of this Tensor into the ``.grad`` of the leaves.

    Args:
        self: where to start.
        gradient: the cotangent, of this Tensor's shape; may be left out for a scalar.
        retain_graph: keep the graph for another backward; the default is ``create_graph``.
        create_graph: record the backward, so that it can be differentiated again.
        inputs: accumulate only into these.

    Raises:
        RuntimeError: there is no graph, or it was freed, or a value that it needs was changed in place.
    """
    targets = [inputs] if isinstance(inputs, Tensor) else inputs
    engine.backward([self], [gradient], retain_graph=retain_graph, create_graph=create_graph, inputs=targets)


@method
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Set ``requires_grad`` and return the Tensor."""
    self.requires_grad = requires_grad
    return self


@method
def detach(self: Tensor) -> Tensor:
    """A Tensor that shares memory with this one but is outside of the graph."""
    return self._alias(versioned=True)


@method
def detach_(self: Tensor) -> Tensor:
    """Cut this Tensor out of the graph that made it."""
    if self._link is not None and not self._link.detached:
        raise RuntimeError("Can't detach views in-place. Use detach() instead.")
    unwrap(self)
    if self._rg:
        self._node, self._index, self._rg = None, 0, False
        structure.changed()
    return self


@method
def retain_grad(self: Tensor) -> None:
    """Keep ``.grad`` for this Tensor although it is not a leaf."""
    if not self.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    node = self.grad_fn
    if node is None or self.__dict__.get("retains_grad"):
        return
    self.__dict__["retains_grad"] = True
    ref = weakref.ref(self)

    def keep(gradient: Tensor) -> None:
        tensor = ref()
        if tensor is not None:
            tensor.grad = gradient if tensor.grad is None else tensor.grad + gradient

    node.add_hook(self._index, keep)


@method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call ``hook(gradient)`` when the gradient of this Tensor is computed; what it returns replaces the gradient.

    Raises:
        RuntimeError: the Tensor does not require a gradient.
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node = self.grad_fn
    if node is not None:
        return node.add_hook(self._index, hook)
    if self._hooks is None:
        self._hooks = HookTable()
        structure.changed()
    return RemovableHandle.add(self._hooks, hook)


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call ``hook(tensor)`` after a backward has accumulated into ``tensor.grad``; leaves only."""
    if self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if self._post_hooks is None:
        self._post_hooks = HookTable()
        structure.changed()
    return RemovableHandle.add(self._post_hooks, hook)


def backward_of(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | Tensor | None = None,
) -> None:
    """``torch.autograd.backward``: the backward of several Tensors at once, accumulated into the leaves' ``.grad``."""
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if grad_tensors is None:
        given: list[Any] = [None] * len(roots)
    else:
        given = [grad_tensors] if isinstance(grad_tensors, Tensor) else list(grad_tensors)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    targets = [inputs] if isinstance(inputs, Tensor) else inputs
    engine.backward(roots, given, retain_graph=retain_graph, create_graph=create_graph, inputs=targets)
