"""Running an operator on Tensors: read the arrays, run the compiled program, wrap, and record on the tape."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import numpy as np
from jax import lax
from jax._src.array import ArrayImpl  # making an array to ask for its type would start the backend
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.ops.bounds import CHECKS
from fxtorch.ops.singular import RESULT_CHECKS
from fxtorch.ops.table import Op
from fxtorch.tensor import dtype as types
from fxtorch.tensor import errors, meta
from fxtorch.tensor.checking import user_line
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.overriding import NOBODY, ORDINARY, override, overrider
from fxtorch.tensor.overwriting import INPUT_NOT_NEEDED, RESULT_NEEDED
from fxtorch.tensor.record import Plan, Record, outputs, pull_back
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.tape import FREED, Node, next_number
from fxtorch.tensor.tensor import Tensor, unwrap, wrap

_new = object.__new__
_LEAF = object()  # stands in a record's key for an argument that is traced
_PLAIN = frozenset({int, str, type(None)})  # values that no value of another type equals


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

    def verify(self) -> tuple[Any, ...]:
        """The saved inputs, once it is sure that they are there and were not overwritten."""
        if self.saved_in is None:
            raise RuntimeError(FREED)
        for cell, version in self.checks:
            if cell[1] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"a Tensor saved by {self.name()} is at version {cell[1]}; expected version {version} instead. "
                    "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
                    "torch.autograd.set_detect_anomaly(True)."
                )
        return self.saved_in

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Run the compiled backward."""
        return self.plan.backward(self.verify(), self.saved_out, self.residuals, tuple(cts))

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
        if self.saved_in or self.saved_out or self.residuals:
            self.saved_in, self.saved_out, self.residuals = None, (), ()


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

    __slots__ = ("leaves", "plan", "pullback", "record")

    def __init__(
        self, record: Record, leaves: Sequence[Any], plan: Plan, pullback: Any, edges: Any, slots: Any
    ) -> None:
        super().__init__(record.name, edges, slots)
        self.record = record
        self.leaves: Sequence[Any] | None = leaves
        self.plan = plan
        self.pullback = pullback

    @property
    def n_outputs(self) -> int:
        """How many results the call had."""
        return len(self.plan.carries)

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Transpose the linearised call."""
        if self.pullback is None:
            raise RuntimeError(FREED)
        return pull_back(self.pullback, self.plan, cts)

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Trace the backward as a function of the inputs and the cotangents; what has a value (a mask) keeps it."""
        if self.leaves is None:
            raise RuntimeError(FREED)
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

    def release(self) -> None:
        """Drop the pullback."""
        self.leaves = self.pullback = None


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


