"""An operator of the table, ready to be called on Tensors: it reads the arrays and finds the compiled program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any, ClassVar

import jax
import numpy as np
from jax._src.array import ArrayImpl  # making an array to ask for its type would start the backend
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.ops.bounds import CHECKS
from fxtorch.ops.singular import RESULT_CHECKS
from fxtorch.ops.table import Op
from fxtorch.tensor import arguments, errors, meta
from fxtorch.tensor import dtype as types
from fxtorch.tensor.execute import run_eager, run_traced
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.overriding import NOBODY, ORDINARY, override, overrider
from fxtorch.tensor.record import Record
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.tensor import Tensor, wrap
from fxtorch.tensor.tracing import traces

_LEAF = object()  # stands in a record's key for an argument that is traced
_PLAIN = frozenset({int, str, type(None)})  # values that no value of another type equals
_TRACED = frozenset({"array", "either", "number"})


class Operator:
    """An operator of the table, ready to be called on Tensors.

    Attributes:
        op: its declaration.
        records: its compiled programs, by static arguments.
        fn: the pure function; for the in-place form, cast to the type of the first argument.
        alone: whether it may be called without any Tensor.
        called: its name as torch's errors have it.
        wants: for each static parameter, what its argument must be (:func:`arguments.wanted`).
        check: what looks at the values of the arguments before, and raises.
        check_result: what looks at the values of the result after an eager call, and raises.
        public: the function that users know it by.
        usual: the programs for Tensors alone, all other arguments left at their defaults, once there are any.
    """

    __slots__ = (
        "alone", "called", "check", "check_result", "differentiable", "dynamic", "fn", "inplace", "link", "name", "op",
        "params", "public", "records", "usual", "wants",
    )  # fmt: skip

    every: ClassVar[list[Operator]] = []
    sparse: ClassVar[Callable[[Operator, tuple[Any, ...]], Any] | None] = None  # what runs one on sparse Tensors

    def __init__(self, op: Op, *, inplace: bool = False) -> None:
        self.op = op
        self.name = op.name.rpartition(".")[2]
        self.inplace = inplace
        self.called = arguments.called(op, inplace)
        self.wants = tuple(
            arguments.wanted(p.annotation) if p.kind in ("static", "either") else None for p in op.params
        )
        self.fn = into_first(op.fn, self.name) if inplace else op.fn
        self.params = tuple((p.kind in _TRACED, p.default, "tensor" if p.strict else p.kind, p.name) for p in op.params)
        self.alone = op.numbers or op.factory or not any(p.kind == "array" for p in op.params)
        self.differentiable = op.differentiable
        self.dynamic = op.dynamic
        self.check = CHECKS.get(op.name)
        self.check_result = RESULT_CHECKS.get(op.name)
        self.records: dict[Any, Record] = {}
        self.usual: Record | None = None
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
        if not eager and capture is None and any(isinstance(x, Tracer) for x in leaves):
            traces.wait()
            if any(isinstance(t, Tensor) and t._data is not x for t, x in zip(tensors, leaves, strict=True)):
                return self(*args)  # they were another thread's, and are gone
        if not eager and any(isinstance(x, Abstract) for x in leaves):
            return meta.run(self, args)
        if not eager and any(isinstance(x, Stored) for x in leaves):
            assert Operator.sparse is not None
            return Operator.sparse(self, args)
        if tensors and not isinstance(tensors[0], Tensor) and not self.alone:
            self._check_some_tensor(tensors)
        static_key = tuple(key)
        try:
            record = self.records.get(static_key)
        except TypeError:  # not hashable
            arguments.check(self, args)
            raise
        if record is None:
            if modes.overrides and (out := override(self, args)) is not NOBODY:  # a size may ask, too
                return out
            arguments.check(self, args)
        if self.check is not None:
            values = [a._data if isinstance(a, Tensor) else a for a in args]
            self.check(dict(zip([p[3] for p in self.params], values, strict=True)))
        if record is None:
            bound = self._bind(key, args)
            record = self.records[static_key] = Record(bound, self.name, self.op.saves, lasting=True)
            if all(
                k is _LEAF if p[0] and p[1] is Parameter.empty else k is p[1]
                for k, p in zip(key, self.params, strict=True)
            ):
                self.usual = record
        if self.dynamic and (self.dynamic is True or self.dynamic(*args)):
            eager = False
        try:
            out = (run_eager if eager else run_traced)(record, tensors, leaves, mask)
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
            return (self._number(a, name, kind),)
        if kind == "arrays":
            if isinstance(a, Tensor):
                raise arguments.wrong(self, name, "tuple of Tensors", a)
            try:
                a = tuple(a)
            except TypeError:
                raise arguments.wrong(self, name, "tuple of Tensors", a) from None
            if self.op.names:
                self._check_sequence(a, name)
            key.append((_LEAF, len(a)))
            return a
        if kind == "key":
            key.append(_LEAF)
            return (meta.draw() if any(isinstance(x, Abstract) for x in before) else a(),)
        if kind == "tensor":
            if not isinstance(a, jax.Array):
                raise arguments.wrong(self, name, "Tensor", a)
            key.append(_LEAF)
            return (wrap(a),)
        key.append(a if a.__class__ in _PLAIN else hashable(a))
        return ()

    def _check_some_tensor(self, values: Sequence[Any]) -> None:
        if not any(isinstance(v, Tensor | jax.Array) for v in values):
            raise arguments.wrong(self, self.params[0][3], "Tensor", values[0])

    @classmethod
    def forget_programs(cls) -> None:
        """Start without compiled programs: a rule that they were compiled under has changed."""
        for operator in cls.every:
            operator.records = {}
            operator.usual = None

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

    def _number(self, a: Any, name: str, kind: str) -> Any:
        if isinstance(a, np.generic):  # first: NumPy's float64 is a float, and its type is not that of a number
            return a.item()
        if isinstance(a, bool | int | float | complex):
            return a
        if isinstance(a, jax.Array):
            return wrap(a)
        raise arguments.wrong(self, name, "Number" if kind == "number" else "Tensor", a)

    def _check_sequence(self, a: tuple[Any, ...], name: str) -> None:
        for i, x in enumerate(a):
            if not isinstance(x, Tensor):
                at = [p.name for p in self.op.params].index(name)
                raise TypeError(f"expected Tensor as element {i} in argument {at}, but got {type(x).__name__}")


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
