"""A Function where JAX differentiates: its backward as ``jax.custom_vjp``, its jvp as ``jax.custom_jvp``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from fxtorch.autograd.context import Context
from fxtorch.autograd.returned import aval_of, checked_gradients, materialized
from fxtorch.ops.gradient import in_forward_mode
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tensor import Tensor, unwrap, wrap

_forward: ContextVar[bool] = ContextVar("fxtorch_innermost_derivative_is_forward", default=False)


@contextlib.contextmanager
def innermost_derivative(*, forward: bool) -> Iterator[None]:
    """Say which derivative the innermost transformation around the code takes."""
    token = _forward.set(forward)
    try:
        yield
    finally:
        _forward.reset(token)


class _Kept:
    """A context between forward and backward: its arrays are traced, the rest of it is static."""

    def __init__(self, arrays: Sequence[Any], tree: Any, static: Sequence[Any], kinds: Sequence[str]) -> None:
        self.arrays = arrays
        self.rest = (tree, static, kinds)

    @classmethod
    def of(cls, ctx: Context) -> _Kept:
        leaves, tree = jax.tree.flatten(ctx.__dict__, is_leaf=lambda x: isinstance(x, Tensor))
        kinds = ["tensor" if isinstance(x, Tensor) else "array" if isinstance(x, jax.Array) else "" for x in leaves]
        arrays = [unwrap(x) if k == "tensor" else x for x, k in zip(leaves, kinds, strict=True) if k]
        return cls(arrays, tree, [None if k else x for x, k in zip(leaves, kinds, strict=True)], kinds)

    def context(self) -> Context:
        tree, static, kinds = self.rest
        given = iter(self.arrays)
        leaves = [
            wrap(next(given)) if k == "tensor" else next(given) if k else x for x, k in zip(static, kinds, strict=True)
        ]
        ctx = object.__new__(Context)
        ctx.__dict__.update(jax.tree.unflatten(tree, leaves))
        return ctx


def _unflatten_kept(rest: Any, arrays: Sequence[Any]) -> _Kept:
    return _Kept(arrays, *rest.value)


class _Static:
    """Something that a pytree carries along without comparing it."""

    def __init__(self, value: Any) -> None:
        self.value = value


jax.tree_util.register_pytree_node(_Kept, lambda k: (k.arrays, _Static(k.rest)), _unflatten_kept)


class _Call:
    """One call of a Function on Tensors that JAX traces.  JAX keeps it, so that it holds no Tensor."""

    def __init__(self, function: Any, args: Sequence[Any]) -> None:
        self.function = function
        self.args = [None if isinstance(a, Tensor) else a for a in args]
        self.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.inputs = [aval_of(a) for a in args]
        self.kind: Any = None
        self.results: list[Any] = []
        self.dirty: dict[int, int] = {}

    def forward(self, arrays: Sequence[Any], *, grad: bool = False) -> tuple[tuple[Any, ...], Context]:
        """The arrays among the results, and the context; what else there is to know of the results is noted."""
        args = list(self.args)
        for i, array in zip(self.places, arrays, strict=True):
            args[i] = wrap(array)
        ctx = Context(tuple(i in self.places for i in range(len(args))))
        with _grad_mode(grad):
            out = self.function.run_forward(ctx, args)
        self.kind = type(out) if isinstance(out, tuple) else None
        results = list(out) if isinstance(out, tuple) else [out]
        position = {id(a): i for i, a in enumerate(args) if isinstance(a, Tensor)}
        self.dirty = {i: position[id(t)] for i, t in enumerate(results) if id(t) in ctx._dirty}
        flat = tuple(
            jax.lax.stop_gradient(unwrap(t)) if id(t) in ctx._constant else unwrap(t)
            for t in results
            if isinstance(t, Tensor)
        )
        self.results = [None if isinstance(t, Tensor) else t for t in results]
        self.outputs = [aval_of(t) for t in results]
        ctx._saved = ()
        ctx._dirty, ctx._constant = {}, {}
        return flat, ctx

    def backward(self, kept: _Kept, cts: Sequence[Any]) -> tuple[Any, ...]:
        """Gradients of the traced arguments, by the user's backward."""
        given = iter(cts)
        tensors = [
            None if ct is None or ct.dtype == jax.dtypes.float0 else wrap(ct)
            for aval, ct in ((aval, None if aval is None else next(given)) for aval in self.outputs)
        ]
        ctx = kept.context()
        with _grad_mode(True):
            grads = self.function.backward(ctx, *materialized(ctx, tensors, self.outputs))
            found = checked_gradients(f"{self.function.__name__}Backward", grads, self.inputs)
        return tuple(None if found[i] is None else unwrap(found[i]) for i in self.places)  # type: ignore[arg-type]

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        """Results and their derivatives, by the user's jvp."""
        flat, ctx = self.forward(primals)
        by_place = {
            i: None if t.dtype == jax.dtypes.float0 else wrap(t) for i, t in zip(self.places, tangents, strict=True)
        }
        with _grad_mode(True):
            out = self.function.jvp(ctx, *(by_place.get(i) for i in range(len(self.args))))
        found = [t for t, aval in zip(out if isinstance(out, tuple) else (out,), self.outputs, strict=True) if aval]
        return flat, tuple(
            _zero(x) if t is None else unwrap(t).astype(x.dtype) for x, t in zip(flat, found, strict=True)
        )

    def dress(self, flat: Sequence[Any], args: Sequence[Any]) -> Any:
        """The results as ``forward`` returned them, on the arrays ``flat``; arguments it changed are changed."""
        given = iter(flat)
        results = [
            wrap(next(given)) if aval is not None else x for x, aval in zip(self.results, self.outputs, strict=True)
        ]
        for i, place in self.dirty.items():
            args[place]._rebind(unwrap(results[i]))
            results[i] = args[place]
        if self.kind is None:
            return results[0]
        return self.kind(*results) if hasattr(self.kind, "_fields") else tuple(results)


