"""Many steps, or many members' steps, as one XLA program: a scan over steps around a map over members."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.compiler import errors
from fxtorch.compiler.checked import checked, passed
from fxtorch.compiler.transition import Transition
from fxtorch.ops.xla import compiled
from fxtorch.tensor import Tensor, unwrap

_BARE = object.__new__(Tensor)  # stands for a slice, which has nothing hung on it
Kinds = tuple[tuple[bool, bool], ...]  # of each number: whether it differs by step, and by member


class Rollout:
    """Transitions of the same program, one for each member, run together.

    Args:
        members: the transitions; one alone is not mapped.
        length: how many steps, which the arguments have as their first dimension; None for one step, without it.
        dims: for each array among the arguments, the dimension of the members (of one step); None where all see the
            same.
        unroll: how many steps the loop's body holds.
        mapped: whether results get a dimension of members.
        place: brings an array to the devices that the step asks for, where it asks for some.

    Raises:
        NotCompilable: the members' steps are not the same program, or change a Tensor that they share.
    """

    def __init__(
        self,
        members: Sequence[Transition],
        length: int | None,
        dims: Sequence[int | None],
        unroll: int,
        mapped: bool,
        place: Callable[[Any], Any] | None = None,
    ) -> None:
        first = members[0]
        self.place = place
        self.members, self.length, self.dims, self.unroll, self.mapped = members, length, list(dims), unroll, mapped
        by_number = zip(first.traced.inputs, dims, strict=True)
        self.sliced = {i for i, d in by_number if length is not None or d is not None}  # arguments not seen whole
        for i, member in enumerate(members[1:], 1):
            if not member.same_program_as(first):
                raise errors.NotCompilable(
                    f"member {i} of the ensemble computes something else than member 0: the members must be built "
                    "alike, and differ in the values of their state and numbers only"
                )
        homes = [[r.find(m.traced.leaves) for r in m.references] for m in members]
        self.shared = [len({id(home[j]) for home in homes}) == 1 for j in range(len(first.references))]
        self.moving = set(first.moving)
        self.rows = mapped and any(self.shared[j] for j in self.moving)
        if self.rows:
            first.draw_by_row()

    def holds(self, leaves: Sequence[Any]) -> bool:
        """Whether what the traces took for granted still is so, of the arguments too."""
        given = [_BARE if i in self.sliced else x for i, x in enumerate(leaves)]
        return all(m.guards_hold() and m.layout.guards.fit(given) for m in self.members)

    def first(self, leaves: Sequence[Any]) -> Any:
        """The first call: where it fails, the state that was created for it is taken back."""
        try:
            return self(leaves)
        except BaseException:
            for member in self.members:
                member.traced.abandon()
            raise

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Run, write the members' state back, and return the result of all.

        Args:
            leaves: the flattened arguments.
        """
        with ExitStack() as failing:
            for member in self.members:
                member.sharing.check_memory(leaves)
                failing.enter_context(member.layout.effects.taken_back())
            return self._run_on(leaves)

    def _run_on(self, leaves: Sequence[Any]) -> Any:
        gathered = [m.gather(leaves) for m in self.members]
        columns = [
            column[0] if self.shared[j] else list(column) for j, column in enumerate(zip(*gathered, strict=True))
        ]
        arrays = [_input(leaves[i]) for i in self.members[0].traced.inputs]
        if self.place is not None:
            columns, arrays = jax.tree.map(self.place, (columns, arrays))
        scalars, kinds = self._numbers()
        carry, results = passed(self._program(kinds, (columns, arrays, scalars))(columns, arrays, scalars))
        out = None
        shared = [self._is_shared_slot(s) for s in range(len(carry))]
        for i, member in enumerate(self.members):
            mine = [x if whole else x[i] for whole, x in zip(shared, carry, strict=True)]
            returned = member.scatter(mine, results, leaves)
            out = returned if i == 0 else out
        return out

    def _is_shared_slot(self, slot: int) -> bool:
        moving = self.members[0].moving
        return not self.mapped or (slot < len(moving) and self.shared[moving[slot]])

    def _numbers(self) -> tuple[list[np.ndarray], Kinds]:
        """The numbers of each step and member; what steps do on the host is done, as often as there are steps."""
        types = self.members[0].number_types()
        table = []  # steps x members x numbers
        repeated = any(m.layout.effects for m in self.members)
        for _ in range(self.length if repeated and self.length else 1):
            for m in self.members:
                m.layout.effects.run(late=False)
            table.append([m.numbers() for m in self.members])
            for m in self.members:
                m.layout.effects.run(late=True)
        out, kinds = [], []
        for n, dtype in enumerate(types):
            values = np.array([[numbers[n] for numbers in row] for row in table], dtype)
            by_step = bool((values != values[:1]).any())
            by_member = bool((values != values[:, :1]).any())
            kinds.append((by_step, by_member))
            out.append(values[slice(None) if by_step else 0][..., slice(None) if by_member else 0])
        return out, tuple(kinds)

    @functools.cached_property
    def _programs(self) -> dict[Kinds, Any]:
        return {}

    def _program(self, kinds: Kinds, given: Sequence[Any]) -> Any:
        if kinds not in self._programs:

            def run(columns: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
                return checked(functools.partial(self._run, kinds), self.members)(columns, arrays, scalars)

            run.__name__ = run.__qualname__ = self.members[0].name
            self._programs[kinds] = compiled(run, given)
        return self._programs[kinds]

    def _run(self, kinds: Kinds, columns: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
        first, n = self.members[0], len(self.members)
        whole = [c if self.shared[j] and not isinstance(c, list) else self._join(c) for j, c in enumerate(columns)]
        carry = [whole[j] for j in first.moving]
        carry += [jnp.zeros((n, *a.shape) if self.mapped else a.shape, a.dtype) for a in first.room()]
        fixed = [x for j, x in enumerate(whole) if j not in self.moving]
        advance = self._mapped(kinds) if self.mapped else first.advance
        row = [jnp.arange(n, dtype=np.int32)] if self.rows else []

        def step(carry: Any, x: Any) -> Any:
            some, numbers = x
            varying = iter(numbers)
            every = [next(varying) if by_step else s for s, (by_step, _) in zip(scalars, kinds, strict=True)]
            return advance(carry, fixed, some, every, *row)

        if self.length is None:
            carry, results = step(
                carry, (arrays, [s for s, (by_step, _) in zip(scalars, kinds, strict=True) if by_step])
            )
        else:
            steps = [s for s, (by_step, _) in zip(scalars, kinds, strict=True) if by_step]
            carry, results = lax.scan(step, carry, (list(arrays), steps), self.length, unroll=self.unroll)
        if not self.mapped:
            return carry, results
        return [x if self._is_shared_slot(s) else [x[i] for i in range(n)] for s, x in enumerate(carry)], results

    def _join(self, column: list[Any]) -> Any:
        return jnp.stack(column) if self.mapped else column[0]

    def _mapped(self, kinds: Kinds) -> Any:
        first = self.members[0]
        axis = [None if s else 0 for s in self.shared]
        carried = [axis[j] for j in first.moving] + [0] * len(first.room())
        fixed = [axis[j] for j in range(len(axis)) if j not in self.moving]
        numbers = [0 if by_member else None for _, by_member in kinds]
        rows = [0] if self.rows else []
        mapped = jax.vmap(
            first.advance, in_axes=(carried, fixed, self.dims, numbers, *rows), out_axes=(carried, 0),
            axis_size=len(self.members),
        )  # fmt: skip

        def advance(*args: Any) -> Any:
            try:
                return mapped(*args)
            except ValueError as error:
                if "out_axes" not in str(error):
                    raise
                raise errors.NotCompilable(
                    "a Tensor that all members of the ensemble share would get another value from each; give every "
                    "member its own"
                ) from error

        return advance


def _input(leaf: Any) -> Any:
    return unwrap(leaf) if isinstance(leaf, Tensor) else jnp.asarray(leaf)
