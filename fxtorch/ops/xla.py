"""How a function is given to XLA: the options that every compiled program of the house shares.

On a CPU, XLA's library of fused kernels ("YNN") computes matrix products, and the convolutions that come down to them,
faster than its default does (two cores, batch 128: a CNN's step 154 ms in place of 184, an LSTM's 145 in place of 160),
and sums, squares included, in one parallel pass over the data (sums and sums of squares of 128 x 32 x 32 x 32 by
channel: 4 ms in place of 32; a transformer's step 1.1 times, a CNN's 1.2 times as fast).  It has elementwise kernels
too, with which an LSTM and a perceptron take 1.15 times as long.  jaxlib 0.10.0 ignores the option for sums.

An option that a version of jaxlib does not know is an error, so it is given only to versions on which the tests passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jaxlib.version

_TESTED = frozenset({"0.10.0", "0.10.1", "0.10.2"})
_ON_CPU: Any = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"}


def compiled(function: Callable[..., Any], **arguments: Any) -> Any:
    """``jax.jit(function, **arguments)`` with the house's compiler options; not to be called while JAX traces.

    >>> import jax.numpy as jnp
    >>> float(compiled(lambda x: x + 1)(jnp.float32(1)))
    2.0
    """
    return jax.jit(function, compiler_options=_options(_ON_CPU), **arguments)


def compiled_anywhere(function: Callable[..., Any]) -> Any:
    """:func:`compiled`, also to be called while JAX traces: there, where it allows no options, without them.

    Its attributes ``outermost`` and ``nested`` are the two forms, for those who know which they need.

    >>> import jax.numpy as jnp
    >>> double = compiled_anywhere(lambda x: 2 * x)
    >>> float(double(jnp.float32(1))), float(jax.jit(lambda: double(jnp.float32(1)))())
    (2.0, 2.0)
    """
    outermost, nested = compiled(function), jax.jit(function)

    def call(*args: Any) -> Any:
        try:
            return outermost(*args)
        except ValueError as error:
            if "compiler_options" not in str(error):
                raise
            return nested(*args)

    call.outermost, call.nested = outermost, nested  # type: ignore[attr-defined]
    return call


def pieces_of(most: int) -> dict[str, Any] | None:
    """The option for working memory in blocks of at most ``most`` bytes; None where it is not known."""
    return _options({"xla_multiheap_size_constraint_per_heap": most})


def _options(wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Those ``wanted`` of a CPU, where they are known to be understood."""
    known = jaxlib.version.__version__ in _TESTED
    return wanted if known and jax.default_backend() == "cpu" else None