class Operator:
    """An operator of the table, ready to be called on Tensors.

    Attributes:
        op: its declaration.
        records: its compiled programs, by static arguments.
        fn: the pure function; for the in-place form, cast to the type of the first argument.
        alone: whether it may be called without any Tensor.
        check: what looks at the values of the arguments before, and raises.
        check_result: what looks at the values of the result after an eager call, and raises.
        public: the function that users know it by.
    """

    __slots__ = (
        "alone", "check", "check_result", "differentiable", "dynamic", "fn", "inplace", "link", "name", "op", "params",
        "public", "records",
    )  # fmt: skip

    every: ClassVar[list[Operator]] = []
    sparse: ClassVar[Callable[[Operator, tuple[Any, ...]], Any] | None] = None  # what runs one on sparse Tensors

    def __init__(self, op: Op, *, inplace: bool = False) -> None:
        self.op = op
        self.name = op.name.rpartition(".")[2]
        self.inplace = inplace
        self.fn = into_first(op.fn, self.name) if inplace else op.fn
        self.params = tuple((p.kind in _TRACED, p.default, "tensor" if p.strict else p.kind, p.name) for p in op.params)
        self.alone = op.numbers or op.factory or not any(p.kind == "array" for p in op.params)
        self.differentiable = op.differentiable
        self.dynamic = op.dynamic
        self.check = CHECKS.get(op.name)
        self.check_result = RESULT_CHECKS.get(op.name)
        self.records: dict[Any, Record] = {}
        self.link: Callable[..., Any] | None = None
        self.public: Callable[..., Any] | None = None
        Operator.every.append(self)

    def __call__(self, *args: Any) -> Any:
        """Run it on one value for each parameter: Tensors, numbers and static values mixed."""
        tensors: list[Any] = []
        leaves: list[Any] = []
        key: list[Any] = []
        mask = 0
        capture = modes.capture
        grad = modes.grad and self.differentiable
        eager = capture is None
        if modes.autocast is not None:
            args = modes.autocast.inputs(self, args)
        for (traced, default, kind, name), a in zip(self.params, args):  # noqa: B905  (the hot path)
            if traced and isinstance(a, Tensor):
                if a.__class__ not in ORDINARY and modes.overrides and (out := override(self, args)) is not NOBODY:
                    return out
                given: tuple[Any, ...] = (a,)
                key.append(_LEAF)
            elif a is default or a is None:
                key.append(a)
                continue
            else:
                if (
                    kind != "static"
                    and modes.overrides
                    and self._asks(a)
                    and (out := override(self, args)) is not NOBODY
                ):
                    return out
                given = self._other(kind, name, a, key, leaves)
            for t in given:
                if isinstance(t, Tensor):
                    if capture is not None:
                        capture.touch(t)
                    link = t._link
                    if link is not None and link.seen != t._cell[0]:  # type: ignore[index]
                        link.read(t)
                    if grad and t._rg:
                        mask |= 1 << len(leaves)
                    tensors.append(t)
                    t = t._data
                    if t.__class__ is not ArrayImpl:
                        eager = False
                else:
                    tensors.append(t)
                    if isinstance(t, Tracer):
                        eager = False
                leaves.append(t)
        if not eager and any(isinstance(x, Abstract) for x in leaves):
            return meta.run(self, args)
        if not eager and any(isinstance(x, Stored) for x in leaves):
            assert Operator.sparse is not None
            return Operator.sparse(self, args)
        if tensors and not isinstance(tensors[0], Tensor) and not self.alone:
            self._check_some_tensor(tensors)
        if self.check is not None:
            values = [a._data if isinstance(a, Tensor) else a for a in args]
            self.check(dict(zip([p[3] for p in self.params], values, strict=True)))
        static_key = tuple(key)
        record = self.records.get(static_key)
        if record is None:
            record = self.records[static_key] = Record(self._bind(key, args), self.name, self.op.saves)
        if self.dynamic and (self.dynamic is True or self.dynamic(*args)):
            eager = False
        try:
            out = (_eager if eager else run_traced)(record, tensors, leaves, mask)
        except (TypeError, ValueError) as error:
            raise errors.translate(self.name, error, leaves) from error
        if eager and self.check_result is not None:
            values = [a._data if isinstance(a, Tensor) else a for a in args]
            results = tuple(t._data for t in (out if isinstance(out, tuple) else (out,)))
            self.check_result(dict(zip([p[3] for p in self.params], values, strict=True)), results)
        if modes.watch is not None:
            modes.watch(self.name, out)
        if modes.forward is not None:
            modes.forward.push(record, tensors, out)
        if self.link is not None:
            self.link(self, args, out)
        return out

    @property
    def __name__(self) -> str:
        return self.name

    def _asks(self, a: Any) -> bool:
        """Whether an argument, or an element of it, may have a ``__torch_function__``."""
        cls = a.__class__
        if cls is float or cls is int or cls is bool:
            return False
        if cls is list or cls is tuple:
            return any(x.__class__ not in ORDINARY and overrider(x.__class__) is not None for x in a)
        return overrider(cls) is not None

    def _other(self, kind: str, name: str, a: Any, key: list[Any], before: Sequence[Any]) -> tuple[Any, ...]:
        """The traced values in an argument that is no Tensor; what is static goes into ``key``."""
        if kind == "array" or kind == "number" or (kind == "either" and a.__class__ is float):
            key.append(_LEAF)
            return (self._number(a, name),)
        if kind == "arrays":
            if isinstance(a, Tensor):
                raise TypeError(f"{self.name}(): argument '{name}' (position 1) must be tuple of Tensors, not Tensor")
            a = tuple(a)
            if self.op.names:
                self._check_sequence(a, name)
            key.append((_LEAF, len(a)))
            return a
        if kind == "key":
            key.append(_LEAF)
            return (meta.draw() if any(isinstance(x, Abstract) for x in before) else a(),)
        if kind == "tensor":
            if not isinstance(a, jax.Array):
                raise TypeError(f"{self.name}(): argument '{name}' must be Tensor, not {type(a).__name__}")
            key.append(_LEAF)
            return (wrap(a),)
        key.append(a if a.__class__ in _PLAIN else hashable(a))
        return ()

    def _check_some_tensor(self, values: Sequence[Any]) -> None:
        if not any(isinstance(v, Tensor | jax.Array) for v in values):
            raise TypeError(
                f"{self.name}(): argument '{self.params[0][3]}' (position 1) must be Tensor, "
                f"not {type(values[0]).__name__}"
            )

    @classmethod
    def forget_programs(cls) -> None:
        """Start without compiled programs: a rule that they were compiled under has changed."""
        for operator in cls.every:
            operator.records = {}

    def _bind(self, key: Sequence[Any], args: Sequence[Any]) -> Callable[..., Any]:
        """The pure function of the traced leaves, everything else fixed."""
        fn = self.fn
        keywords = [p.name if p.keyword_only else None for p in self.op.params]
        parts = [1 if k is _LEAF else k[1] if k.__class__ is tuple and k and k[0] is _LEAF else None for k in key]
        kinds = [p.kind for p in self.op.params]
        fixed = [None if n is not None else static(a) for n, a in zip(parts, args, strict=True)]

        def bound(*leaves: Any) -> Any:
            given = iter(leaves)
            positional: list[Any] = []
            named: dict[str, Any] = {}
            for n, kind, keyword, value in zip(parts, kinds, keywords, fixed, strict=True):
                if n is not None:
                    value = tuple(next(given) for _ in range(n)) if kind == "arrays" else next(given)
                if keyword is None:
                    positional.append(value)
                else:
                    named[keyword] = value
            return fn(*positional, **named)

        return bound

    def _number(self, a: Any, name: str) -> Any:
        if isinstance(a, np.generic):  # first: NumPy's float64 is a float, and its type is not that of a number
            return a.item()
        if isinstance(a, bool | int | float | complex):
            return a
        if isinstance(a, jax.Array):
            return wrap(a)
        raise TypeError(f"{self.name}(): argument '{name}' must be Tensor or Number, not {type(a).__name__}")

    def _check_sequence(self, a: tuple[Any, ...], name: str) -> None:
        for i, x in enumerate(a):
            if not isinstance(x, Tensor):
                raise TypeError(
                    f"{self.name}(): expected Tensor as element {i} in argument '{name}', but got {type(x).__name__}"
                )


