"""Running a record on Tensors: the compiled program, its results as Tensors, and the Node on the tape."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
from jax import lax
from jax._src.array import ArrayImpl  # making an array to ask for its type would start the backend
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.tensor import meta
from fxtorch.tensor.checking import user_line
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.overwriting import INPUT_NOT_NEEDED, RESULT_NEEDED, SAVES_NUMBERS, UNKNOWN
from fxtorch.tensor.record import Plan, Record, Saved, outputs, pull_back
from fxtorch.tensor.tape import FREED, Node, next_number
from fxtorch.tensor.tensor import Tensor, unwrap, wrap

_new = object.__new__
_NUMBERS = frozenset({int, float, bool, complex})


class OpNode(Node):
    """A call of a compiled operator: saved inputs and outputs by reference, and the plan that uses them."""

    __slots__ = ("checks", "plan", "residuals", "saved_in", "saved_out")

    plan: Plan
    saved_in: tuple[Any, ...] | None
    saved_out: tuple[Any, ...]
    residuals: tuple[Any, ...]
    checks: list[tuple[list[int], int]]
    of_saved_values = True
    saved: ClassVar[Callable[[OpNode, str], Any]]  # what looks up ``_saved_self`` and its like

    def __getattr__(self, name: str) -> Any:
        return OpNode.saved(self, name)

    @property
    def n_outputs(self) -> int:
        """How many results the call had."""
        return len(self.plan.carries)

    @property
    def frees(self) -> bool:
        """Whether it saved Tensors."""
        if self.saved_out or self.residuals:
            return True
        saved = self.saved_in or ()
        return bool(saved) and (self.label in SAVES_NUMBERS or not all(x.__class__ in _NUMBERS for x in saved))

    def verify(self) -> tuple[Any, ...]:
        """The saved inputs, once it is sure that they are there and were not overwritten."""
        if self.saved_in is None:
            raise RuntimeError(FREED)
        for cell, version in self.checks:
            if cell[1] != version:
                raise overwritten(self.name(), cell[1], version)
        return self.saved_in

    def wrote(self, target: Tensor, result: Tensor) -> None:
        """Take note that the call was in place: what it saved of ``target`` is the value before, and stays right."""
        if not self.of_saved_values:
            return
        cell = target._cell
        assert cell is not None
        self.checks = [c for c in self.checks if c[0] is not cell and c[0] is not result._cell]
        if self.plan.saved_out and self.label in RESULT_NEEDED:
            self.checks.append((cell, cell[1]))

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Run the compiled backward."""
        plan, ct = self.plan, cts[0]
        if plan.passes and ct is not None and ct.dtype == plan.avals[0][1]:
            return (ct,) * len(plan.diff)
        return plan.backward(self.verify(), self.saved_out, self.residuals, tuple(cts))

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Run the backward as a recorded operator of the saved values and the cotangents."""
        plan = self.plan
        edge = {i: k for k, i in enumerate(plan.diff)}
        tensors = [
            wrap(v) if i not in edge else edge_tensor(v, self.edges[edge[i]], self.slots[edge[i]])
            for i, v in zip(plan.saved_in, self.verify(), strict=True)
        ]
        tensors += [edge_tensor(v, self, j) for j, v in zip(plan.saved_out, self.saved_out, strict=True)]
        present = tuple(ct is not None for ct in cts)
        return _tuple(apply(plan.double(present), tensors + [ct for ct in cts if ct is not None]))

    def release(self) -> None:
        """Drop the saved arrays; a Node that saved nothing can be used again."""
        if self.frees:
            self.saved_in, self.saved_out, self.residuals = None, (), ()


def overwritten(name: str, found: int, expected: int) -> RuntimeError:
    """torch's error for a backward step of that ``name`` whose saved value was changed in place."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"a Tensor saved by {name} is at version {found}; expected version {expected} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True)."
    )


class PackedNode(OpNode):
    """A call whose saved values went through the pack hook of ``saved_tensors_hooks``."""

    __slots__ = ("unpack",)

    of_saved_values = False

    def pack(self) -> None:
        """Replace what was saved by what the hook makes of it."""
        hooks = modes.saved_hooks
        assert hooks is not None
        pack, self.unpack = hooks
        modes.saved_hooks = None  # what the hook does is not packed in turn
        try:
            self.saved_in, self.saved_out, self.residuals = (
                tuple(_Packed(pack(wrap(v))) if isinstance(v, ArrayImpl) else v for v in values)
                for values in (self.verify(), self.saved_out, self.residuals)
            )
        finally:
            modes.saved_hooks = hooks
        self.checks = []  # values that were packed cannot be overwritten

    def opened(self) -> OpNode:
        """The same call with its values unpacked."""
        node = OpNode(self.label, self.edges, self.slots)
        node.number, node.plan, node.checks = self.number, self.plan, []
        node.saved_in, node.saved_out, node.residuals = (
            tuple(unwrap(self.unpack(v.value)) if isinstance(v, _Packed) else v for v in values)
            for values in (self.verify(), self.saved_out, self.residuals)
        )
        return node

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Unpack, and run the compiled backward."""
        return self.opened().pull(cts)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Unpack, and run the backward as a recorded operator."""
        return self.opened().pull_tensors(cts)


