"""Trading time for memory: a part of a model whose inner values are computed again in the backward."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax import lax
from jax.core import Tracer

from fxtorch.amp.autocast_mode import same_region
from fxtorch.func.call import Call
from fxtorch.func.watch import Watch
from fxtorch.tensor import Tensor, modes, unwrap, wrap
from fxtorch.tensor.generator import default_generator
from fxtorch.tensor.nodes import overwritten
from fxtorch.tensor.tape import Node, next_number
from fxtorch.tensor.tensor import unwrap_aval, version_of
from fxtorch.utils._checkpoint_names import (
    DefaultDeviceType,
    check_backward_validity,
    detach_variable,
    get_device_states,
    set_checkpoint_debug_enabled,
    set_device_states,
)
from fxtorch.utils._selective import (
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)

__all__ = [
    "CheckpointError",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]


class CheckpointError(RuntimeError):
    """The function did something else when it was run again."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two context managers that do nothing: the default ``context_fn``."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def set_checkpoint_early_stop(enable: bool) -> Any:
    """Accepted: a context manager that does nothing."""
    return contextlib.nullcontext()


def is_tensor(x: Any) -> bool:
    """What the results of the function are taken apart to."""
    return isinstance(x, Tensor)


class CheckpointNode(Node):
    """A checkpointed call: its backward runs the function again, with gradients, and walks the graph of that run.

    Args:
        run: calls the function on its arguments.
        edges: what the graph of the first run led to outside of it.
        slots: for each, which output.
        key: the random key before the first run; None to draw anew.
        inputs: the Tensors among the arguments.
    """

    def __init__(
        self, run: Callable[[], Any], edges: list[Any], slots: list[int], key: Any, inputs: Sequence[Tensor]
    ) -> None:
        super().__init__("checkpoint", edges, slots)
        self.run: Callable[[], Any] | None = run
        self.key = key
        self.autocast = modes.autocast
        for t in inputs:
            t._cell = t._cell or [0, 0]
        self.versions = [(t, version_of(t)) for t in inputs]
        self.outputs: list[Any] = []

    @property
    def n_outputs(self) -> int:  # type: ignore[override]
        """How many results the call had."""
        return len(self.outputs)

    def counters(self) -> list[tuple[list[int], int]]:
        """The counters of changes of the arguments, with their versions then."""
        return [(t._cell, version) for t, version in self.versions if t._cell is not None]

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Run again and walk."""
        return self._pull(cts, create_graph=False)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Run again and walk, recording."""
        return self._pull(cts, create_graph=True)

    def _pull(self, cts: Sequence[Any], *, create_graph: bool) -> list[Any]:
        for t, version in self.versions:
            if version_of(t) != version:
                raise overwritten(self.name(), version_of(t), version)
        assert self.run is not None
        start = next_number()
        with _grad(True), _random_key(self.key), _kept_apart(self, cts), same_region(self.autocast):
            results = _tensors(self.run())
        shapes = [(t.shape, t.dtype) for t in map(unwrap_aval, results)]
        if shapes != [(t.shape, t.dtype) for t in self.outputs]:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values have different metadata than during the forward pass: "
                f"{shapes} instead of {[(t.shape, t.dtype) for t in self.outputs]}"
            )
        pairs = [(t, ct) for t, ct in zip(results, cts, strict=True) if ct is not None and t.requires_grad]
        with _grad(create_graph):
            found = walk_inside([t for t, _ in pairs], [ct for _, ct in pairs], start, create_graph)
        return [found.get((id(e), s)) for e, s in zip(self.edges, self.slots, strict=True)]


def walk_inside(roots: Sequence[Tensor], cts: Sequence[Any], start: int, create_graph: bool) -> dict[Any, Any]:
    """Carry cotangents to what the Nodes made after ``start`` lead to; by the id and slot of each such edge."""
    found: dict[Any, Any] = {}
    pending: dict[Node, list[Any]] = {}
    nodes = inner_nodes([t._node for t in roots], start)
    inside = set(nodes)

    def send(edge: Any, slot: int, ct: Any) -> None:
        if edge in inside:
            slots = pending.setdefault(edge, [None] * edge.n_outputs)
            slots[slot] = ct if slots[slot] is None else slots[slot] + ct
        else:
            key = (id(edge), slot)
            found[key] = found[key] + ct if key in found else ct

    for t, ct in zip(roots, cts, strict=True):
        send(t if t._node is None else t._node, t._index, ct)
    for node in nodes:
        slots = pending.pop(node, None)
        if slots is None:
            continue
        grads = node.pull_tensors(slots) if create_graph else node.pull(slots)
        for edge, slot, g in zip(node.edges, node.slots, grads, strict=True):
            if g is not None:
                send(edge, slot, g)
        if not create_graph:
            node.release()
    return found


def inner_nodes(roots: Sequence[Node | None], start: int) -> list[Node]:
    """The Nodes behind ``roots`` that were made after ``start``, the latest first."""
    stack = [n for n in roots if n is not None and n.number > start]
    seen = set(stack)
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Node) and edge.number > start and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=lambda n: n.number, reverse=True)


