"""Operations with a backward of the user's own: torch.autograd.Function."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
from jax.core import Tracer

from fxtorch.autograd.context import Context, FunctionCtx
from fxtorch.autograd.custom_rules import call_in_jax
from fxtorch.autograd.returned import aval_of, checked_gradients, materialized
from fxtorch.ops import dtypes as rules
from fxtorch.tensor.dispatch import check_writable
from fxtorch.tensor.modes import modes
from fxtorch.tensor.structure import structure
from fxtorch.tensor.tape import Node
from fxtorch.tensor.tensor import Tensor, unwrap, unwrap_aval, wrap

__all__ = ["Function", "FunctionCtx", "NestedIOFunction", "once_differentiable"]


class FunctionNode(Node):
    """A call of a :class:`Function` on the tape; attributes of its context can be read through it."""

    def __init__(self, function: type[Function], ctx: Context, args: Sequence[Any]) -> None:
        wanting = [a for a, needed in zip(args, ctx.needs_input_grad, strict=True) if needed]
        super().__init__(
            function.__name__, [a if a._node is None else a._node for a in wanting], [a._index for a in wanting]
        )
        self.function = function
        self.ctx = ctx
        self.inputs = tuple(aval_of(a) for a in args)
        self.outputs: tuple[Any, ...] = ()
        self.used = False
        self.trace = "".join(traceback.format_stack()[:-2]) if modes.anomaly else None

    def __getattr__(self, name: str) -> Any:
        if name in Node.__slots__:
            raise AttributeError(name)
        return getattr(self.ctx, name)

    @property
    def n_outputs(self) -> int:  # type: ignore[override]
        """How many results the call had."""
        return len(self.outputs)

    @property
    def leaves(self) -> Any:
        """None once a backward has used the Node up."""
        return None if self.used else self.inputs

    @property
    def frees(self) -> bool:  # type: ignore[override]
        """Whether it saved Tensors."""
        return bool(self.ctx._saved)

    def counters(self) -> list[tuple[list[int], int]]:
        """The counters of changes of the saved Tensors, with their versions then."""
        return [(s.cell, s.version) for s in self.ctx._saved or () if s is not None and s.open is None]

    def name(self) -> str:
        """torch's name of this step of the graph."""
        return f"{self.label}Backward"

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Run the user's backward on arrays."""
        grads = self.pull_tensors([None if ct is None else wrap(ct) for ct in cts])
        return [None if g is None else unwrap(g) for g in grads]

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Run the user's backward; what it does is recorded where gradients are."""
        given = materialized(self.ctx, cts, self.outputs)
        grads = checked_gradients(self.name(), self.function.backward(self.ctx, *given), self.inputs)
        return [g for g, needed in zip(grads, self.ctx.needs_input_grad, strict=True) if needed]

    def release(self) -> None:
        """Drop the saved Tensors; a Node that saved none can be used again."""
        self.used = True
        self.ctx._release()


class Function:
    """An operation with a backward of its own.

    Write ``forward`` and ``backward`` as static methods and call :meth:`apply`.  Where JAX differentiates
    (``fxtorch.func.grad``, ``jax.grad``), ``backward`` is the derivative too.

    >>> import fxtorch as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * g
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    >>> torch.func.grad(Cube.apply)(torch.tensor(2.0))
    tensor(12.)
    """

    generate_vmap_rule: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function is not allowed."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result: ``forward(ctx, *args)``, or ``forward(*args)`` beside a :meth:`setup_context`."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what ``backward`` needs, where ``forward`` has no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """A gradient, or None, for each argument of ``forward``, from the gradients of its results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The derivatives of the results from those of the arguments (None where there is none): forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "vjp" in cls.__dict__ and "backward" not in cls.__dict__:
            cls.backward = cls.__dict__["vjp"]  # type: ignore[method-assign]

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record ``backward`` for it.

        Raises:
            TypeError: keyword arguments are given and ``forward`` takes a ``ctx``.
        """
        separate = cls.setup_context is not Function.setup_context
        if separate:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args = bound.args
        elif kwargs:
            raise TypeError(f"{cls.__name__}.apply() takes no keyword arguments")
        wants = tuple(modes.grad and isinstance(a, Tensor) and a.requires_grad for a in args)
        traced = any(isinstance(a, Tensor) and isinstance(unwrap(a), Tracer) for a in args)
        if traced and not any(wants):
            return call_in_jax(cls, args)
        ctx = Context(wants)
        before, level = modes.grad, modes.forward
        node = FunctionNode(cls, ctx, args) if any(wants) else None
        modes.grad, modes.forward = False, None
        try:
            out = cls.run_forward(ctx, args)
        finally:
            modes.grad, modes.forward = before, level
        in_place = bool(ctx._dirty)
        result = _recorded(node, ctx, args, out)
        if traced and node is not None and not in_place:
            _differentiable_by_jax(cls, args, result)
        if level is not None:
            cls._push_tangents(ctx, args, result)
        return result

    @classmethod
    def _push_tangents(cls, ctx: Context, args: Sequence[Any], result: Any) -> None:
        """Give the results the tangents that the user's ``jvp`` makes of those of the arguments."""
        tangents = [a.__dict__.get("_tangent") if isinstance(a, Tensor) else None for a in args]
        if all(t is None for t in tangents):
            return
        pushed = cls.jvp(ctx, *tangents)
        results, pushed = (x if isinstance(x, tuple) else (x,) for x in (result, pushed))
        for t, tangent in zip(results, pushed, strict=True):
            if isinstance(t, Tensor):
                modes.forward.give(t, tangent)

    @classmethod
    def run_forward(cls, ctx: Any, args: Sequence[Any]) -> Any:
        """Call the user's ``forward`` in whichever of the two styles it is written."""
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args)
        out = cls.forward(*args)
        cls.setup_context(ctx, tuple(args), out)
        return out