class _Packed:
    """What a pack hook returned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class TracedNode(Node):
    """A call made while JAX traces: the pullback itself, for the program around it to absorb."""

    __slots__ = ("checks", "leaves", "plan", "pullback", "record")

    checks: list[tuple[list[int], int, str, int]]  # a Tensor's cell and version then, and where it stands in the call

    def __init__(
        self, record: Record, leaves: Sequence[Any], plan: Plan, pullback: Any, edges: Any, slots: Any
    ) -> None:
        super().__init__(record.name, edges, slots)
        self.checks = []
        self.record = record
        self.leaves: Sequence[Any] | None = leaves
        self.plan = plan
        self.pullback = pullback

    @property
    def n_outputs(self) -> int:
        """How many results the call had."""
        return len(self.plan.carries)

    @property
    def frees(self) -> bool:
        """Whether an eager call would have saved Tensors."""
        saved = [] if self.label in UNKNOWN else jax.tree.leaves(self.pullback)
        given = {id(x) for x in self.leaves or () if isinstance(x, jax.Array)}
        if self.label in SAVES_NUMBERS or any(id(x) in given for x in saved):
            return bool(saved)
        if self.leaves is None or not any(isinstance(x, Tracer) for x in saved):
            return False
        if not self.record.lasting:
            return True
        plan = self.record.saved(tuple(self.leaves), self.plan.diff)  # is it computed again from what it is given?
        return bool(plan.saved_out or plan.opaque) or any(hasattr(self.leaves[i], "dtype") for i in plan.saved_in)

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Transpose the linearised call."""
        if self.pullback is None:
            raise RuntimeError(FREED)
        self._verify()
        return pull_back(self.pullback, self.plan, cts)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Trace the backward as a function of the inputs and the cotangents; what has a value (a mask) keeps it."""
        if self.leaves is None:
            raise RuntimeError(FREED)
        self._verify()
        record, plan, leaves = self.record, self.plan, tuple(self.leaves)
        present = tuple(ct is not None for ct in cts)
        moving = [i for i, v in enumerate(leaves) if i in plan.diff or isinstance(v, Tracer)]

        def fn(*values: Any) -> Any:
            inputs = list(leaves)
            for i, value in zip(moving, values, strict=False):
                inputs[i] = value
            given = iter(values[len(moving) :])
            full = tuple(next(given) if p else None for p in present)
            pullback = jax.vjp(record.closed(inputs, plan.diff), *(inputs[i] for i in plan.diff))[1]
            return pull_back(pullback, plan, full)

        edge = {i: k for k, i in enumerate(plan.diff)}
        tensors = [
            leaves[i] if i not in edge else edge_tensor(leaves[i], self.edges[edge[i]], self.slots[edge[i]])
            for i in moving
        ]
        return _tuple(apply(Record(fn, "backward", "residuals"), tensors + [ct for ct in cts if ct is not None]))

    def check(self, tensors: Sequence[Any], results: Sequence[Tensor]) -> None:
        """Remember the versions of everything that the call may have saved."""
        if self.label in UNKNOWN:
            return
        saved_in = () if self.label in INPUT_NOT_NEEDED else tensors
        saved_out = results if self.label in RESULT_NEEDED else ()
        for place, those in (("in", saved_in), ("out", saved_out)):
            for i, t in enumerate(those):
                if isinstance(t, Tensor):
                    if t._cell is None:
                        t._cell = [0, 0]
                    self.checks.append((t._cell, t._cell[1], place, i))

    def wrote(self, target: Tensor, result: Tensor) -> None:
        """Take note that the call was in place: what it saved of ``target`` is the value before, and stays right."""
        cell = target._cell
        assert cell is not None
        self.checks = [c for c in self.checks if c[0] is not cell and c[0] is not result._cell]
        if self.label in RESULT_NEEDED:
            self.checks.append((cell, cell[1], "out", 0))

    def _verify(self) -> None:
        """Raise where a value that an eager call would have saved was overwritten; which, is worked out only then."""
        changed = [c for c in self.checks if c[0][1] != c[1]]
        if not changed or self.leaves is None:
            return
        needs = self.needs()
        for cell, version, place, i in changed:
            if needs(place, i):
                raise overwritten(self.name(), cell[1], version)

    def needs(self) -> Callable[[str, int], bool]:
        """Tells whether an eager call would have saved an input (``"in"``) or result (``"out"``), by its position.

        It holds nothing of the trace that the call was made in.
        """
        assert self.leaves is not None
        record, diff = self.record, self.plan.diff
        if not record.lasting:
            kept = set(map(id, jax.tree.leaves(self.pullback)))
            positions = {i for i, x in enumerate(self.leaves) if id(x) in kept}
            return lambda place, i: place == "out" or i in positions
        avals = tuple(_aval(x) if hasattr(x, "shape") else x for x in self.leaves)

        def asked(place: str, i: int) -> bool:
            saved = record.saved(avals, diff)
            return i in (saved.checked_in if place == "in" else saved.checked_out)

        return asked

    def release(self) -> None:
        """Drop the pullback; a Node that saved nothing can be used again."""
        if self.frees:
            self.leaves = self.pullback = None


def _aval(x: Any) -> Any:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, weak_type=getattr(x, "weak_type", False))


class StaleLeaf(Node):
    """Passes a gradient on to a leaf whose value has changed since it was saved."""

    __slots__ = ()

    def __init__(self, leaf: Tensor) -> None:
        super().__init__("stale_leaf", [leaf], [0])

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """The gradient itself."""
        return cts

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The gradient itself."""
        return cts


def edge_tensor(array: Any, edge: Any, slot: int) -> Tensor:
    """The Tensor at the other end of an edge, with the value it had when it was saved."""
    if not isinstance(edge, Node):
        if edge._data is array:
            return edge
        edge = StaleLeaf(edge)
    t = wrap(array)
    t._rg, t._node, t._index = True, edge, slot
    return t


def _tuple(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


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
