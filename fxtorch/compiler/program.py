"""A compiled program: gather the state, run, write back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.compiler import errors
from fxtorch.compiler.guards import Guards
from fxtorch.compiler.references import Argument, Held, Reference
from fxtorch.compiler.trace import Layout, Result, Traced
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.execute import apply
from fxtorch.tensor.record import Record
from fxtorch.tensor.tape import FREED, Node

_HELD_BY_US = 3  # the Tensor, the list of inputs and getrefcount's own argument


class Spent(Node):
    """The ``grad_fn`` of a result whose graph was used up inside of the program."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("compiled", [], [])

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """There is nothing left."""
        raise RuntimeError(FREED)

    pull_tensors = pull


class Program:
    """One traced function, compiled.

    Args:
        traced: the pure function with its state; :meth:`Traced.discover` has run.
        donate: whether buffers that the program overwrites are reused for the result.
        name: what to call it.
    """

    def __init__(self, traced: Traced, *, donate: bool, name: str) -> None:
        assert traced.layout is not None
        self.traced = traced
        self.layout: Layout = traced.layout
        references = traced.known.references
        self.changed = changed = {r.identity for r in self.layout.changed}
        reuse = donate and not self.layout.differentiable
        self.donated = [reuse and r.identity in changed and not isinstance(r, Argument) for r in references]
        donated = self.donated

        def run(mutable: Sequence[Any], fixed: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
            given, kept = iter(mutable), iter(fixed)
            return self._pure([next(given) if d else next(kept) for d in donated], arrays, scalars)

        run.__name__ = run.__qualname__ = name
        self.run = jax.jit(run, donate_argnums=0)
        self.record = Record(self._flat, name, "residuals") if self.layout.differentiable else None
        self.compiled = False

    def _pure(self, state: Sequence[Any], arrays: Sequence[Any], scalars: Sequence[Any]) -> tuple[Any, ...]:
        outputs = self.traced.pure(state, arrays, scalars)
        assert self.traced.layout is not None
        self.layout = self.traced.layout
        if self.traced.found_new or {r.identity for r in self.layout.changed} != self.changed:
            raise errors.Unsettled
        return outputs

    def _flat(self, *leaves: Any) -> Any:
        n = len(self.traced.known.references)
        m = n + len(self.traced.inputs)
        return self._pure(leaves[:n], leaves[n:m], jax.tree.unflatten(self._scalar_tree, leaves[m:]))

    def __call__(self, leaves: Sequence[Any], *, repeated: bool = False) -> Any:
        """Run on the flattened arguments.

        Args:
            leaves: the arguments.
            repeated: this call was tried before, so that its host effects before the program have happened.

        Raises:
            StateChanged: the state has shapes or types that the program was not compiled for.
        """
        if not repeated:
            self._run_effects(late=False)
        outputs = self._run_compiled(leaves) if self.record is None else self._run_recorded(leaves)
        result = self._write_back(outputs, leaves)
        self._run_effects(late=True)
        return result

    def _run_effects(self, *, late: bool) -> None:
        for effect, is_late in self.layout.effects:
            if is_late == late:
                effect()

    def _run_compiled(self, leaves: Sequence[Any]) -> Sequence[Any]:
        mutable: list[Any] = []
        fixed: list[Any] = []
        for reference, donated in zip(self.traced.known.references, self.donated, strict=True):
            tensor = reference.tensor if isinstance(reference, Held) else reference.find(leaves)
            (mutable if donated else fixed).append(tensor._data if tensor._link is None else unwrap(tensor))
        holders = list(map(sys.getrefcount, mutable))
        if mutable and max(holders) > _HELD_BY_US:  # somebody else still wants the old values
            mutable = [jnp.copy(x) if n > _HELD_BY_US else x for x, n in zip(mutable, holders, strict=True)]
        arrays = [_input(leaves[i]) for i in self.traced.inputs]
        scalars = [s.owner[s.key] for s in self.traced.known.scalars]
        self.traced.open = not self.compiled
        try:
            return self.run(mutable, fixed, arrays, scalars)
        finally:
            self.compiled = True

    def _run_recorded(self, leaves: Sequence[Any]) -> Sequence[Any]:
        """Run as one operator on the tape: its forward and its backward are two compiled programs."""
        assert self.record is not None
        scalars, self._scalar_tree = jax.tree.flatten([s.read() for s in self.traced.known.scalars])
        tensors = [r.find(leaves) for r in self.traced.known.references]
        tensors += [leaves[i] for i in self.traced.inputs]
        out = apply(self.record, [*tensors, *scalars])
        return out if isinstance(out, tuple) else (out,)

    def _write_back(self, outputs: Sequence[Any], leaves: Sequence[Any]) -> Any:
        layout = self.layout
        results = [self._result(r, outputs) for r in layout.results]
        values = [self._result(r, outputs) for _, _, r in layout.entries]
        at = sum(r.kind in ("new", "array") for r in (*layout.results, *(r for _, _, r in layout.entries)))
        for reference in layout.changed:
            tensor = reference.tensor if isinstance(reference, Held) else reference.find(leaves)
            cell = tensor._cell
            if tensor._link is not None or cell is None:
                tensor._rebind(_array(outputs[at]))
            else:  # what _rebind comes to for a base, without its questions
                tensor._data = _array(outputs[at])
                cell[0] += 1
                cell[1] += 1
            at += 1
        for owner, present in layout.grads:
            tensor = owner.find(leaves)
            if present:
                tensor._grad = wrap(_array(outputs[at]))
                at += 1
            else:
                tensor.__dict__.pop("_grad", None)
        for (table, key, r), value in zip(layout.entries, values, strict=True):
            table[key] = r.value.find(leaves) if r.kind == "state" else value
        final = [
            r.value.find(leaves) if r.kind == "state" else value
            for r, value in zip(layout.results, results, strict=True)
        ]
        return jax.tree.unflatten(layout.tree, final)

    def _result(self, result: Result, outputs: Sequence[Any]) -> Any:
        if result.kind == "constant":
            return result.value
        if result.kind == "state":
            return None
        out = outputs[result.value]
        if result.kind == "array":
            return _array(out)
        if isinstance(out, Tensor):
            return out
        tensor = wrap(out)
        if result.requires_grad:
            tensor._rg, tensor._node = True, Spent()
        return tensor

    @property
    def guards(self) -> Guards:
        """What the program takes for granted."""
        return self.layout.guards

    def describe(self) -> dict[str, list[Reference]]:
        """The state it reads and the state it changes."""
        return {"reads": list(self.traced.known.references), "changes": list(self.layout.changed)}


def _input(leaf: Any) -> Any:
    """An argument as an array; NumPy's is copied, since the caller may write to it while the program runs."""
    return unwrap(leaf) if isinstance(leaf, Tensor) else leaf if isinstance(leaf, jax.Array) else np.array(leaf)


def _array(out: Any) -> Any:
    return out._data if isinstance(out, Tensor) else out
