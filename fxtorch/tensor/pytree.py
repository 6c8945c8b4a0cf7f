"""Tensor as a JAX pytree: ``jax.jit``, ``jax.vmap`` and ``jax.tree.map`` take and return Tensors."""

from __future__ import annotations

import copy
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.structure import structure
from fxtorch.tensor.tensor import Tensor, method, unwrap, wrap

_OF_THIS_ONE = frozenset(  # which a copy has not
    {"_data", "_link", "_cell", "_hooks", "_inference", "_lent", "_resident"}
)


def _flatten(t: Tensor) -> tuple[tuple[Any], bool]:
    return (unwrap(t),), t._rg and t._node is None


def register(cls: type) -> None:
    """Register a class of Tensors; unflattening takes whatever JAX puts in, unchecked."""

    def unflatten(requires_grad: bool, children: Any) -> Any:
        t = object.__new__(cls)
        t._data = children[0]
        t._rg = requires_grad
        t._lent = isinstance(children[0], Tracer)
        return t

    jax.tree_util.register_pytree_with_keys(
        cls, lambda t: (((jax.tree_util.GetAttrKey("data"), unwrap(t)),), _flatten(t)[1]), unflatten, _flatten
    )


register(Tensor)


@method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A leaf with the same values; arrays never change, so they are shared until one of the two is."""
    if id(self) in memo:
        return memo[id(self)]
    if self._node is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    twin = object.__new__(type(self))
    memo[id(self)] = twin
    kept = {k: v for k, v in self.__dict__.items() if k not in _OF_THIS_ONE}
    twin.__dict__.update({k: copy.deepcopy(v, memo) for k, v in kept.items()})
    twin._data = unwrap(self)
    _keep_sharing(self, twin, memo)
    return twin


def _keep_sharing(tensor: Tensor, twin: Tensor, memo: dict[Any, Any]) -> None:
    """Let a base and its views that are copied together share memory again, whichever is copied first."""
    if tensor._link is None:
        for view, of_view in memo.pop(("views", id(tensor)), ()):
            _link(view, of_view, memo)
        return
    root = tensor
    while root._link is not None:
        root = root._link.parent
    if id(root) in memo:
        _link(tensor, twin, memo)
    else:
        memo.setdefault(("views", id(root)), []).append((tensor, twin))


def _link(view: Tensor, twin: Tensor, memo: dict[Any, Any]) -> None:
    """Make ``twin`` to the copy of the parent of ``view`` what ``view`` is to its parent."""
    link = view._link
    assert link is not None
    parent = memo.get(id(link.parent))
    if parent is None:  # a view between, which nobody copies
        parent = memo[id(link.parent)] = wrap(unwrap(link.parent))
        _link(link.parent, parent, memo)
    if parent._cell is None:
        parent._cell = [0, 0]
    twin._link, twin._cell = link.of(parent, parent._cell), parent._cell
    structure.changed()


def user_attributes(tensor: Tensor) -> dict[str, Any]:
    """What a program hung on a Tensor; the Tensor's own state has its defaults on the class."""
    return {k: v for k, v in tensor.__dict__.items() if k != "_data" and not hasattr(Tensor, k)}


@method
def __reduce_ex__(self: Tensor, protocol: int) -> Any:
    """Pickle by values, with what the program hung on it."""
    stored = unwrap(self)
    if isinstance(stored, Stored):
        parts = np.asarray(stored.values), [np.asarray(i) for i in stored.indices]
        return _rebuild_sparse, (*parts, stored.shape, stored.layout, stored.coalesced, self.requires_grad)
    return _rebuild, (type(self), self.detach().numpy(), self.requires_grad, user_attributes(self))


def _rebuild_sparse(
    values: Any, indices: list[Any], shape: tuple[int, ...], layout: str, coalesced: bool, requires_grad: bool
) -> Tensor:
    places = tuple(jax.numpy.asarray(i) for i in indices)
    tensor = wrap(Stored(jax.numpy.asarray(values), places, shape, layout, coalesced))
    tensor._rg = requires_grad
    return tensor


def _rebuild(cls: type, values: Any, requires_grad: bool, attributes: dict[str, Any]) -> Any:
    tensor = Tensor._make_subclass(cls, wrap(jax.numpy.asarray(values)), requires_grad)
    tensor.__dict__.update(attributes)
    return tensor