def _tensors(out: Any) -> list[Tensor]:
    return [t for t in jax.tree.leaves(out, is_leaf=is_tensor) if isinstance(t, Tensor)]


@contextlib.contextmanager
def _grad(value: bool) -> Iterator[None]:
    before, modes.grad = modes.grad, value
    try:
        yield
    finally:
        modes.grad = before


@contextlib.contextmanager
def _random_key(key: Any) -> Iterator[None]:
    """The default generator at ``key``, and where it was afterwards."""
    if key is None:
        yield
        return
    state = default_generator.key
    now = unwrap(state)
    state._data = key
    try:
        yield
    finally:
        state._data = now


@contextlib.contextmanager
def _kept_apart(node: CheckpointNode, cts: Sequence[Any]) -> Iterator[None]:
    """In a compiled step, inputs behind a barrier: or XLA would see that both runs are the same and keep the first."""
    tensors = {id(t): t for t in (*(t for t, _ in node.versions), *(e for e in node.edges if isinstance(e, Tensor)))}
    traced = [t for t in tensors.values() if isinstance(t._data, Tracer)]
    if not traced:
        yield
        return
    before = [t._data for t in traced]
    given = [unwrap(ct) if isinstance(ct, Tensor) else ct for ct in cts if ct is not None]
    for t, array in zip(traced, lax.optimization_barrier((before, given))[0], strict=True):
        t._data = array
    try:
        yield
    finally:
        for t, array in zip(traced, before, strict=True):
            t._data = array


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, keeping none of its inner values: the backward computes them again.

    >>> import fxtorch as torch
    >>> from fxtorch.utils.checkpoint import checkpoint
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: (x * x).sin().sum(), x).backward()
    >>> bool(torch.allclose(x.grad, 2 * x * (x * x).cos()))
    True

    Args:
        function: what to run; it must do the same when it is run again.
        args: its arguments.
        use_reentrant: accepted; there is one way, which is not reentrant.
        context_fn: returns two context managers, for the first run and for the second.
        determinism_check: accepted.
        debug: accepted.
        early_stop: accepted.
        preserve_rng_state: whether random draws are the same in the second run.
        kwargs: its keyword arguments.

    Raises:
        ValueError: ``use_reentrant=True`` with ``context_fn`` or ``debug``.

    Where JAX differentiates, this is ``jax.checkpoint``.
    """
    if use_reentrant and (debug or context_fn not in (None, noop_context_fn)):
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    first, second = (context_fn or noop_context_fn)()
    inputs = _tensors((args, kwargs))
    traced = any(isinstance(unwrap(t), Tracer) for t in inputs)
    if traced and isinstance(modes.capture, Watch | None) and not any(t.requires_grad for t in inputs):
        return _in_jax(function, args, kwargs, first)
    if not modes.grad:
        with first:
            return function(*args, **kwargs)
    key = unwrap(default_generator.key) if preserve_rng_state else None
    start = next_number()
    with first, same_region(modes.autocast):
        out = function(*args, **kwargs)
    leaves, tree = jax.tree.flatten(out, is_leaf=is_tensor)
    results = [t for t in leaves if isinstance(t, Tensor)]
    edges, slots = _boundary(results, start)
    if not edges:
        return out

    def run() -> Any:
        with second:
            return function(*args, **kwargs)

    node = CheckpointNode(run, edges, slots, key, inputs)
    node.outputs = [unwrap_aval(t) for t in results]
    count = 0
    for i, t in enumerate(leaves):
        if isinstance(t, Tensor):
            if t._node is not None and t._node.number > start:
                leaves[i] = wrap(unwrap(t))
                leaves[i]._rg, leaves[i]._node, leaves[i]._index = True, node, count
            count += 1
    return jax.tree.unflatten(tree, leaves)


def _boundary(results: Sequence[Tensor], start: int) -> tuple[list[Any], list[int]]:
    """What the graph recorded since ``start`` leads to."""
    nodes = inner_nodes([t.grad_fn for t in results], start)
    inside = set(nodes)
    found = {(id(e), s): (e, s) for n in nodes for e, s in zip(n.edges, n.slots, strict=True) if e not in inside}
    return [e for e, _ in found.values()], [s for _, s in found.values()]


def _in_jax(function: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
    """``jax.checkpoint`` of the function, with the random key as state that goes in and comes out."""
    key = default_generator.key
    call = Call(function, args, kwargs, [key])
    call.carried = [key]
    call.lift = False
    with context:
        out, changed = jax.checkpoint(call.inside)(call.arrays())
    for i, array in changed.items():
        [*call.tensors, key][i]._rebind(array)
    return jax.tree.map(wrap, out)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run ``functions`` one after another, in ``segments`` parts of which all but the last are checkpointed.

    Args:
        functions: a Sequential, or callables.
        segments: how many parts.
        input: what goes into the first.
        use_reentrant: see :func:`checkpoint`.
        kwargs: ``preserve_rng_state``.
    """
    parts = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            for part in parts[start:end]:
                x = part(x)
            return x

        return forward

    size, end = len(parts) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, **kwargs)
    return run(end, len(parts))(input)
