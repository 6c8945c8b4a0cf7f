"""The backward walk over the tape."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from fxtorch.tensor import sparse
from fxtorch.tensor.checking import check
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.replay import replay
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.tape import AFTER, BEFORE, AccumulateGrad, Node
from fxtorch.tensor.tensor import Tensor, unwrap, unwrap_aval, wrap

_add_arrays = jax.jit(lambda a, b: a + b)


def summed(a: Any, b: Any) -> Any:
    """The sum of two cotangents, of which one or both may be sparse."""
    if isinstance(a, Abstract):
        return a
    return sparse.add(a, b) if isinstance(a, Stored) or isinstance(b, Stored) else _add_arrays(a, b)


_number = operator.attrgetter("number")


def reachable(roots: Iterable[Node]) -> list[Node]:
    """All Nodes behind ``roots``, the latest first."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Node) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=_number, reverse=True)


def _on_the_way(nodes: Sequence[Node], targets: set[Any]) -> set[Node]:
    """The Nodes from which one of ``targets`` can be reached (``nodes``: the latest first)."""
    useful: set[Node] = set()
    for node in reversed(nodes):
        for edge, slot in zip(node.edges, node.slots, strict=True):
            if edge in useful or (id(edge) if isinstance(edge, Tensor) else (edge, slot)) in targets:
                useful.add(node)
                break
    return useful


def _wanted(node: Node, useful: set[Node], targets: set[Any]) -> frozenset[int]:
    """The numbers of the edges of ``node`` that lead to a target."""
    ends = enumerate(zip(node.edges, node.slots, strict=True))
    return frozenset(
        i
        for i, (edge, slot) in ends
        if edge in useful or (id(edge) if isinstance(edge, Tensor) else (edge, slot)) in targets
    )


def _node_of(tensor: Tensor) -> Node | None:
    """``tensor.grad_fn``, without the name for people."""
    if tensor._link is not None:
        unwrap(tensor)
    return tensor._node


def target_key(tensor: Any) -> Any:
    """What names ``tensor``, or one output of a Node, in the results of :func:`walk`."""
    if isinstance(tensor, tuple):
        node, slot = tensor
        return id(node.variable) if isinstance(node, AccumulateGrad) else (node, slot)
    node = _node_of(tensor)
    return id(tensor) if node is None else (node, tensor._index)


def walk(
    roots: Sequence[Tensor],
    cts: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[Tensor] | None = None,
) -> tuple[dict[int, tuple[Tensor, Any]], dict[Any, Any]]:
    """Carry cotangents from ``roots`` to the leaves.

    Args:
        roots: the Tensors to start from.
        cts: their cotangents: arrays, or with ``create_graph`` Tensors.
        retain_graph: keep what was saved for another walk.
        create_graph: record the walk itself.
        targets: only what leads to these is visited, and their gradients are collected.

    Returns:
        The gradient of each leaf by its id, and of each target by :func:`target_key`.
    """
    if len(roots) == 1 and not create_graph:
        short = _short_walk(roots[0], cts[0], retain_graph, targets)
        if short is not None:
            return short
    outer = modes.walk
    try:
        return _walk(roots, cts, retain_graph, create_graph, targets)
    finally:
        modes.walk = outer


def _short_walk(root: Tensor, ct: Any, retain_graph: bool, targets: Sequence[Tensor] | None) -> Any:
    """The walk from one call to its leaves, of which nobody wants to hear; None for any other graph."""
    node = _node_of(root)
    if node is None or node.hooks is not None or modes.anomaly or modes.watch is not None:
        return None
    edges = node.edges
    wanted = None if targets is None else [id(t) for t in targets]
    for edge in edges:
        if isinstance(edge, Node) or edge._hooks or (wanted is not None and id(edge) not in wanted):
            return None
    if wanted is not None and len(wanted) != len(edges):  # one that was not used, or is no leaf
        return None
    cts = [None] * node.n_outputs
    cts[root._index] = ct
    leaves: dict[int, tuple[Tensor, Any]] = {}
    found: dict[Any, Any] = {}
    for edge, g in zip(edges, node.pull(cts), strict=True):
        if g is not None:
            key = id(edge)
            if key in leaves:
                g = summed(found[key], g)
            leaves[key], found[key] = (edge, g), g
    if not retain_graph:
        node.release()
    return leaves, found


