"""What a program runs on, gathered at each call: state, arguments and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.compiler.executable import Given
from fxtorch.compiler.outcome import renews
from fxtorch.compiler.packing import Packing
from fxtorch.compiler.references import Argument, Held, Reference
from fxtorch.compiler.scalars import Scalars
from fxtorch.compiler.steady import Steady
from fxtorch.compiler.trace import Layout, Traced
from fxtorch.tensor import Tensor, unwrap
from fxtorch.tensor.resident import Claim
from fxtorch.tensor.sparse import is_sparse
from fxtorch.tensor.stacks import Stacks


class Inputs:
    """The state of a traced function, divided into what is donated and what is not, and how it lies there.

    Args:
        traced: the function; its discovery has run.
        layout: what its outputs mean.
        donate: whether buffers that the program overwrites are reused for the result.

    Attributes:
        overwrites: whether any state is donated.
        overwritten: the Tensors whose it is, where they are the same at each call.
        stays: whether what is overwritten may stay with the program between its calls.
        packing: how that lies in the inputs.
    """

    def __init__(self, traced: Traced, layout: Layout, *, donate: bool) -> None:
        self._traced = traced
        references = traced.known.references
        donate = donate and not layout.differentiable and not layout.sides
        renewed = {c.reference.identity for c in layout.changed if c.output is not None}
        self._donated = [
            donate
            and r.identity in renewed
            and not isinstance(r, Argument)
            and not is_sparse(r.find(traced.leaves))  # it may share its places with other Tensors
            for r in references
        ]
        pairs = list(zip(references, self._donated, strict=True))
        self._mutable, self._fixed = ([r for r, d in pairs if d is kind] for kind in (True, False))
        self.overwrites = bool(self._mutable)
        self.overwritten, self._others = _tensors(self._mutable), _tensors(self._fixed)
        self.stays = not layout.differentiable and renews(layout, self.overwritten)
        values = _values(self._mutable, self.overwritten, traced.leaves) if self.stays else ()
        self.packing = Packing(
            self._mutable, values, layout.stacked if self.stays else (), traced.orders if self.stays else {}
        )
        self._scalars = Scalars(traced.known.scalars)
        self._in_place = False  # whether all state is tied to its device
        self._claim: Claim | None = None

    def separate(self, mutable: Sequence[Any], fixed: Sequence[Any], stacks: Stacks | None) -> list[Any]:
        """The state in the order of its references, as it lies in the inputs; in a trace."""
        given, kept = iter(self.packing.separate(mutable, stacks)), iter(fixed)
        return [next(given) if d else next(kept) for d in self._donated]

    def gather(self, leaves: Sequence[Any]) -> Given:
        """What a call would run on: the state that is donated and that which is not, arguments and numbers."""
        return self._with(self.packing.join(_values(self._mutable, self.overwritten, leaves)), leaves)

    def take(self, leaves: Sequence[Any], steady: Steady | None) -> Given:
        """The same, to be run on: what is overwritten is taken from its Tensors until :meth:`end`.

        What somebody else still wants is copied.

        Args:
            leaves: the arguments.
            steady: what has stayed with the program since the last call.
        """
        mutable = None if steady is None else steady.arrays()
        if mutable is None:
            if self._mutable:
                self._claim = Claim(self.overwritten or [r.find(leaves) for r in self._mutable], jnp.copy)
                mutable = self.packing.join(self._claim.take())
            else:
                mutable = []
        return self._with(mutable, leaves)

    def end(self) -> None:
        """Give the Tensors that have no new values their old ones again."""
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.end()

    def _with(self, mutable: list[Any], leaves: Sequence[Any]) -> Given:
        fixed = _values(self._fixed, self._others, leaves)
        arrays = [_input(leaves[i]) for i in self._traced.inputs]
        return mutable, fixed, arrays, self._scalars.read(mutable, fixed, arrays)

    def keep_in_place(self, leaves: Sequence[Any]) -> None:
        """Tie all state to its device where some is: the results will be, and JAX compiles anew for what changes so."""
        if self._in_place:
            return
        self._in_place = True
        tensors = [r.find(leaves) for r in self._traced.known.references if not isinstance(r, Argument)]
        arrays = [(t, x) for t in tensors if isinstance(x := unwrap(t), jax.Array)]  # not the sparse ones
        places = {x.sharding for _, x in arrays if x.committed}
        if len(places) == 1 and isinstance(place := places.pop(), jax.sharding.SingleDeviceSharding):
            for tensor, array in arrays:
                if not array.committed:  # a copy: another array on the same memory would not know when it is donated
                    tensor._data = jax.device_put(array, place, may_alias=False)


def _input(leaf: Any) -> Any:
    """An argument as an array; NumPy's is copied, since the caller may write to it while the program runs."""
    return unwrap(leaf) if isinstance(leaf, Tensor) else leaf if isinstance(leaf, jax.Array) else np.array(leaf)


def _tensors(references: Sequence[Reference]) -> list[Tensor] | None:
    """The Tensors, where they are the same at each call; that none has become a view is a guard."""
    held = [r.tensor for r in references if isinstance(r, Held) and r.tensor._link is None]
    return held if len(held) == len(references) else None


def _values(references: Sequence[Reference], tensors: Sequence[Tensor] | None, leaves: Sequence[Any]) -> list[Any]:
    return [unwrap(r.find(leaves)) for r in references] if tensors is None else [t._data for t in tensors]
