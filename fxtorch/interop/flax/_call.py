"""Calling a JAX function of nested arrays on Tensors, so that the tape and the compiler see one operator."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.execute import apply
from fxtorch.tensor.generator import default_generator
from fxtorch.tensor.operator import hashable
from fxtorch.tensor.record import Record


def _leaf(value: Any) -> bool:
    return isinstance(value, Tensor)


def _traced(value: Any) -> bool:
    return isinstance(value, Tensor | jax.Array | np.ndarray)


class JaxFunction:
    """A function of nested arrays.

    Args:
        name: what it is called in the tape.
        make: ``make(*key)`` gives the function for what is fixed; it is asked once for each key.
    """

    def __init__(self, name: str, make: Callable[..., Callable[..., Any]]) -> None:
        self.name = name
        self.make = make
        self.records: dict[Any, tuple[Record, dict[str, Any]]] = {}

    def __call__(self, key: tuple[Any, ...], *args: Any) -> Any:
        """Call ``make(*key)`` on ``args``: Tensors and arrays are traced, all else is fixed."""
        leaves, tree = jax.tree.flatten(args, is_leaf=_leaf)
        given = [_traced(x) for x in leaves]
        fixed = [None if g else x for x, g in zip(leaves, given, strict=True)]
        whole = (key, tree, tuple(given), hashable(fixed))
        if whole not in self.records:
            self.records[whole] = self._record(self.make(*key), tree, given, fixed)
        record, found = self.records[whole]
        tensors = [
            x if isinstance(x, Tensor) else jax.numpy.asarray(x) for x, g in zip(leaves, given, strict=True) if g
        ]
        results = iter(apply(record, tensors))
        return jax.tree.unflatten(found["tree"], [next(results) if t else x for t, x in found["leaves"]])

    def _record(
        self, fn: Callable[..., Any], tree: Any, given: list[bool], fixed: list[Any]
    ) -> tuple[Record, dict[str, Any]]:
        found: dict[str, Any] = {}

        def flat(*arrays: Any) -> tuple[Any, ...]:
            values = iter(arrays)
            leaves = [next(values) if g else x for g, x in zip(given, fixed, strict=True)]
            out, found["tree"] = jax.tree.flatten(fn(*jax.tree.unflatten(tree, leaves)))
            found["leaves"] = [(_traced(x), None if _traced(x) else x) for x in out]
            return tuple(x for x in out if _traced(x))

        return Record(flat, self.name, "residuals"), found


def arrays(tree: Any) -> Any:
    """``tree`` with arrays for its Tensors."""
    return jax.tree.map(lambda x: unwrap(x) if isinstance(x, Tensor) else x, tree, is_leaf=_leaf)


def tensors(tree: Any) -> Any:
    """``tree`` with Tensors for its arrays."""
    return jax.tree.map(lambda x: wrap(jax.numpy.asarray(x)) if _traced(x) and not _leaf(x) else x, tree, is_leaf=_leaf)


def raw_key(key: Any) -> Any:
    """A random key as plain numbers."""
    return jax.random.key_data(key) if is_key(key) else key


def is_key(value: Any) -> bool:
    """Whether it is a typed random key."""
    return bool(jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key))


@contextlib.contextmanager
def drawing_from(key: Any) -> Iterator[None]:
    """Within it fxtorch's random operators draw from ``key``, not from the default Generator; None changes nothing."""
    if key is None:
        yield
        return
    before = default_generator._key
    default_generator._key = wrap(raw_key(key))
    try:
        yield
    finally:
        default_generator._key = before
