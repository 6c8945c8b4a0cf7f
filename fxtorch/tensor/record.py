"""Compiled programs of one operator: its forward, its forward with tape, and its backward.

A :class:`Record` belongs to one pure function of arrays (an operator with its static arguments bound).  ``jax.jit``
keys its own programs by shapes and types; what the tape must know of each (which inputs and outputs the derivative
needs) is decided while the program is traced, and comes back with the result as the static part of a pytree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.interpreters import partial_eval as pe

from fxtorch.ops import dtypes
from fxtorch.ops.xla import compiled_anywhere
from fxtorch.tensor.overwriting import INPUT_NOT_NEEDED, RESULT_NEEDED

Arrays = tuple[Any, ...]


class Plan:
    """What a taped forward saves, and how its backward uses it.

    Attributes:
        saved_in: positions of the inputs that the backward needs; they are held by reference.
        saved_out: positions of the outputs that it needs.
        saves_all: whether ``saved_in`` is all inputs, in order.
        checked_in: the saved inputs whose values must not change before the backward, and ``checked_out``: the outputs.
        opaque: whether it also needs residuals that are neither.
        passes: whether the gradient of each input is the cotangent itself, so that nothing is to be computed.
        single: whether the result is one array, not a tuple.
        pack: makes the operator's kind of tuple of its results.
        carries: for each output, whether it carries a gradient.
        backward: compiled ``(saved inputs, saved outputs, residuals, cotangents) -> gradients``.
        pure: the same without residuals, not compiled, to be differentiated once more.
    """

    __slots__ = (
        "avals", "backward", "carries", "checked_in", "checked_out", "diff", "doubles", "opaque", "pack", "passes",
        "pure", "saved_in", "saved_out", "saves_all", "single",
    )  # fmt: skip

    def __init__(self, diff: tuple[int, ...], out: Any) -> None:
        outs = outputs(out)
        self.diff = diff
        self.single = not isinstance(out, tuple)
        self.pack: Callable[[Arrays], Any] = type(out)._make if hasattr(out, "_make") else tuple
        self.avals = tuple((o.shape, o.dtype) for o in outs)
        self.carries = tuple(dtypes.is_inexact(o.dtype) for o in outs)
        self.saved_in: tuple[int, ...] = ()
        self.saved_out: tuple[int, ...] = ()
        self.saves_all = False
        self.checked_in: tuple[int, ...] = ()
        self.checked_out: tuple[int, ...] = ()
        self.opaque = False
        self.passes = False
        self.backward: Callable[..., Any] = _no_backward
        self.pure: Callable[..., Any] = _no_backward
        self.doubles: dict[tuple[bool, ...], Record] = {}

    def settle(self, name: str, count: int) -> Plan:
        """Derive what follows from the places that are saved, of the ``count`` inputs of the operator ``name``."""
        self.saves_all = self.saved_in == tuple(range(count))
        self.checked_in = () if name in INPUT_NOT_NEEDED else self.saved_in
        self.checked_out = self.saved_out if name in RESULT_NEEDED else ()
        return self

    def double(self, present: tuple[bool, ...]) -> Record:
        """The backward as a differentiable function of saved values and of the cotangents that are present."""
        record = self.doubles.get(present)
        if record is None:
            n_in, n_out = len(self.saved_in), len(self.saved_out)

            def fn(*leaves: Any) -> Any:
                given = iter(leaves[n_in + n_out :])
                cts = tuple(next(given) if p else None for p in present)
                return self.pure(leaves[:n_in], leaves[n_in : n_in + n_out], cts)

            record = self.doubles[present] = Record(fn, "backward", "residuals")
        return record


def _no_backward(*_: Any) -> Any:
    raise AssertionError("a plan without outputs that carry a gradient has no backward")


class Saved:
    """The residuals of a taped forward, with its plan as the static part."""

    __slots__ = ("plan", "residuals")

    def __init__(self, plan: Plan, residuals: Arrays) -> None:
        self.plan = plan
        self.residuals = residuals


jax.tree_util.register_pytree_node(Saved, lambda s: (s.residuals, s.plan), Saved)


def outputs(out: Any) -> tuple[Any, ...]:
    """The results of an operator as a tuple."""
    return tuple(out) if isinstance(out, tuple) else (out,)


def cotangents(plan: Plan, cts: Sequence[Any]) -> Any:
    """Cotangents as ``jax.vjp`` wants them: zeros where there is none, float0 where none can be."""
    full = tuple(
        np.zeros(shape, jax.dtypes.float0)
        if not carries
        else jnp.zeros(shape, dtype)
        if ct is None
        else _conj(dtypes.cast(ct, dtype))
        for ct, (shape, dtype), carries in zip(cts, plan.avals, plan.carries, strict=True)
    )
    return full[0] if plan.single else plan.pack(full)


def pull_back(pullback: Callable[..., Any], plan: Plan, cts: Sequence[Any]) -> Arrays:
    """The gradients that ``jax.vjp``'s pullback gives, in torch's convention: JAX's are their complex conjugates."""
    return tuple(_conj(g) for g in pullback(cotangents(plan, cts)))