def _differentiable_by_jax(cls: type[Function], args: Sequence[Any], out: Any) -> None:
    """Let JAX, too, differentiate the results by the user's backward."""
    again = call_in_jax(cls, args)
    pairs = zip(*((x if isinstance(x, tuple) else (x,)) for x in (out, again)), strict=True)
    for result, twin in pairs:
        if isinstance(result, Tensor) and result._link is None:
            result._data = unwrap(twin)


def _recorded(node: FunctionNode | None, ctx: Context, args: Sequence[Any], out: Any) -> Any:
    """The results of a forward, made differentiable by ``node``."""
    results = list(out) if isinstance(out, tuple) else [out]
    given = {id(a) for a in args if isinstance(a, Tensor)}
    original = list(results)
    for i, t in enumerate(results):
        if not isinstance(t, Tensor):
            continue
        dirty = id(t) in ctx._dirty
        if dirty and node is not None:
            check_writable(t)
        elif not dirty and (id(t) in given or t._link is not None or (t._rg and node is not None)):
            results[i] = t = wrap(unwrap(t))
        if node is not None:
            if id(original[i]) in ctx._constant or not rules.is_inexact(unwrap_aval(t).dtype):
                t._rg = False
            else:
                t._rg, t._node, t._index = True, node, i
    if ctx._dirty:
        structure.changed()
    if node is not None:
        node.outputs = tuple(aval_of(t) for t in results)
    ctx._save(node, original, results)
    return type(out)(*results) if hasattr(out, "_fields") else tuple(results) if isinstance(out, tuple) else results[0]


class _TwiceError(Node):
    """Stands behind the results of a backward that may be differentiated only once."""

    __slots__ = ()

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Raise."""
        raise RuntimeError(_TWICE)

    pull_tensors = pull


_TWICE = "trying to differentiate twice a function that was marked with @once_differentiable"


@jax.custom_jvp
def _only_once(out: Any) -> Any:
    return out


@_only_once.defjvp
def _refuse(primals: Any, tangents: Any) -> Any:
    raise RuntimeError(_TWICE)


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a ``backward`` that is not itself differentiable: a second derivative through it raises."""

    @functools.wraps(fn)
    def backward(ctx: Any, *cts: Any) -> Any:
        tensors = [ct for ct in cts if isinstance(ct, Tensor)]
        behind = [t for t in (*tensors, *ctx.saved_tensors) if isinstance(t, Tensor) and t.requires_grad]
        traced = any(isinstance(unwrap(t), Tracer) for t in (*tensors, *ctx.saved_tensors) if t is not None)
        twice = modes.grad
        modes.grad = twice and traced and not behind
        try:
            out = fn(ctx, *cts)
        finally:
            modes.grad = twice
        if not twice or not (behind or traced):
            return out
        grads = list(out) if isinstance(out, tuple) else [out]
        for i, g in enumerate(grads):
            if not isinstance(g, Tensor):
                continue
            if not behind:
                grads[i] = wrap(_only_once(unwrap(g)))
                continue
            grads[i] = g = wrap(unwrap(g))
            edges = [t if t._node is None else t._node for t in behind]
            g._rg, g._node = True, _TwiceError("error", edges, [t._index for t in behind])
        return tuple(grads)

    return backward


class NestedIOFunction(Function):
    """torch's name for Functions of nested arguments; they are ordinary ones here."""