def _walk(
    roots: Sequence[Tensor],
    cts: Sequence[Any],
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[Tensor] | None,
) -> tuple[dict[int, tuple[Tensor, Any]], dict[Any, Any]]:
    add: Callable[[Any, Any], Any] = (lambda a, b: a + b) if create_graph else summed
    leaves: dict[int, tuple[Tensor, Any]] = {}
    pending: dict[Node, list[Any]] = {}
    found: dict[Any, Any] = {}
    wanted = None if targets is None else {target_key(t) for t in targets}

    def send(edge: Any, slot: int, ct: Any) -> None:
        if isinstance(edge, Node):
            slots = pending.get(edge)
            if slots is None:
                slots = pending[edge] = [None] * edge.n_outputs
            slots[slot] = ct if slots[slot] is None else add(slots[slot], ct)
        elif wanted is None or id(edge) in wanted:
            entry = leaves.get(id(edge))
            leaves[id(edge)] = (edge, ct if entry is None else add(entry[1], ct))

    for root, ct in zip(roots, cts, strict=True):
        send(_node_of(root) or root, root._index, ct)
    nodes = modes.walk = reachable(pending)
    if len(roots) == 1 and pending and not (create_graph or targets or modes.anomaly) and modes.capture is None:
        gradients = replay(nodes, nodes[0], roots[0]._index, cts[0])
        if gradients is not None:
            leaves = {id(leaf): (leaf, ct) for leaf, ct in gradients if ct is not None}
            pending.clear()
            if not retain_graph:
                for node in nodes:
                    node.release()
    useful = None if wanted is None else _on_the_way(nodes, wanted)
    told = modes.watch is not None or modes.anomaly
    for node in nodes:
        slots = pending.pop(node, None)
        if slots is None:
            continue
        if node.hooks is not None:
            _run_hooks(node, slots, create_graph)
        if useful is not None:
            for i, ct in enumerate(slots):
                if ct is not None and (node, i) in wanted:  # type: ignore[operator]
                    found[(node, i)] = ct
            if node not in useful:
                continue
            if node.chooses:
                node.choose(_wanted(node, useful, wanted))  # type: ignore[arg-type]
        if node.hooks is not None and all(ct is None for ct in slots):
            continue
        grads = node.pull_tensors(slots) if create_graph else node.pull(slots)
        if told:
            _tell(node, grads)
        if node.hooks is not None:
            grads = _after(node, grads, slots, create_graph)
        for edge, slot, g in zip(node.edges, node.slots, grads, strict=True):
            if g is not None:
                send(edge, slot, g)
        if not retain_graph:
            node.release()
    for key, (leaf, ct) in leaves.items():
        if leaf._hooks:
            ct = _hooked(leaf._hooks.values(), ct, create_graph)
            leaves[key] = (leaf, ct)
        found[key] = ct
    return leaves, found


def _hooked(hooks: Iterable[Callable[..., Any]], ct: Any, create_graph: bool) -> Any:
    tensor = ct if create_graph else wrap(ct)
    for hook in tuple(hooks):
        result = hook(tensor)
        if result is not None:
            _check_hooked(hook, tensor, result)
            tensor = result
    return tensor if create_graph else unwrap(tensor)


def _check_hooked(hook: Callable[..., Any], before: Tensor, after: Any) -> None:
    """Raise torch's error where ``hook`` gives something that cannot stand for the gradient it was given."""
    if not isinstance(after, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(after).__name__}'")
    name = getattr(hook, "__name__", type(hook).__name__)
    if after.dtype != before.dtype:
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {before.type()} got {after.type()})")
    if after.shape != before.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")


def _run_hooks(node: Node, slots: list[Any], create_graph: bool) -> None:
    assert node.hooks is not None
    before = modes.grad
    modes.grad = create_graph
    try:
        for i, hooks in node.hooks.items():
            if i >= 0 and slots[i] is not None:
                slots[i] = _hooked(hooks.values(), slots[i], create_graph)
        for hook in tuple(node.hooks.get(BEFORE, {}).values()):
            slots[:] = _replaced(slots, create_graph, lambda cts, hook=hook: hook(cts))
    finally:
        modes.grad = before


def _replaced(values: Sequence[Any], create_graph: bool, hook: Callable[..., Any]) -> list[Any]:
    """``values`` as ``hook``, which takes and may return a tuple of Tensors, leaves them."""
    tensors = tuple(v if v is None or create_graph else wrap(v) for v in values)
    result = hook(tensors)
    if result is None:
        return list(values)
    result = result if isinstance(result, tuple) else (result,)
    if len(result) != len(values):
        raise RuntimeError(
            f"hook has returned an incorrect number of values: expected {len(values)}, got {len(result)}"
        )
    return [t if t is None or create_graph else unwrap(t) for t in result]


