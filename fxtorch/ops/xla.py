"""How a function is given to XLA: the options that every compiled program of the house shares.

On a CPU, XLA's library of fused kernels ("YNN") computes sums, squares included, in one parallel pass over the data
(sums and sums of squares of 128 x 32 x 32 x 32 by channel: 4 ms in place of 32; a transformer's step 1.1 times, a CNN's
1.2 times as fast), and matrix products, with what of convolutions comes down to them: a ResNet-18's step is 1.1 times
as fast, a small perceptron's 1.05 times.  But a program waits for each of its products, where XLA's own go on while the
program does, and share long, narrow ones out better (1024 x 64 by 64 x 64 with its gradients: 290 microseconds in place
of 400).  Where a loop makes products, or one of them is large, long and narrow, the library is left to the sums: an
LSTM's step is 1.09 times, a recommender's 1.08 times as fast.  In eager code sizes do not count: it would compute one
way or another by what it met first.  YNN's elementwise kernels take 1.15 times as long for an LSTM and a perceptron.
jaxlib 0.10.0 ignores the option for sums.

An option that a version of jaxlib does not know is an error, so it is given only to versions on which the tests passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jaxlib.version
from jax.extend.core import Jaxpr, JaxprEqn

_TESTED = frozenset({"0.10.0", "0.10.1", "0.10.2"})
_LONG, _NARROW = 512, 4  # a product's largest size from which it is long, and how many times the others it then is
_LARGE = 1 << 21  # of all three sizes together: with a fourth of it nothing is gained
_SUMS: Any = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}
_PRODUCTS_AND_SUMS: Any = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"}


def compiled(
    function: Callable[..., Any], given: Sequence[Any] | None = None, *, sizes_stay: bool = True, **arguments: Any
) -> Any:
    """``jax.jit(function, **arguments)`` with the house's compiler options; not to be called while JAX traces.

    Args:
        function: it.
        given: arguments for it, by which to see what it computes; without them it is taken to hold no loop.
        sizes_stay: whether it is called with such sizes only, so that they may count, too.
        arguments: of ``jax.jit``.

    >>> import jax.numpy as jnp
    >>> float(compiled(lambda x: x + 1)(jnp.float32(1)))
    2.0
    """
    wanted = _options(_PRODUCTS_AND_SUMS)
    if wanted is not None and given is not None:
        jaxpr = jax.jit(function, **arguments).trace(*given).jaxpr.jaxpr
        wanted = _PRODUCTS_AND_SUMS if _gives_products_away(jaxpr, sizes_stay) else _SUMS
    return jax.jit(function, compiler_options=wanted, **arguments)


def compiled_anywhere(function: Callable[..., Any]) -> Any:
    """:func:`compiled`, also to be called while JAX traces: there, where it allows no options, without them.

    Its attributes ``outermost`` and ``nested`` are the two forms, for those who know which they need.

    >>> import jax.numpy as jnp
    >>> double = compiled_anywhere(lambda x: 2 * x)
    >>> float(double(jnp.float32(1))), float(jax.jit(lambda: double(jnp.float32(1)))())
    (2.0, 2.0)
    """
    nested = jax.jit(function)

    def first(*args: Any) -> Any:
        call.outermost = compiled(function, args, sizes_stay=False)  # type: ignore[attr-defined]
        return call.outermost(*args)  # type: ignore[attr-defined]

    def call(*args: Any) -> Any:
        try:
            return call.outermost(*args)  # type: ignore[attr-defined]
        except ValueError as error:
            if "compiler_options" not in str(error):
                raise
            return nested(*args)

    call.outermost, call.nested = first, nested  # type: ignore[attr-defined]
    return call


def _gives_products_away(jaxpr: Jaxpr, sizes_stay: bool) -> bool:
    """Whether the library computes a program's products: with convolutions always, else if none is better without."""
    found = list(_operations(jaxpr))
    names = {eqn.primitive.name for eqn in found}
    if "conv_general_dilated" in names:
        return True
    return names.isdisjoint({"scan", "while"}) and not (sizes_stay and any(map(_is_long, found)))


def _is_long(eqn: JaxprEqn) -> bool:
    """Whether it is a large product, one size of which (rows, columns, what is summed over) is far above the others."""
    if eqn.primitive.name != "dot_general":
        return False
    (contracted, _), (batched, _) = eqn.params["dimension_numbers"]
    shape, other = (atom.aval.shape for atom in eqn.invars)  # type: ignore[attr-defined]
    batch, inner = (math.prod(shape[i] for i in dims) for dims in (batched, contracted))
    rows, columns = (math.prod(dims) // max(batch * inner, 1) for dims in (shape, other))
    *_, second, largest = sorted((inner, rows, columns))
    return largest >= max(_LONG, _NARROW * second) and inner * rows * columns >= _LARGE


def _operations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All operations in it, those of loops, branches and called functions included."""
    for eqn in jaxpr.eqns:
        yield eqn
        for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda p: hasattr(p, "eqns")):
            if hasattr(inner, "eqns"):
                yield from _operations(getattr(inner, "jaxpr", inner))


def pieces_of(most: int) -> dict[str, Any] | None:
    """The option for working memory in blocks of at most ``most`` bytes; None where it is not known."""
    return _options({"xla_multiheap_size_constraint_per_heap": most})


def _options(wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Those ``wanted`` of a CPU, where they are known to be understood."""
    known = jaxlib.version.__version__ in _TESTED
    return wanted if known and jax.default_backend() == "cpu" else None