def _zero(x: Any) -> Any:
    inexact = jax.numpy.issubdtype(x.dtype, jax.numpy.inexact)
    return jax.numpy.zeros(x.shape, x.dtype) if inexact else np.zeros(x.shape, jax.dtypes.float0)


@contextlib.contextmanager
def _grad_mode(value: bool) -> Iterator[None]:
    before, modes.grad = modes.grad, value
    try:
        yield
    finally:
        modes.grad = before


def call_in_jax(function: Any, args: Sequence[Any]) -> Any:
    """Call ``function`` on Tensors of which some are traced, with its own derivative as JAX's.

    In forward mode a Function without ``jvp`` is differentiated as it is written.
    """
    call = _Call(function, args)
    arrays = [unwrap(args[i]) for i in call.places]
    if not _forward.get():
        primal = jax.custom_vjp(lambda *values: call.forward(values)[0])

        def forward(*values: Any) -> tuple[Any, _Kept]:
            flat, ctx = call.forward(values, grad=in_forward_mode())
            kept = _Kept.of(ctx)
            if not in_forward_mode() and any(
                isinstance(v, Tracer) for v in values
            ):  # a derivative around this one: by the rule, too
                outer = primal(*values)
                again = dict(zip(map(id, flat), outer, strict=True))
                kept.arrays = [again.get(id(a), a) for a in kept.arrays]
                flat = outer
            return flat, kept

        primal.defvjp(forward, call.backward)
        return call.dress(primal(*arrays), args)
    if "jvp" in {name for cls in function.__mro__[:-2] for name in cls.__dict__}:
        primal = jax.custom_jvp(lambda *values: call.forward(values)[0])
        primal.defjvp(call.jvp)
        return call.dress(primal(*arrays), args)
    return call.dress(call.forward(arrays, grad=True)[0], args)