def _after(node: Node, grads: Sequence[Any], slots: Sequence[Any], create_graph: bool) -> Sequence[Any]:
    """The gradients that a Node found, as its hooks leave them."""
    assert node.hooks is not None
    outputs = tuple(ct if ct is None or create_graph else wrap(ct) for ct in slots)
    for hook in tuple(node.hooks.get(AFTER, {}).values()):
        grads = _replaced(grads, create_graph, lambda gs, hook=hook: hook(gs, outputs))
    return grads


def _tell(node: Node, grads: Sequence[Any]) -> None:
    """Show the gradients that a Node found to anomaly detection and to whoever watches."""
    if modes.anomaly and modes.check_nan:
        _check_nan(node, grads)
    if modes.watch is not None:
        modes.watch(f"{node.name()} (of the call at {node.trace})" if node.trace else node.name(), grads)


def _check_nan(node: Node, grads: Sequence[Any]) -> None:
    for i, g in enumerate(grads):
        array = unwrap(g) if isinstance(g, Tensor) else g
        if isinstance(array, Tracer):
            if array.dtype != jax.dtypes.float0 and jnp.issubdtype(array.dtype, jnp.inexact):
                words = f"Function '{node.name()}' returned nan values in its {i}th output"
                check(~jnp.any(jnp.isnan(array)), f"{words}; the forward call was at {node.trace}")
            continue
        if array is None or not bool(jnp.any(jnp.isnan(array))):
            continue
        if node.trace:
            warnings.warn(
                f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{node.trace}",
                stacklevel=5,
            )
        raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")


def accumulate(leaf: Tensor, ct: Any, create_graph: bool) -> None:
    """Add ``ct`` to ``leaf.grad``, unless the leaf was frozen since it was used."""
    if not leaf._rg:
        return
    capture = modes.capture
    if capture is None:
        old = leaf.grad
    else:
        capture.touch_grad(leaf, adds=True)
        old = leaf._grad
    if old is None or create_graph:
        new = ct if create_graph else wrap(ct)
        if capture is None:
            leaf.grad = new if old is None else old + new
        else:
            capture.write_grad(leaf, adds=True)
            leaf._set_grad(new if old is None else old + new)
    elif capture is None:
        old._rebind(summed(unwrap(old), ct))
    else:
        with capture.adding():
            old._rebind(summed(unwrap(old), ct))
    for hook in tuple((leaf._post_hooks or {}).values()):
        hook(leaf)


def _one(array: Any) -> Any:
    if isinstance(array, Abstract):
        return array
    if isinstance(array, Tracer):
        return jnp.ones(array.shape, array.dtype)
    place = (array.aval, array.sharding)
    one = _ones.get(place)
    if one is None:
        one = _ones[place] = jax.device_put(jnp.ones(array.shape, array.dtype), array.sharding)
    return one


_ones: dict[Any, Any] = {}  # arrays never change, so that one of each kind will do


def starting_cotangent(root: Tensor, given: Any, create_graph: bool) -> Any:
    """The cotangent to start from: what was given, checked, or one for a scalar.

    Raises:
        RuntimeError: nothing was given and ``root`` is not a scalar, or the shapes differ, or ``root`` has no graph.
    """
    if not root.requires_grad:
        more = "" if modes.capture is None else modes.capture.no_graph
        raise RuntimeError(f"element 0 of tensors does not require grad and does not have a grad_fn{more}")
    if given is None:
        if root.shape.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        one = _one(unwrap(root))
        return wrap(one) if create_graph else one
    if unwrap_aval(given).shape != unwrap_aval(root).shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {given.shape} and output[0] has a shape of {root.shape}."
        )
    return given if create_graph else unwrap(given)


def backward(
    roots: Sequence[Tensor],
    given: Sequence[Tensor | None],
    *,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Accumulate the gradients of ``roots`` into the ``.grad`` of the leaves (or of ``inputs`` only)."""
    before = modes.grad
    modes.grad = create_graph
    try:
        cts = [starting_cotangent(r, g, create_graph) for r, g in zip(roots, given, strict=True)]
        retain = create_graph if retain_graph is None else retain_graph
        leaves, found = walk(roots, cts, retain_graph=retain, create_graph=create_graph, targets=inputs)
        if inputs is None:
            for leaf, ct in leaves.values():
                accumulate(leaf, ct, create_graph)
        else:
            for t in inputs:
                if target_key(t) in found:
                    accumulate(t, found[target_key(t)], create_graph)
    finally:
        modes.grad = before
