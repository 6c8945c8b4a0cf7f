"""What a parsed index means.

A parsed index is a static ``spec``, one item for each part of the index, and the ``places``, the values that travel
traced:

- ``"all"``: a whole dimension; takes no place.
- ``"new"``: a new dimension (``None``); takes no place.
- ``"at"``: one position, which removes the dimension; its place is a number or a 0-dim integer array.
- ``(length, step)``: a slice; its place is the number where it starts.
- ``"index"``: an integer array.
- ``"mask0"``, ``"mask1"``, ...: a boolean array of so many dimensions, kept as it is where values are set.

As in torch the basic parts come first, as a view; the arrays then index its dimensions.  So ``x[0, :, i]`` has the
dimension of ``i`` last, where NumPy has it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from fxtorch.ops.slicing import put_block, take_block
from fxtorch.ops.table import Array

Spec = tuple[Any, ...]


class Plan:
    """What a spec means for an array of a given shape.

    Attributes:
        starts, sizes, steps: the block that the basic parts take.
        viewed: the shape of that block with its removed and new dimensions.
        arrays: the dimension of ``viewed`` that each index array starts at, its kind and the array.
    """

    def __init__(self, shape: Sequence[int], spec: Spec, places: Sequence[Any]) -> None:
        self.starts: list[Any] = [0] * len(shape)
        self.sizes = list(shape)
        self.steps = [1] * len(shape)
        self.arrays: list[tuple[int, str, Any]] = []
        viewed: list[int] = []
        left = iter(places)
        dim = 0
        for kind in spec:
            if kind == "new":
                viewed.append(1)
                continue
            if kind in ("new_index", "mask0"):
                self.arrays.append((len(viewed), kind, next(left)))
                viewed.append(1)
                continue
            if kind == "at":
                self.starts[dim], self.sizes[dim] = next(left), 1
            elif isinstance(kind, tuple):
                self.starts[dim] = next(left)
                self.sizes[dim], self.steps[dim] = kind
                viewed.append(kind[0])
            elif kind == "all":
                viewed.append(shape[dim])
            else:
                place = next(left)
                self.arrays.append((len(viewed), kind, place))
                used = 1 if kind == "index" else place.ndim
                viewed.extend(shape[dim : dim + used])
                dim += used - 1
            dim += 1
        self.viewed = (*viewed, *shape[dim:])
        self.whole = self.sizes == list(shape)

    def take(self, x: Array) -> Array:
        """The view of ``x`` that the basic parts of the index give."""
        block = x if self.whole else take_block(x, self.starts, self.sizes, self.steps)
        return block.reshape(self.viewed)

    def put(self, x: Array, value: Array) -> Array:
        """``x`` with that view replaced by ``value``, of the view's shape."""
        block = value.reshape(tuple(self.sizes))
        return block if self.whole else put_block(x, block, self.starts, self.steps)

    def indexes(self) -> tuple[Any, ...]:
        """The index arrays by dimension of the view, for JAX's own indexing."""
        out: list[Any] = [slice(None)] * len(self.viewed)
        for dim, _, array in self.arrays:
            out[dim] = _narrowed(array, self.viewed[dim])
        return tuple(out)


def _narrowed(index: Any, size: int) -> Array:
    return lax.convert_element_type(index, jnp.int32 if size < 2**31 else jnp.int64)
