"""Branches and loops that depend on values, eagerly and in a compiled function: cond, while_loop, scan and map.

Eagerly they are Python's ``if`` and ``for``, so that they can be looked into and recorded on the tape.  In a compiled
function, and wherever JAX transforms, they are ``jax.lax``'s; Tensors from outside that the bodies read (parameters of
a Module) or change (batch-norm statistics, the random generator) go round with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer

from fxtorch.func.call import Call, is_leaf, is_tensor
from fxtorch.func.order import in_order, order_of
from fxtorch.func.saving import Needs, repeated, stand_before
from fxtorch.tensor import Tensor, dispatch, modes, unwrap
from fxtorch.tensor.tape import Node

_stack = dispatch.namespace("torch")["stack"]


class CarryChanged(RuntimeError):
    """The state of a loop is another structure, shape or type after a turn than before it."""


def cond(
    pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: tuple[Any, ...] | list[Any] = ()
) -> Any:
    """``true_fn(*operands)`` where ``pred`` is true, else ``false_fn(*operands)``: an ``if`` that can be compiled.

    >>> import fxtorch as torch
    >>> halve_if_large = torch.jit(lambda x: torch.cond(x.sum() > 10, lambda x: x / 2, lambda x: x, (x,)))
    >>> halve_if_large(torch.tensor([8.0, 4.0])), halve_if_large(torch.tensor([1.0, 2.0]))
    (tensor([4., 2.]), tensor([1., 2.]))

    Args:
        pred: a bool, or a Tensor of one element.
        true_fn: what to do; both return Tensors in the same structure, of the same shapes and types.
        false_fn: what to do otherwise.
        operands: their arguments, nested as one likes.

    In a compiled function both are traced and one is run (under ``vmap``, both are, and values are chosen).

    Raises:
        RuntimeError: the two return different structures, shapes or types, or change an operand in place.
    """
    operands = tuple(operands)
    if not isinstance(pred, Tensor):
        return (true_fn if pred else false_fn)(*operands)
    if pred.numel() != 1:
        raise RuntimeError(f"cond: expected a bool or a Tensor with one element, got one of shape {tuple(pred.shape)}")
    if _is_eager(pred, operands):
        return (true_fn if pred else false_fn)(*operands)
    call = _Loop(true_fn, (pred, *operands), "cond")

    def pure(arrays: Sequence[Any]) -> Any:
        flag, *given = arrays
        trees: list[Any] = []

        def branch(fn: Callable[..., Any]) -> Callable[..., Any]:
            def run(values: Sequence[Any]) -> Any:
                call.fn = lambda _, *args: fn(*args)
                out, state = call.once([flag, *values])
                call.order = call.order or call.returned
                leaves, tree = call.flat(out)
                trees.append((tree, [(x.shape, x.dtype) for x in leaves]))
                return leaves, state

            return run

        try:
            leaves, state = lax.cond(flag.reshape(()) != 0, branch(true_fn), branch(false_fn), given)
        except TypeError as error:
            if len(trees) == 2 and trees[0] != trees[1]:
                raise RuntimeError(
                    f"cond: true_fn returned {_words(trees[0])}, but false_fn {_words(trees[1])}; both must return "
                    "the same structure, shapes and types"
                ) from error
            raise
        if trees[0] != trees[1]:
            raise RuntimeError(f"cond: true_fn returned {_words(trees[0])}, but false_fn {_words(trees[1])}")
        return jax.tree.unflatten(trees[0][0], leaves), call.by_number(state)

    def needs(wanting: Sequence[bool]) -> list[Needs]:
        def of(fn: Callable[..., Any]) -> list[Needs]:
            return call.needs(lambda _, *args: fn(*args), call.arrays(), wanting)

        return [a & b for a, b in zip(of(true_fn), of(false_fn), strict=True)]

    call.behind = needs
    return call.run(pure, "cond")


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any) -> Any:
    """Repeat ``carried = body_fn(*carried)`` while ``cond_fn(*carried)`` is true.

    >>> import fxtorch as torch
    >>> @torch.jit
    ... def power_above(x, limit):  # the first power of x above a limit
    ...     return torch.while_loop(lambda y: y <= limit, lambda y: (y * x,), (x,))[0]
    >>> power_above(torch.tensor(3.0), torch.tensor(50.0))
    tensor(81.)

    Args:
        cond_fn: returns a bool, or a Tensor of one element.
        body_fn: returns the next ``carried``: the same structure, shapes and types.
        carried_inputs: a tuple of Tensors (nested as one likes) to begin with.

    Eagerly the loop is recorded like any other code.  In a compiled function its number of turns is not known, so that
    there is no reverse-mode derivative; forward mode (``func.jvp``, ``jacfwd``) works.

    Raises:
        RuntimeError: ``body_fn`` returns another structure, shape or type, or (from a backward in a compiled
            function) a gradient is asked for.
    """
    carried = tuple(carried_inputs)
    if _is_eager(carried):
        while cond_fn(*carried):
            carried = _as_tuple(body_fn(*carried))
        return carried
    call = _Loop(body_fn, carried, "while_loop")

    def pure(arrays: Sequence[Any]) -> Any:
        n, tree = len(call.tensors), jax.tree.structure(carried, is_leaf=is_tensor)

        def test(state: Any) -> Any:
            call.fn = lambda *args: cond_fn(*args)
            out, moved = call.once([*state[0], *call.with_state(arrays[n:], state[1])])
            if any(x is not y for x, y in zip(moved, state[1], strict=True)):
                raise RuntimeError("while_loop: cond_fn changes state; let body_fn do it")
            if jnp.size(out) != 1:
                raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
            return jnp.asarray(out).reshape(()) != 0

        def body(state: Any) -> Any:
            call.fn = lambda *args: _as_tuple(body_fn(*args))
            out, moved = call.once([*state[0], *call.with_state(arrays[n:], state[1])])
            call.order = call.returned
            leaves, found = call.flat(out)
            call.check_carry("body_fn", (tree, state[0]), (found, leaves))
            return leaves, moved

        values, state = lax.while_loop(test, body, (list(arrays[:n]), call.state_of(arrays)))
        return jax.tree.unflatten(tree, values), call.by_number(state)

    return call.run(pure, "while_loop")


def scan(combine_fn: Callable[..., Any], init: Any, xs: Any, *, dim: int = 0, reverse: bool = False) -> Any:
    """Go through ``xs`` with a state: ``carry, y = combine_fn(carry, x)`` for each slice ``x``.

    >>> import fxtorch as torch
    >>> total, partial = torch.scan(lambda s, x: (s + x, s + x), torch.tensor(0.0), torch.arange(4.0))
    >>> total, partial
    (tensor(6.), tensor([0., 1., 3., 6.]))

    Args:
        combine_fn: takes the state and a slice; returns the next state (of the same structure, shapes and types) and
            what to keep of this turn.
        init: the state to begin with, Tensors nested as one likes.
        xs: what to go through: Tensors of the same size along ``dim``, nested as one likes.
        dim: the dimension to slice; the results are stacked along it.
        reverse: go from the last slice to the first; the results are stacked in the order of ``xs``.

    Returns:
        ``(carry, ys)``.  A compiled function holds the body once, however many turns there are; it is differentiable.

    Raises:
        RuntimeError: the state changes in structure, shape or type, ``xs`` is empty or differs in size, or the body
            changes its arguments in place.
    """
    slices = [t for t in jax.tree.leaves(xs, is_leaf=is_tensor) if isinstance(t, Tensor)]
    sizes = {t.shape[dim] for t in slices}
    if len(sizes) != 1:
        raise RuntimeError(f"scan: expected Tensors of one size along dimension {dim}, got sizes {sorted(sizes)}")
    count = sizes.pop()
    if _is_eager(init, xs) and count:
        return _eager_scan(combine_fn, init, xs, dim, reverse, count)
    moved = in_order(
        order_of(xs),
        jax.tree.map(lambda t: t.movedim(dim, 0) if isinstance(t, Tensor) else t, xs, is_leaf=is_leaf),
    )
    call = _Loop(combine_fn, (init, moved), "scan")
    n = sum(isinstance(x, Tensor | jax.Array) for x in jax.tree.leaves(init, is_leaf=is_leaf))

    def pure(arrays: Sequence[Any]) -> Any:
        m, tree = len(call.tensors), jax.tree.structure(init, is_leaf=is_tensor)
        trees: list[Any] = []

        def body(state: Any, rows: Any) -> Any:
            out, moved = call.once([*state[0], *rows, *call.with_state(arrays[m:], state[1])])
            if not isinstance(out, tuple | list) or len(out) != 2:
                raise RuntimeError("scan: combine_fn must return a pair, the next carry and what to keep")
            leaves, found = call.flat(out[0])
            call.check_carry("combine_fn", (tree, state[0]), (found, leaves))
            kept, kept_tree = call.flat(out[1])
            trees.append(kept_tree)
            call.order = call.returned
            return (leaves, moved), kept

        begin = (list(arrays[:n]), call.state_of(arrays))
        (carry, state), kept = lax.scan(body, begin, list(arrays[n:m]), length=count, reverse=reverse)
        ys = [jnp.moveaxis(y, 0, dim) for y in kept]
        return (jax.tree.unflatten(tree, carry), jax.tree.unflatten(trees[-1], ys)), call.by_number(state)

    def needs(wanting: Sequence[bool]) -> list[Needs]:
        m, given = len(call.tensors), call.arrays()
        one = [*given[:n], *(jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in given[n:m]), *given[m:]]
        found = repeated(lambda state: call.needs(combine_fn, one, [*state, *wanting[n:]]), wanting[:n], count)
        changed = {id(t) for t in call.carried} if count > 1 else set()
        return [replace(need, late=need.late or not changed.isdisjoint(need.others)) for need in found]

    call.behind = needs
    return call.run(pure, "scan")


def map(f: Callable[..., Any], xs: Any, *args: Any) -> Any:
    """``f(x, *args)`` for each slice ``x`` of ``xs`` along its first dimension, one after another, stacked.

    >>> import fxtorch as torch
    >>> torch.map(lambda x, k: x.cumsum(0) * k, torch.ones(2, 3), torch.tensor(2.0))
    tensor([[2., 4., 6.],
            [2., 4., 6.]])

    Args:
        f: takes a slice and ``args``; returns Tensors nested as one likes.
        xs: Tensors of the same size along the first dimension, nested as one likes.
        args: passed to each call whole.

    :func:`fxtorch.vmap` does all slices at once; this needs the memory of one at a time.
    """
    return scan(lambda _, x: ((), f(x, *args)), (), xs)[1]


def _eager_scan(combine_fn: Callable[..., Any], init: Any, xs: Any, dim: int, reverse: bool, count: int) -> Any:
    carry, kept = init, []
    for i in reversed(range(count)) if reverse else range(count):
        row = in_order(
            order_of(xs),
            jax.tree.map(lambda t, i=i: t.select(dim, i) if isinstance(t, Tensor) else t, xs, is_leaf=is_leaf),
        )
        before = _shapes(carry)
        carry, y = combine_fn(carry, row)
        if _shapes(carry) != before:
            raise CarryChanged(f"scan: combine_fn was given {_words(before)}, but returned {_words(_shapes(carry))}")
        kept.append(y)
    kept = kept[::-1] if reverse else kept
    return carry, in_order(order_of(kept[0]), jax.tree.map(lambda *ys: _stack(ys, dim), *kept, is_leaf=is_tensor))


def _is_eager(*trees: Any) -> bool:
    """Whether all values are known, and nobody is watching."""
    leaves = jax.tree.leaves(trees, is_leaf=is_leaf)
    arrays = [unwrap(x) if isinstance(x, Tensor) else x for x in leaves]
    return modes.capture is None and not any(isinstance(a, Tracer) for a in arrays)


def _as_tuple(out: Any) -> tuple[Any, ...]:
    return tuple(out) if isinstance(out, tuple | list) else (out,)


def _shapes(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree, is_leaf=is_tensor)
    return structure, [(tuple(t.shape), t.dtype) if isinstance(t, Tensor) else type(t) for t in leaves]


def _words(shapes: Any) -> str:
    structure, avals = shapes
    return f"{structure} of {', '.join(_one(aval) for aval in avals)}"


def _one(aval: Any) -> str:
    """A Tensor or an array, as its shape and type, or the type of something else."""
    if isinstance(aval, type):
        return aval.__name__
    shape, dtype = aval
    return f"torch.{str(dtype).removeprefix('torch.')}{list(shape)}"


class _Refuse(Node):
    """The place on the tape of a loop that cannot be walked back."""

    __slots__ = ()
    refusal = (
        "a while_loop in a compiled function has no reverse-mode derivative, because its number of turns is not known; "
        "use scan with a fixed number of turns, or call the function eagerly"
    )

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """Raise."""
        raise RuntimeError(self.refusal)

    pull_tensors = pull


class _Loop(Call):
    """A body that JAX's control flow runs, with the Tensors from outside that it changes as a part of its state."""

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], name: str) -> None:
        super().__init__(fn, args)
        self.name = name
        self.carries = True
        self.behind: Callable[[Sequence[bool]], list[Needs]] | None = None  # what eager results would stand before
        self.order: Any = None  # of the keys in the dictionaries of the result
        self._met: dict[int, Tensor] = {}

    def needs(self, fn: Callable[..., Any], like: Sequence[Any], wanting: Sequence[bool]) -> list[Needs]:
        """What stands behind the results of a run of ``fn`` on arrays like these, of which some want gradients."""
        found: list[Needs] = []

        def run(arrays: Sequence[Any]) -> None:
            self.fn = fn
            needs, met = self.recorded(arrays, wanting)
            found.extend(needs)
            self._met |= {id(t): t for t in met}

        jax.eval_shape(run, [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in like])
        return found

    def once(self, arrays: Sequence[Any]) -> tuple[Any, list[Any]]:
        """One run: what the body returns, and the state that it leaves."""
        n = len(self.tensors)
        out, changed = self.inside(arrays)
        if any(i < n for i in changed):
            raise RuntimeError(f"{self.name}: a body changes an argument in place; use the out-of-place form")
        return out, [changed.get(i, arrays[i]) for i in self.numbers()]

    def numbers(self) -> list[int]:
        """Where among all inputs the state is."""
        n = len(self.tensors)
        return [n + i for i, t in enumerate(self.lifted) if any(t is c for c in self.carried)]

    def state_of(self, arrays: Sequence[Any]) -> list[Any]:
        """The state among all inputs."""
        return [arrays[i] for i in self.numbers()]

    def with_state(self, lifted: Sequence[Any], state: Sequence[Any]) -> list[Any]:
        """The inputs from outside, with the state as it is now."""
        out = list(lifted)
        for i, array in zip(self.numbers(), state, strict=True):
            out[i - len(self.tensors)] = array
        return out

    def by_number(self, state: Sequence[Any]) -> dict[int, Any]:
        """The state as :meth:`Call.run` takes it."""
        return dict(zip(self.numbers(), state, strict=True))

    def flat(self, out: Any) -> tuple[list[Any], Any]:
        """The arrays of a result.

        Raises:
            TypeError: there is something else in it.
        """
        leaves, tree = jax.tree.flatten(out)
        for leaf in leaves:
            if not isinstance(leaf, jax.Array):
                raise TypeError(f"{self.name}: a body must return Tensors, got {type(leaf).__name__}")
        return leaves, tree

    def check_carry(self, fn: str, before: Any, after: Any) -> None:
        """Raise where the next state is not like the one before."""
        old, new = ((tree, [(x.shape, x.dtype) for x in leaves]) for tree, leaves in (before, after))
        if old != new:
            raise CarryChanged(f"{self.name}: {fn} was given {_words(old)}, but returned {_words(new)}")

    def _run(self, pure: Callable[[Sequence[Any]], Any], name: str) -> Any:
        inputs = [*self.tensors, *self.lifted]
        wanting = [t for t in inputs if t._rg] if self.outside else []
        if self.name != "while_loop":
            out = super()._run(pure, name)
            if wanting and self.behind is not None:
                needs = self.behind([t._rg for t in inputs])
                results = jax.tree.leaves(out, is_leaf=is_tensor)
                stand_before(name, results, needs, self.tensors, self.lifted, self._met)
            return in_order(self.order, out)
        outside, self.outside = self.outside, False
        try:
            out = super()._run(pure, name)
        finally:
            self.outside = outside
        if wanting:
            edges = [t if t._node is None else t._node for t in wanting]
            for leaf in jax.tree.leaves(out, is_leaf=is_tensor):
                if jnp.issubdtype(unwrap(leaf).dtype, jnp.inexact):
                    leaf._rg, leaf._node = True, _Refuse("while_loop", edges, [t._index for t in wanting])
        return in_order(self.order, out)


__all__ = ["cond", "map", "scan", "while_loop"]