_TRACED = frozenset({"array", "either", "number"})


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
    out = (run_traced if traced else _eager)(record, tensors, leaves, mask)
    if modes.forward is not None:
        modes.forward.push(record, tensors, out)
    return out


def _eager(record: Record, tensors: Sequence[Any], leaves: Sequence[Any], mask: int) -> Any:
    if not mask:
        out = record.plain(*leaves)
        return _pack(out, [wrap(o) for o in out]) if isinstance(out, tuple) else wrap(out)
    out, saved = (record.by_mask.get(mask) or record.taped(mask))(*leaves)
    plan = saved.plan
    node = _new(OpNode if modes.saved_hooks is None else PackedNode)
    node.label = record.name
    node.number = next_number()
    node.hooks = None
    node.plan = plan
    node.residuals = saved.residuals
    node.saved_in = tuple([leaves[i] for i in plan.saved_in])
    edges = []
    slots = []
    for i in plan.diff:
        t = tensors[i]
        edges.append(t if t._node is None else t._node)
        slots.append(t._index)
    node.edges = edges
    node.slots = slots
    node.checks = checks = []
    for i in plan.saved_in if record.name not in INPUT_NOT_NEEDED else ():
        t = tensors[i]
        if isinstance(t, Tensor):
            cell = t._cell
            if cell is None:
                cell = t._cell = [0, 0]
            checks.append((cell, cell[1]))
    node.trace = "".join(traceback.format_stack()[:-3]) if modes.anomaly else None
    if plan.single:
        result = wrap(out)
        if plan.carries[0]:
            result._rg, result._node = True, node
        _keep_outputs(node, (out,), (result,))
        if isinstance(node, PackedNode):
            node.pack()
        return result
    results = [wrap(o) for o in out]
    for i, (t, carries) in enumerate(zip(results, plan.carries, strict=True)):
        if carries:
            t._rg, t._node, t._index = True, node, i
    _keep_outputs(node, out, results)
    if isinstance(node, PackedNode):
        node.pack()
    return _pack(out, results)