def _conj(x: Any) -> Any:
    return lax.conj(x) if dtypes.is_complex(x.dtype) else x


class Record:
    """The compiled programs of one pure function of arrays.

    Args:
        fn: takes arrays (and Python numbers), returns an array or a tuple of arrays.
        name: what to call it in ``grad_fn``.
        saves: see :func:`fxtorch.ops.table.op`.
        lasting: whether it is of the table of operators, and holds nothing of the call that it was made for.
    """

    __slots__ = ("by_mask", "fn", "lasting", "name", "plain", "saves")

    def __init__(self, fn: Callable[..., Any], name: str, saves: str, *, lasting: bool = False) -> None:
        def strong(*leaves: Any) -> Any:
            out = fn(*leaves)
            if isinstance(out, list):
                out = tuple(out)
            return jax.tree.map(_strong, out)

        strong.__name__ = strong.__qualname__ = name
        self.fn = strong
        self.name = name
        self.saves = saves
        self.lasting = lasting
        self.plain = compiled_anywhere(strong)
        self.by_mask: dict[int, Callable[..., Any]] = {}

    def taped(self, mask: int) -> Callable[..., Any]:
        """The compiled forward with tape; bit ``i`` of ``mask`` says that input ``i`` wants a gradient."""
        forward = self.by_mask.get(mask)
        if forward is None:
            forward = self.by_mask[mask] = compiled_anywhere(self._forward(mask))
        return forward

    def closed(self, leaves: Sequence[Any], diff: tuple[int, ...]) -> Callable[..., Any]:
        """The function of the inputs ``diff`` alone, the others fixed to ``leaves``."""

        def of_diff(*values: Any) -> Any:
            full = list(leaves)
            for i, value in zip(diff, values, strict=True):
                full[i] = value
            return self.fn(*full)

        return of_diff

    def saved(self, leaves: Arrays, diff: tuple[int, ...]) -> Plan:
        """What a taped call of its own with these inputs would save; nothing is run."""
        return jax.eval_shape(self._forward(sum(1 << i for i in diff)), *leaves)[1].plan

    def _forward(self, mask: int) -> Callable[..., Any]:
        def forward(*leaves: Any) -> tuple[Any, Saved]:
            diff = tuple(i for i in range(len(leaves)) if mask >> i & 1)
            out, pullback = jax.vjp(self.closed(leaves, diff), *(leaves[i] for i in diff))
            outs = outputs(out)
            plan = Plan(diff, out)
            if not any(plan.carries):
                return out, Saved(plan.settle(self.name, len(leaves)), ())
            residuals, tree = jax.tree.flatten(pullback)
            places, opaque = _places(residuals, leaves, outs)
            if opaque and self.saves == "inputs":
                self._recompute(plan, leaves)
                return out, Saved(plan.settle(self.name, len(leaves)), ())
            self._by_reference(plan, tree, places, leaves, bool(opaque))
            return out, Saved(plan.settle(self.name, len(leaves)), tuple(opaque))

        forward.__name__ = forward.__qualname__ = self.name
        return forward

    def _by_reference(self, plan: Plan, tree: Any, places: list[tuple[str, int]], leaves: Arrays, opaque: bool) -> None:
        """Fill ``plan`` for a backward whose residuals are inputs, outputs and (if ``opaque``) others."""
        plan.saved_in = tuple(sorted({i for kind, i in places if kind == "in"}))
        plan.saved_out = tuple(sorted({i for kind, i in places if kind == "out"}))
        plan.opaque = opaque
        n_in, n_out = plan.saved_in, plan.saved_out

        def backward(saved_in: Arrays, saved_out: Arrays, residuals: Arrays, cts: Arrays) -> Any:
            box = {"in": dict(zip(n_in, saved_in, strict=True)), "out": dict(zip(n_out, saved_out, strict=True))}
            box["opaque"] = dict(enumerate(residuals))
            pullback = jax.tree.unflatten(tree, [box[kind][i] for kind, i in places])
            return pull_back(pullback, plan, cts)

        plan.backward = _named(backward, self.name)
        if opaque:  # a second derivative must see the inputs, which the residuals hide
            plan.saved_in, again = self._recomputed(plan, leaves, keep=plan.saved_in)
            n_in_all = plan.saved_in

            def with_all(saved_in: Arrays, saved_out: Arrays, residuals: Arrays, cts: Arrays) -> Any:
                kept = tuple(v for i, v in zip(n_in_all, saved_in, strict=True) if i in n_in)
                return backward(kept, saved_out, residuals, cts)

            plan.backward = _named(with_all, self.name)
            plan.pure = lambda saved_in, saved_out, cts: again(saved_in, cts)
        else:
            plan.pure = lambda saved_in, saved_out, cts: backward(saved_in, saved_out, (), cts)
            plan.passes = plan.single and not places and _passes(plan)

    def _recompute(self, plan: Plan, leaves: Arrays) -> None:
        """Fill ``plan`` for a backward that runs the forward again from the inputs that it needs."""
        plan.saved_in, again = self._recomputed(plan, leaves, keep=())
        plan.backward = _named(lambda saved_in, saved_out, residuals, cts: again(saved_in, cts), self.name)
        plan.pure = lambda saved_in, saved_out, cts: again(saved_in, cts)

    def _recomputed(
        self, plan: Plan, leaves: Arrays, keep: tuple[int, ...]
    ) -> tuple[tuple[int, ...], Callable[..., Any]]:
        avals = [jax.typeof(jnp.asarray(x)) if not hasattr(x, "dtype") else jax.typeof(x) for x in leaves]

        def pull(full: Sequence[Any], cts: Arrays) -> Any:
            pullback = jax.vjp(self.closed(full, plan.diff), *(full[i] for i in plan.diff))[1]
            return pull_back(pullback, plan, cts)

        shaped = [jax.ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in avals]
        cts = tuple(
            jax.ShapeDtypeStruct(s, d) if c else None for (s, d), c in zip(plan.avals, plan.carries, strict=True)
        )
        jaxpr = jax.make_jaxpr(pull)(shaped, cts).jaxpr
        used = pe.dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))[1]
        needed = tuple(i for i in range(len(leaves)) if used[i] or i in keep)
        absent = {i: (a.shape, a.dtype) for i, a in enumerate(avals) if i not in needed}

        def again(saved_in: Arrays, cts: Arrays) -> Any:
            box = dict(zip(needed, saved_in, strict=True))
            full = [box[i] if i in box else jnp.zeros(*absent[i]) for i in range(len(avals))]
            return pull(full, cts)

        return needed, again


