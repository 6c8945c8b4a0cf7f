"""From a Python function to a pure one.

The first trace discovers: state that is met for the first time is read as a constant and noted.  The function is then
traced again with that state as inputs, to be compiled; should that trace still find something new, it is repeated.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.core import Tracer

from fxtorch.compiler import errors
from fxtorch.compiler.capture import Capture, Scalar, watching
from fxtorch.compiler.guards import Guards
from fxtorch.compiler.references import Argument, Held, Reference
from fxtorch.nn import Module
from fxtorch.tensor import Tensor


def is_leaf(x: Any) -> bool:
    """What the arguments and results are taken apart to."""
    return isinstance(x, Tensor | Module)


@dataclass
class Result:
    """How one leaf of the result is made of the program's outputs.

    Attributes:
        kind: ``"new"`` (a new Tensor), ``"array"``, ``"state"`` (the Tensor at ``value``), ``"constant"``.
        value: the position of the output, the reference, or the constant.
        requires_grad: whether the Tensor requires a gradient.
        alive: whether its graph was not used up inside.
    """

    kind: str
    value: Any
    requires_grad: bool = False
    alive: bool = False


@dataclass
class Layout:
    """What the flat outputs of the pure function mean.

    The outputs are, in this order: new results and the values of assigned ``entries``, new values of ``changed`` state,
    and new gradients (``grads``: whose, and whether there is one or it is cleared).
    """

    tree: Any
    results: list[Result]
    changed: list[Reference]
    grads: list[tuple[Held | Argument, bool]]
    entries: list[tuple[dict[Any, Any], Any, Result]]
    guards: Guards
    effects: list[tuple[Callable[[], None], bool]]
    differentiable: bool = False


@dataclass
class Known:
    """What the traces so far have found: the inputs of the pure function."""

    references: list[Reference] = field(default_factory=list)
    scalars: list[Scalar] = field(default_factory=list)
    assigned: set[tuple[int, str]] = field(default_factory=set)
    undo: list[Callable[[], None]] = field(default_factory=list)


class Traced:
    """A function as a pure one of arrays: call :meth:`pure` inside of a JAX trace.

    Args:
        fn: the user's function.
        leaves: its flattened arguments; Tensors and arrays among them are inputs.
        tree: how to put the arguments together.
    """

    def __init__(self, fn: Callable[..., Any], leaves: Sequence[Any], tree: Any) -> None:
        self.fn = fn
        self.leaves = list(leaves)
        self.tree = tree
        self.known = Known()
        self.layout: Layout | None = None
        self.found_new = False
        self.open = True  # whether pure() may run: JAX calls it again when the state's shapes change
        self.inputs = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) or _is_array(x)]

    def discover(self) -> None:
        """Trace once, to find the state and what becomes of it."""
        jax.eval_shape(
            self.pure,
            [r.find(self.leaves)._data for r in self.known.references],
            [self._array(i) for i in self.inputs],
            [s.read() for s in self.known.scalars],
        )

    def _array(self, position: int) -> Any:
        leaf = self.leaves[position]
        return leaf._data if isinstance(leaf, Tensor) else leaf

    def pure(self, state: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> tuple[Any, ...]:
        """The flat outputs (see :class:`Layout`) of the state, the argument arrays and the numbers."""
        if not self.open:
            raise errors.StateChanged
        leaves = list(self.leaves)
        stand_ins: dict[int, Tensor] = {}
        for position, array in zip(self.inputs, arrays, strict=True):
            if isinstance(leaves[position], Tensor):
                leaves[position] = stand_ins[position] = _stand_in(leaves[position], array)
            else:
                leaves[position] = array
        known = self.known
        capture = Capture(known.references, state, known.scalars, scalars, stand_ins, self.leaves, known.assigned)
        made: list[Any] = []
        try:
            with watching(capture):
                args, kwargs = jax.tree.unflatten(self.tree, leaves)
                out = self.fn(*args, **kwargs)
            capture.settle()
            outputs, layout = _lay_out(capture, out, stand_ins, dict(zip(self.inputs, arrays, strict=True)))
            del out, args, kwargs
        finally:
            known.undo += capture.undo
            made = capture.roll_back()
        leaves.clear()
        stand_ins.clear()
        self.found_new = capture.found_new
        known.references, known.scalars, known.assigned = capture.references, capture.scalars, capture.assigned
        if not self.found_new:
            del capture
            _check_nothing_escaped(made)
        self.layout = layout
        return outputs

    def abandon(self) -> None:
        """Take back the state that was created lazily, after a failure."""
        for undo in reversed(self.known.undo):
            undo()


def _is_array(x: Any) -> bool:
    return isinstance(x, jax.Array) or (hasattr(x, "__array__") and hasattr(x, "dtype") and hasattr(x, "shape"))


def _stand_in(original: Tensor, array: Any) -> Tensor:
    t = object.__new__(type(original))
    t.__dict__.update({k: v for k, v in original.__dict__.items() if k not in ("_link", "_cell", "_node", "_index")})
    t._data = array
    return t


def _alive(tensor: Tensor) -> bool:
    node = tensor._node
    return node is not None and getattr(node, "leaves", True) is not None


def _lay_out(
    capture: Capture, out: Any, stand_ins: dict[int, Tensor], given: dict[int, Any]
) -> tuple[tuple[Any, ...], Layout]:
    """Take the trace's outcome apart: what the program returns, and what it means."""
    outputs: list[Any] = []

    def result(leaf: Any) -> Result:
        if isinstance(leaf, Tensor):
            argument = capture.argument(leaf)
            if argument is not None:
                return Result("state", argument)
            if not capture.is_made(leaf):
                return Result("state", capture.reference(leaf))
            requires_grad = leaf.requires_grad  # brings a view up to date, too
            outputs.append(leaf._data)
            return Result("new", len(outputs) - 1, requires_grad, _alive(leaf))
        if isinstance(leaf, jax.Array):
            outputs.append(leaf)
            return Result("array", len(outputs) - 1)
        return Result("constant", leaf)

    leaves, tree = jax.tree.flatten(out, is_leaf=is_leaf)
    results = [result(leaf) for leaf in leaves]
    entries = [(table, key, result(table.get(key))) for table, key, _ in capture.writes.values()]
    changed = capture.changed()
    for position, stand_in in stand_ins.items():
        if stand_in._data is not given[position]:
            changed.append((Argument(position), stand_in._data))
    outputs += [array for _, array in changed]
    grads: list[tuple[Held | Argument, bool]] = []
    for owner in capture.grads_written.values():
        tensor = owner.tensor if isinstance(owner, Held) else stand_ins[owner.position]
        grad = tensor._grad
        grads.append((owner, grad is not None))
        if grad is not None:
            outputs.append(grad._data)
    layout = Layout(
        tree, results, [r for r, _ in changed], grads, entries, capture.guards, capture.effects,
        any(r.alive for r in results),
    )  # fmt: skip
    return tuple(outputs), layout


def _check_nothing_escaped(made: Sequence[Any]) -> None:
    """Every Tensor made in the trace must be gone with it.

    Raises:
        Escaped: one is still held by something of the user's.
    """
    if all(ref() is None for ref in made):
        return
    gc.collect()
    for ref in made:
        tensor = ref()
        if tensor is None or not isinstance(tensor._data, Tracer):
            continue
        holder = next((_describe(h, tensor) for h in gc.get_referrers(tensor) if _describe(h, tensor)), "something")
        raise errors.Escaped(
            f"a Tensor of shape {tuple(tensor._data.shape)} that was made inside the compiled function is held by "
            f"{holder} after it; return it from the function, or assign it to an attribute of a Module"
        )


def _describe(holder: Any, tensor: Tensor) -> str:
    if isinstance(holder, list):
        return f"a list of {len(holder)} items"
    if isinstance(holder, dict):
        return next((f"the entry {key!r} of a dict" for key, value in holder.items() if value is tensor), "")
    return ""
