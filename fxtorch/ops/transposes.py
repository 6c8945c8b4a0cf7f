"""Transpositions moved past elementwise work, so that those around it meet and cancel.

A convolution works channels last inside (see layout.py), between a transposition of its input and one of its result.
XLA cancels two transpositions that touch, but not two with a ReLU or a sum between them; it then computes that ReLU in
one layout from operands in the other.  Here a traced function is gone through once more.  Each of its values is kept
either as it is, or as another value and the transposition that it still lacks; elementwise operators and reductions
work on what is kept, as does turning round, and everything else asks for the transposition first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
from jax import Array, lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

ELEMENTWISE = frozenset(
    "abs add add_any and atan2 ceil clamp convert_element_type copy cos div eq erf erfc exp exp2 expm1 floor ge gt "
    "integer_pow is_finite le log log1p logistic lt max min mul ne neg not or pow rem round rsqrt select_n sign sin "
    "sqrt square stop_gradient sub tanh xor".split()
)
REDUCTIONS = frozenset("reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum".split())
_INLINED = frozenset({"jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call"})
_LIGHT = 4  # transposing a value so many times smaller than the result costs next to nothing


class Kept(NamedTuple):
    """The value ``array.transpose(order)``, not transposed yet; ``light`` where transposing costs next to nothing."""

    array: Any
    order: tuple[int, ...] | None = None
    light: bool = False

    def whole(self) -> Any:
        """The value itself."""
        return self.array if self.order is None else lax.transpose(self.array, self.order)


def cancelling(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, whose transpositions cancel across elementwise operators; not to be differentiated any more.

    >>> import jax.numpy as jnp
    >>> def convolved(x):
    ...     return lax.transpose(jnp.maximum(lax.transpose(x, (0, 3, 1, 2)), 0), (0, 2, 3, 1))
    >>> x = jnp.ones((2, 3, 4, 5), "float32")
    >>> "transpose" in str(jax.make_jaxpr(convolved)(x)), "transpose" in str(jax.make_jaxpr(cancelling(convolved))(x))
    (True, False)
    """

    @functools.wraps(function)
    def rewritten(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        arguments = [Kept(x) for x in jax.tree.leaves(args)]
        outputs = [kept.whole() for kept in _run(closed.jaxpr, closed.consts, arguments)]
        return jax.tree.unflatten(jax.tree.structure(shape), outputs)

    return rewritten


def inner(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """What a call of another function computes; None for everything else."""
    return (eqn.params.get("jaxpr") or eqn.params.get("call_jaxpr")) if eqn.primitive.name in _INLINED else None


def convolves(jaxpr: Jaxpr) -> bool:
    """Whether it holds a convolution."""
    called = (inner(eqn) for eqn in jaxpr.eqns)
    return any(eqn.primitive.name == "conv_general_dilated" for eqn in jaxpr.eqns) or any(
        convolves(closed.jaxpr) for closed in called if closed is not None
    )


def _run(jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[Kept]) -> list[Kept]:
    known: dict[Any, Kept] = dict(zip(jaxpr.invars, arguments, strict=True))
    known |= {var: Kept(const) for var, const in zip(jaxpr.constvars, consts, strict=True)}

    def read(atom: Any) -> Kept:
        return Kept(atom.val, None, True) if isinstance(atom, Literal) else known[atom]

    for eqn in jaxpr.eqns:
        with jax.named_scope(str(eqn.source_info.name_stack)):
            results = _apply(eqn, [read(atom) for atom in eqn.invars])
        known.update(zip(eqn.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _apply(eqn: JaxprEqn, operands: list[Kept]) -> list[Kept]:
    name = eqn.primitive.name
    if (closed := inner(eqn)) is not None:
        return _run(closed.jaxpr, closed.consts, operands)
    if name == "transpose" and len(eqn.params["permutation"]) > 2:
        return [_transposed(operands[0], eqn.params["permutation"])]
    order = next((kept.order for kept in operands if kept.order is not None), None)
    if order is not None and name in ELEMENTWISE and (aligned := _aligned(operands, order, eqn)) is not None:
        return [Kept(_bind(eqn, aligned)[0], order)]
    if order is not None and name == "rev":
        return [Kept(lax.rev(operands[0].array, [order[i] for i in eqn.params["dimensions"]]), order)]
    if order is not None and name in REDUCTIONS:
        return [_reduced(eqn, operands[0].array, order)]
    results = _bind(eqn, [kept.whole() for kept in operands])
    light = name == "broadcast_in_dim" and _LIGHT * _size(eqn.invars[0]) <= _size(eqn.outvars[0])
    light = light or (name in ELEMENTWISE and all(kept.light for kept in operands))
    return [Kept(result, None, light) for result in results]


def _bind(eqn: JaxprEqn, arrays: Sequence[Any]) -> list[Any]:
    given = eqn.primitive.get_bind_params(eqn.params)
    functions, params = given if isinstance(given, tuple) else ((), given)  # by the version of JAX
    results = eqn.primitive.bind(*functions, *arrays, **params)
    return list(results) if eqn.primitive.multiple_results else [results]


def _transposed(kept: Kept, permutation: Sequence[int]) -> Kept:
    if kept.order is None and moves_rows(permutation):
        return Kept(lax.transpose(kept.array, permutation), None, kept.light)
    order = tuple(permutation) if kept.order is None else tuple(kept.order[i] for i in permutation)
    return Kept(kept.array, None if order == tuple(range(len(order))) else order, kept.light)


def moves_rows(permutation: Sequence[int]) -> bool:
    """Whether the last dimension stays where it is.

    Such a transposition is done at once: it costs no more than a copy, and little where XLA fuses it into its readers.
    """
    return permutation[-1] == len(permutation) - 1


def _aligned(operands: Sequence[Kept], order: tuple[int, ...], eqn: JaxprEqn) -> list[Array] | None:
    """The operands as they are before the transposition ``order``; None where that costs another transposition."""
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    arrays, small = [], _size(eqn.outvars[0]) // _LIGHT
    for kept in operands:
        if kept.order == order or getattr(kept.array, "ndim", 0) == 0:
            arrays.append(kept.array)
        elif kept.order is None and (kept.light or kept.array.size <= small):
            arrays.append(lax.transpose(kept.array, back))
        else:
            return None
    return arrays


def _reduced(eqn: JaxprEqn, array: Any, order: tuple[int, ...]) -> Kept:
    axes = eqn.params["axes"]
    inside = tuple(sorted(order[axis] for axis in axes))
    result = eqn.primitive.bind(array, **{**eqn.params, "axes": inside})
    left = [i for i in range(len(order)) if i not in inside]
    rest = tuple(left.index(order[axis]) for axis in range(len(order)) if axis not in axes)
    return Kept(result, None if rest == tuple(range(len(rest))) else rest)


def _size(atom: Any) -> int:
    return atom.aval.size
