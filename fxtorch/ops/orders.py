"""In which order of its dimensions a value comes out of a convolution, and keeping state in that order.

A convolution reads its weight as ``(H, W, I, O)``, and its gradient comes as ``(I, H, W, O)``, rows of the same length;
PyTorch's order is ``(O, I, H, W)``.  Adam reads the gradient three times, and XLA fuses the transposition into each of
them: for 512 x 512 x 3 x 3, three kernels of 13 ms where a plain copy takes 1.6.  A compiled step that keeps the weight
and its moments between the calls keeps them as the convolution reads them instead.  Their new values come so, and
nothing is transposed (see compiler/packing.py, and transposes.py, which lets the transpositions around the optimizer's
elementwise work cancel); a gradient is kept as it comes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax import Array, lax
from jax.extend.core import Jaxpr, Literal

from fxtorch.ops.transposes import ELEMENTWISE, inner, moves_rows

Order = tuple[int, ...]


def back(order: Order) -> Order:
    """The transposition that undoes ``order``.

    >>> back((3, 0, 1, 2))
    (1, 2, 3, 0)
    """
    return tuple(sorted(range(len(order)), key=order.__getitem__))


@functools.partial(jax.jit, static_argnums=1)
def turned(array: Array, order: Order) -> Array:
    """``array.transpose(order)``, a new array in memory.

    >>> turned(jax.numpy.ones((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return lax.transpose(array, order)


def orders_of_results(jaxpr: Jaxpr, given: Sequence[Order | None] = (), *, rows: bool = False) -> list[Order | None]:
    """For each result, the transposition that ends its computation but for elementwise work; None where there is none.

    Args:
        jaxpr: what computes them.
        given: the same of its operands.
        rows: count the transpositions that only move rows, too, which otherwise are done at once (see transposes.py).

    >>> def gradient(x, w):
    ...     return 0.5 * w + x.transpose(2, 0, 1), x.transpose(2, 0, 1).sum(0)
    >>> x, w = jax.numpy.ones((2, 3, 4)), jax.numpy.ones((4, 2, 3))
    >>> orders_of_results(jax.make_jaxpr(gradient)(x, w).jaxpr)
    [(2, 0, 1), None]
    """
    known: dict[Any, Order | None] = dict(zip(jaxpr.invars, given, strict=False))

    def of(atom: Any) -> Order | None:
        return None if isinstance(atom, Literal) else known.get(atom)

    for eqn in jaxpr.eqns:
        if (closed := inner(eqn)) is not None:
            found: Mapping[Any, Order | None] = dict(
                zip(eqn.outvars, orders_of_results(closed.jaxpr, list(map(of, eqn.invars)), rows=rows), strict=True)
            )
            known.update(found)
            continue
        ndim = getattr(eqn.outvars[0].aval, "ndim", 0)
        if ndim < 3:
            continue
        order = None
        if eqn.primitive.name == "transpose":
            before, permutation = of(eqn.invars[0]), eqn.params["permutation"]
            if before is not None:
                order = tuple(before[i] for i in permutation)
            elif rows or not moves_rows(permutation):
                order = tuple(permutation)
        elif eqn.primitive.name in ELEMENTWISE:
            order = next((o for atom in eqn.invars if (o := of(atom)) is not None), None)
        if order != tuple(range(ndim)):
            known[eqn.outvars[0]] = order
    return list(map(of, jaxpr.outvars))