def _keep_outputs(node: OpNode, arrays: Sequence[Any], results: Sequence[Tensor]) -> None:
    """Hold the outputs that the backward needs, and note their versions (not the Tensors: that would be a cycle)."""
    wanted = node.plan.saved_out
    node.saved_out = tuple([arrays[i] for i in wanted])
    for i in wanted if node.label in RESULT_NEEDED else ():
        cell = results[i]._cell = [0, 0]
        node.checks.append((cell, 0))


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
        for i, (t, carries) in enumerate(zip(results, plan.carries, strict=True)):
            if carries:
                t._rg, t._node, t._index = True, node, i
    return results[0] if plan.single else _pack(out, results)


def _stop(x: Any) -> Any:
    return lax.stop_gradient(x) if isinstance(x, jax.Array) and rules.is_inexact(x.dtype) else x


def _pack(like: Any, items: list[Tensor]) -> Any:
    """``items`` as the kind of tuple that the operator returned."""
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


def static(a: Any) -> Any:
    """A static argument as the pure function wants it: no Tensors, no lists, NumPy's dtypes."""
    if isinstance(a, Tensor):
        return tuple(a.tolist()) if a.ndim == 1 else a.item()
    if isinstance(a, types.dtype) or (isinstance(a, type) and a in (bool, int, float, complex)):
        return types.to_np(a)
    if isinstance(a, list | tuple):
        return tuple(static(x) for x in a)
    return a.item() if isinstance(a, np.generic) else a


def hashable(a: Any) -> Any:
    """A key that tells static arguments apart, by type too (``1``, ``1.0`` and ``True`` are equal in Python)."""
    if isinstance(a, list | tuple):
        return tuple([x if x.__class__ in _PLAIN else hashable(x) for x in a])
    a = static(a)
    return (a.__class__, repr(a)) if isinstance(a, float) else (a.__class__, a)


def into_first(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    """``fn`` with its result brought to the type of its first argument, as an in-place operator needs."""

    def inplace(input: Any, *args: Any, **kwargs: Any) -> Any:
        out = fn(input, *args, **kwargs)
        first = out[0] if isinstance(out, tuple) else out
        if first.shape != input.shape:
            raise RuntimeError(
                f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(first.shape)}"
            )
        errors.check_result_cast(first.dtype, input.dtype)
        return rules.cast(first, input.dtype)

    return inplace
