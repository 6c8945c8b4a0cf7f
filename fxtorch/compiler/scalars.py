"""The plain numbers of a program, as JAX takes them most cheaply."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec, Sharding

from fxtorch.compiler.references import Scalar


class Scalars:
    """Numbers in dictionaries (an optimizer's rates), read anew at each call.

    JAX makes an array of a Python number whenever it is given one, which takes 2 microseconds.  Numbers that are the
    same objects as at the call before are arrays already.

    >>> options = {"lr": 0.5}
    >>> numbers = Scalars([Scalar(options, "lr")])
    >>> numbers.read([]), numbers.read([])
    ([0.5], [Array(0.5, dtype=float64, weak_type=True)])
    >>> options["lr"] = 0.25
    >>> numbers.read([])
    [0.25]
    """

    def __init__(self, scalars: Sequence[Scalar]) -> None:
        self._places = [(s.owner, s.key) for s in scalars]
        self._seen: list[Any] = [self] * len(scalars)
        self._arrays: list[Any] = []  # what they are as arrays, once they stayed

    def read(self, *beside: Sequence[Any]) -> list[Any]:
        """The numbers now, to be given to a program with the arrays ``beside`` them."""
        values = [owner[key] for owner, key in self._places]
        if not all(map(operator.is_, values, self._seen)):
            self._seen, self._arrays = values, []
            return values
        if len(self._arrays) < len(values):
            place = next((found for arrays in beside for array in arrays if (found := _place(array))), None)
            made = jax.tree.map(jnp.asarray, values)
            self._arrays = made if place is None else jax.device_put(made, place)
        return self._arrays


def _place(array: Any) -> Sharding | None:
    """Where numbers have to lie beside ``array``: JAX moves them at each call otherwise."""
    if not (isinstance(array, jax.Array) and array.committed):
        return None
    place = array.sharding
    return NamedSharding(place.mesh, PartitionSpec()) if isinstance(place, NamedSharding) else place
