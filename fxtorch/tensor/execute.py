"""Running a record on Tensors: the compiled program, its results as Tensors, and the Node on the tape."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import jax
from jax import lax
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.tensor import meta
from fxtorch.tensor.checking import user_line
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.nodes import CallNode, OpNode, PackedNode
from fxtorch.tensor.record import Plan, Record, Saved, outputs
from fxtorch.tensor.tape import next_number
from fxtorch.tensor.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.traced import TracedNode

_new = object.__new__


def apply(record: Record, tensors: Sequence[Any]) -> Any:
    """Run a record on Tensors (and arrays and numbers), recorded on the tape where one wants a gradient."""
    leaves = [unwrap(t) if isinstance(t, Tensor) else t for t in tensors]
    if any(isinstance(x, Abstract) for x in leaves):
        return meta.run_record(record, tensors)
    mask = 0
    if modes.grad:
        for i, t in enumerate(tensors):
            if isinstance(t, Tensor) and t._rg:
                mask |= 1 << i
    traced = modes.capture is not None or any(isinstance(x, Tracer) for x in leaves)
    out = (run_traced if traced else run_eager)(record, tensors, leaves, mask)
    if modes.forward is not None:
        modes.forward.push(record, tensors, out)
    return out


def run_eager(record: Record, tensors: Sequence[Any], leaves: Sequence[Any], mask: int) -> Any:
    """Run the compiled program; bit ``i`` of ``mask`` says that ``leaves[i]`` wants a gradient."""
    if not mask:
        return wrapped(record.plain(*leaves))
    out, saved = (record.by_mask.get(mask) or record.taped(mask))(*leaves)
    return recorded(record, tensors, tuple(leaves), out, saved)


def wrapped(out: Any) -> Any:
    """An operator's result, an array or a tuple of arrays, as Tensors."""
    return _pack(out, [wrap(o) for o in out]) if isinstance(out, tuple) else wrap(out)


def recorded(record: Record, tensors: Sequence[Any], leaves: tuple[Any, ...], out: Any, saved: Saved) -> Any:
    """What a taped forward gave, as Tensors, with the call on the tape."""
    plan = saved.plan
    packs = modes.saved_hooks is not None
    node = _new(PackedNode if packs else OpNode)
    node.label = record.name
    node.number = next_number()
    node.hooks = None
    node.plan = plan
    node.residuals = saved.residuals
    node.saved_in = leaves if plan.saves_all else tuple([leaves[i] for i in plan.saved_in])
    node.edges = edges = []
    node.slots = slots = []
    for i in plan.diff:
        t = tensors[i]
        edges.append(t if t._node is None else t._node)
        slots.append(t._index)
    node.checks = checks = []
    for i in plan.checked_in:
        t = tensors[i]
        if isinstance(t, Tensor):
            if t._inference:
                raise RuntimeError(
                    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference "
                    "mode in computation tracked by autograd. To work around this, you can make a clone to get a "
                    "normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
                    "`torch.inference_mode()`."
                )
            cell = t._cell
            if cell is None:
                cell = t._cell = [0, 0]
            checks.append((cell, cell[1]))
    node.trace = "".join(traceback.format_stack()[:-4]) if modes.anomaly else None
    if plan.single:
        result = wrap(out)
        if plan.carries[0]:
            result._rg, result._node = True, node
        arrays, results = (out,), (result,)
    else:
        arrays, results = out, [wrap(o) for o in out]
        for i, (t, carries) in enumerate(zip(results, plan.carries, strict=True)):
            if carries:
                t._rg, t._node, t._index = True, node, i
    node.saved_out = tuple([arrays[i] for i in plan.saved_out]) if plan.saved_out else ()
    for i in plan.checked_out:  # the versions, not the Tensors: that would be a cycle
        cell = results[i]._cell = [0, 0]
        checks.append((cell, 0))
    if packs:
        node.pack()
    return results[0] if plan.single else _pack(out, results)


def run_traced(record: Record, tensors: Sequence[Any], leaves: Sequence[Any], mask: int) -> Any:
    """Run without a program of our own: inside somebody's trace, or where the shape of the result is not known."""
    diff = tuple(i for i in range(len(leaves)) if mask >> i & 1)
    if not diff:
        out = record.fn(*leaves)
        if not modes.grad:  # torch.no_grad() inside a function that JAX differentiates
            out = jax.tree.map(_stop, out)
        if isinstance(out, tuple):
            return _pack(out, [wrap(o) if isinstance(o, jax.Array) else o for o in out])
        return wrap(out) if isinstance(out, jax.Array) else out
    out, pullback = jax.vjp(record.closed(leaves, diff), *(leaves[i] for i in diff))
    plan = Plan(diff, out)
    results = [wrap(o) for o in outputs(out)]
    if any(plan.carries):
        edges = [t if t._node is None else t._node for t in (tensors[i] for i in diff)]
        node = TracedNode(record, leaves, plan, pullback, edges, [tensors[i]._index for i in diff])
        if modes.anomaly or modes.watch is not None:
            node.trace = user_line()
        node.check(tensors, results)
        for i, (t, carries) in enumerate(zip(results, plan.carries, strict=True)):
            if carries:
                t._rg, t._node, t._index = True, node, i
    return results[0] if plan.single else _pack(out, results)


def _stop(x: Any) -> Any:
    return lax.stop_gradient(x) if isinstance(x, jax.Array) and rules.is_inexact(x.dtype) else x


def _pack(like: Any, items: Sequence[Tensor]) -> Any:
    """``items`` as the kind of tuple that the operator returned."""
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


CallNode.apply = staticmethod(apply)  # type: ignore[assignment]
