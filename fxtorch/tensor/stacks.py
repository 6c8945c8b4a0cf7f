"""Arrays of one shape and type that a compiled step holds as one, so that one kernel does for all of them.

A model of many small parameters spends its step on starting kernels: one for each parameter and each of its moments.
Stacked, all parameters of a shape are one array, which stays stacked between the calls (``resident.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


class Stacks:
    """Which arrays of one trace are the rows of which stacks.

    Attributes:
        asked: the rows of every stack that was asked for, each once.

    >>> stacks = Stacks()
    >>> whole = jnp.ones((2, 3))
    >>> rows = stacks.rows(whole)
    >>> stacks.whole(rows) is whole, stacks.whole(rows[:1]).shape
    (True, (1, 3))
    """

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []
        self._rows: dict[int, list[Any]] = {}  # of a stack
        self._whole: dict[int, Any] = {}  # of a row
        self._held: list[Any] = []  # so that what the numbers mean stays what it is

    def rows(self, whole: Any) -> list[Any]:
        """The rows of ``whole``, which :meth:`whole` knows again."""
        rows = [jax.lax.index_in_dim(whole, i, keepdims=False) for i in range(whole.shape[0])]
        self._note(whole, rows)
        return rows

    def whole(self, rows: Sequence[Any]) -> Any:
        """The stack of ``rows``: the one that they come from, or a new one."""
        known = self.siblings(rows[0])
        if known is None or len(known) != len(rows) or any(a is not b for a, b in zip(known, rows, strict=True)):
            whole = jnp.stack(rows)
            self._note(whole, list(rows))
        else:
            whole = self._whole[id(rows[0])]
        self.asked.append(list(rows))
        return whole

    def siblings(self, row: Any) -> list[Any] | None:
        """All rows of the stack that ``row`` is in; None where it is in none."""
        whole = self._whole.get(id(row))
        return None if whole is None else self._rows[id(whole)]

    def _note(self, whole: Any, rows: list[Any]) -> None:
        self._held += [whole, rows]
        self._rows[id(whole)] = rows
        for row in rows:
            self._whole.setdefault(id(row), whole)