def _strong(x: Any) -> Any:
    return lax.convert_element_type(x, x.dtype) if getattr(x, "weak_type", False) else x


def _named(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    def backward(saved_in: Arrays, saved_out: Arrays, residuals: Arrays, cts: Arrays) -> Any:
        return fn(saved_in, saved_out, residuals, cts)

    backward.__name__ = backward.__qualname__ = f"{name}_backward"
    return compiled_anywhere(backward)


def _passes(plan: Plan) -> bool:
    """Whether a backward that saved nothing hands its cotangent on as it is."""
    ((shape, dtype),) = plan.avals
    jaxpr = jax.make_jaxpr(lambda ct: plan.pure((), (), (ct,)))(jax.ShapeDtypeStruct(shape, dtype)).jaxpr
    return all(out is jaxpr.invars[0] for out in jaxpr.outvars)


def _places(residuals: Sequence[Any], leaves: Arrays, outs: Arrays) -> tuple[list[tuple[str, int]], list[Any]]:
    """Where each residual comes from: an input, an output, or neither (collected in the second result)."""
    inputs = {id(x): i for i, x in enumerate(leaves)}
    results = {id(x): i for i, x in enumerate(outs)}
    places: list[tuple[str, int]] = []
    opaque: list[Any] = []
    for r in residuals:
        if id(r) in inputs:
            places.append(("in", inputs[id(r)]))
        elif id(r) in results:
            places.append(("out", results[id(r)]))
        else:
            places.append(("opaque", len(opaque)))
            opaque.append(r)
    return places, opaque
