"""What one array of a compiled step holds, and how to read and write one Tensor's part of it.

A small step spends its time on handing arrays over: 2 microseconds for each that goes in and comes out.  So small state
lies in one array, one Tensor after the other; state of one shape that is updated as one lies there as rows; and a large
weight of a convolution in the order in which the convolution reads it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
from jax import lax

from fxtorch.ops.orders import Order, back, turned

Shape = tuple[int, ...]


class Row(NamedTuple):
    """One row of an array."""

    index: int

    def read(self, whole: Any) -> Any:
        """Its values, by themselves."""
        return _row(whole, self.index)

    def write(self, whole: Any, array: Any) -> Any:
        """``whole``, whose buffer is used up, with other values here."""
        return _with_row(whole, array, self.index)


class Span(NamedTuple):
    """Elements in succession of an array of one dimension."""

    start: int
    shape: Shape

    def read(self, whole: Any) -> Any:
        """Its values, by themselves."""
        return _span(whole, self.start, self.shape)

    def write(self, whole: Any, array: Any) -> Any:
        """``whole``, whose buffer is used up, with other values here."""
        return _with_span(whole, array, self.start)


class Turned(NamedTuple):
    """A whole array, its dimensions in another order."""

    order: Order

    def read(self, whole: Any) -> Any:
        """Its values, by themselves."""
        return turned(whole, self.order)

    def write(self, whole: Any, array: Any) -> Any:
        """An array in the order of ``whole``."""
        del whole
        return turned(array, back(self.order))


Part = Row | Span | Turned


class Slot(NamedTuple):
    """What one array holds.

    Attributes:
        members: the numbers of the Tensors.
        order: the transposition that makes the one Tensor of the array; None where it lies as it is.
        shapes: of the Tensors that lie one after the other; empty where several are rows.

    >>> Slot((0, 1)).parts()
    [Row(index=0), Row(index=1)]
    >>> Slot((0, 1), shapes=((2, 3), ())).parts()
    [Span(start=0, shape=(2, 3)), Span(start=6, shape=())]
    """

    members: tuple[int, ...]
    order: Order | None = None
    shapes: tuple[Shape, ...] = ()

    def parts(self) -> list[Part | None]:
        """Where each member lies; None where the array is its own."""
        if self.order is not None:
            return [Turned(self.order)]
        if self.shapes:
            return [*_spans(self.shapes)]
        return [None] if len(self.members) == 1 else [Row(i) for i in range(len(self.members))]


Slots = tuple[Slot, ...]


def read(whole: Any, part: Part) -> Any:
    """One Tensor's part of an array; a trace may ask."""
    with jax.ensure_compile_time_eval():
        return part.read(whole)


def read_all(whole: Any, parts: Iterable[Part]) -> list[Any]:
    """All parts of an array, by one program; a trace may ask."""
    with jax.ensure_compile_time_eval():
        return _all(whole, tuple(parts))


def joined(arrays: Sequence[Any]) -> Any:
    """Arrays one after the other, in one dimension."""
    return lax.concatenate([array.reshape(-1) for array in arrays], 0)


def divided(whole: Any, shapes: Sequence[Shape]) -> list[Any]:
    """The arrays that :func:`joined` makes ``whole`` of.

    >>> import jax.numpy as jnp
    >>> [a.tolist() for a in divided(joined([jnp.ones((1, 2)), jnp.zeros(())]), [(1, 2), ()])]
    [[[1.0, 1.0]], 0.0]
    """
    return [lax.slice_in_dim(whole, start, start + math.prod(s)).reshape(s) for start, s in _spans(shapes)]


def _spans(shapes: Sequence[Shape]) -> Iterator[Span]:
    """Where arrays of these shapes lie that follow each other."""
    starts = itertools.accumulate(map(math.prod, shapes), initial=0)
    return map(Span, starts, shapes)


@functools.partial(jax.jit, static_argnums=1)
def _all(whole: Any, parts: tuple[Part, ...]) -> list[Any]:
    return [part.read(whole) for part in parts]


@jax.jit
def _row(whole: Any, index: int) -> Any:
    return lax.dynamic_index_in_dim(whole, index, keepdims=False)


@functools.partial(jax.jit, donate_argnums=0)
def _with_row(whole: Any, array: Any, index: int) -> Any:
    return lax.dynamic_update_index_in_dim(whole, array, index, 0)


@functools.partial(jax.jit, static_argnums=2)
def _span(whole: Any, start: int, shape: Shape) -> Any:
    return lax.dynamic_slice_in_dim(whole, start, math.prod(shape)).reshape(shape)


@functools.partial(jax.jit, donate_argnums=0)
def _with_span(whole: Any, array: Any, start: int) -> Any:
    return lax.dynamic_update_slice_in_dim(whole, array.reshape(-1), start, 0)
