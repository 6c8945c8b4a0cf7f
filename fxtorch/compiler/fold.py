"""fxtorch.fold: many steps of a training loop in one XLA program."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.compiler import errors, nesting
from fxtorch.compiler.ensemble import Ensemble
from fxtorch.compiler.function import CompiledFunction, _lock, modes_now
from fxtorch.compiler.guards import signature
from fxtorch.compiler.hung import hung_on
from fxtorch.compiler.rollout import Rollout
from fxtorch.tensor import Tensor, dispatch, modes, unwrap, wrap

_torch = dispatch.namespace("torch")
_MOST = 16  # programs kept for the same arguments
_WARM_UPS = 2  # steps run on their own before the state must have taken its lasting form


def fold(step: Any = None, *, length: int | None = None, unroll: int | None = None) -> Any:
    """``step`` for many batches at once: the loop over them is inside of one XLA program.

    A small model's step takes less time than calling it.  ``fold(step)`` runs the loop where the data is: parameters,
    gradients, optimizer state, batch norm statistics and random generators go round in the program and are as if
    ``step`` had been called batch by batch; so is a learning rate that a scheduler stepped inside of ``step`` changes.

    >>> import fxtorch as torch
    >>> x, y = torch.randn(20, 8, 3), torch.randn(20, 8, 1)  # 20 batches of 8
    >>> model = torch.nn.Linear(3, 1)
    >>> opt = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> def step(x, y):
    ...     opt.zero_grad()
    ...     loss = ((model(x) - y) ** 2).mean()
    ...     loss.backward()
    ...     opt.step()
    ...     return loss
    >>> torch.fold(step)(x, y).shape
    torch.Size([20])

    A data set that stays on the device is indexed inside: ``fold(lambda i: step(data[i], target[i]))(order)``, where
    ``order`` holds a row of indices for each step.

    Args:
        step: a function, an :func:`ensemble`; leave it out to use ``@fold(...)``.
        length: how many steps to run of a function without Tensor arguments.
        unroll: how many steps the program's loop holds at a time: 4 of a single model, 1 of an ensemble if not given;
            more run faster where a step is small, and compile slower.

    The result takes ``step``'s arguments, each Tensor with one more dimension in front, the steps; or one list (or
    loader) of batches, each a tuple of arguments, which is put together on the host, runs of equal shapes in one
    program.  It returns what ``step`` returns, with Tensors stacked along a first dimension.

    Raises:
        ValueError: the arguments have no common first dimension.
        NotCompilable: the step needs a Tensor's value in Python, or leaves other state than it finds at every step.
    """
    if step is None:
        return functools.partial(fold, length=length, unroll=unroll)
    return Fold(step, length, unroll)


class Fold:
    """What :func:`fold` returns.

    Attributes:
        programs: those compiled so far, by the shapes and values of the arguments.
    """

    def __init__(self, step: Any, length: int | None, unroll: int | None) -> None:
        if not callable(step):
            raise TypeError(f"fold needs a function, not {type(step).__name__}")
        self.step = step.fn if isinstance(step, CompiledFunction) else step
        self.length = length
        self.unroll = unroll or (1 if isinstance(step, Ensemble) else 4)
        self.name = getattr(self.step, "__name__", type(step).__name__)
        self.programs: dict[Any, list[Rollout]] = {}
        self._once = step if isinstance(step, Ensemble) else CompiledFunction(self.step, fullgraph=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run all steps; the results, stacked."""
        if len(args) == 1 and not kwargs and _is_loader(args[0]):
            return self._over(args[0])
        leaves, tree = nesting.flatten((args, kwargs))
        steps = self._count(leaves)
        if modes.capture is not None or modes.on_draw is not None:
            return _stacked([self._plain(leaves, tree, i) for i in range(steps)])
        with _lock:
            return self._run(leaves, tree, steps)

    def _over(self, batches: Iterable[Any]) -> Any:
        """Run batches from a list, runs of equal shapes together."""
        results = []
        for (*_, hung), group in itertools.groupby(batches, key=_shapes):
            rows = [b if isinstance(b, tuple | list) else (b,) for b in group]
            if hung:  # on Tensors of these batches, which would be lost
                results.append(_stacked([self._once(*row) for row in rows]))
            else:
                results.append(self(*nesting.each(_stack_on_host, *rows)))
        if not results:
            raise ValueError("fold needs at least one batch")
        return results[0] if len(results) == 1 else nesting.each(_joined, *results)

    def _count(self, leaves: Sequence[Any]) -> int:
        arrays = [x for x in leaves if _is_array(x)]
        if any(x.ndim == 0 for x in arrays):
            raise ValueError("fold: every Tensor needs a first dimension, the steps; one has no dimensions")
        sizes = {x.shape[0] for x in arrays} | ({self.length} if self.length is not None else set())
        if not sizes:
            raise ValueError("fold: without Tensor arguments it needs length=, the number of steps")
        if len(sizes) > 1:
            raise ValueError(f"fold: the first dimensions differ, and so the number of steps: {sorted(sizes)}")
        if modes.grad and any(isinstance(x, Tensor) and x.requires_grad for x in leaves):
            raise RuntimeError("fold does not carry gradients to its arguments; detach() them")
        count = sizes.pop()
        if count < 1:
            raise ValueError("fold needs at least one batch")
        return count

    def _run(self, leaves: list[Any], tree: Any, steps: int) -> Any:
        key = (tree, modes_now(), signature(leaves), steps)
        done: list[Any] = []
        while True:
            for program in self.programs.get(key, ()):
                if program.holds(leaves):
                    try:
                        done.append(program(leaves))
                    except errors.StateChanged:
                        self.programs[key].remove(program)
                        break
                    return _together(done)
            else:
                program = self._trace(leaves, tree, steps, last=len(done) == _WARM_UPS)
                if program is not None:
                    done.append(program.first(leaves))
                    known = self.programs.setdefault(key, [])
                    known.insert(0, program)
                    del known[_MOST:]
                    return _together(done)
                done.append(self._plain(leaves, tree, 0, once=True))
                if steps == 1:
                    return _together([_stacked(done)])
                leaves, steps = [x[1:] if _is_array(x) else x for x in leaves], steps - 1
                done[-1] = _stacked([done[-1]])
                key = (tree, modes_now(), signature(leaves), steps)

    def _trace(self, leaves: Sequence[Any], tree: Any, steps: int, *, last: bool) -> Rollout | None:
        """A program for all steps, or None where the first must be run on its own: it leaves other state than it finds.

        Raises:
            NotCompilable: that would never end.
        """
        row = _row(leaves, 0)
        ensemble = isinstance(self.step, Ensemble)
        members = self.step.transitions(row, tree) if ensemble else Ensemble([self.step]).transitions(row, tree)
        if obstacles := members[0].obstacles(row):
            if last:
                raise errors.NotCompilable(
                    f"{self.name} cannot be folded, because each step leaves Python state that the next one would have "
                    f"to be compiled for: {'; '.join(obstacles[:5])}. Keep what changes in Tensors"
                )
            return None
        dims = self.step.dims_of(row, tree) if ensemble else [None] * len(members[0].traced.inputs)
        return Rollout(members, steps, dims, self.unroll, ensemble, getattr(self.step, "to_mesh", None))

    def _plain(self, leaves: Sequence[Any], tree: Any, i: int, *, once: bool = False) -> Any:
        args, kwargs = jax.tree.unflatten(tree, _row(leaves, i))
        return (self._once if once else self.step)(*args, **kwargs)


def _is_array(x: Any) -> bool:
    return isinstance(x, Tensor | jax.Array | np.ndarray)


def _is_loader(x: Any) -> bool:
    return isinstance(x, Iterable) and not isinstance(x, Tensor | jax.Array | np.ndarray | tuple | dict | str)


def _row(leaves: Sequence[Any], i: int) -> list[Any]:
    """The arguments of one step, Tensors of their own."""
    return [
        wrap(unwrap(x)[i]) if isinstance(x, Tensor) and modes.capture is None else x[i] if _is_array(x) else x
        for x in leaves
    ]


def _shapes(batch: Any) -> Any:
    leaves, tree = nesting.flatten(batch)
    hung = any(isinstance(x, Tensor) and hung_on(x) for x in leaves)
    return tree, [(tuple(x.shape), x.dtype) if _is_array(x) else x for x in leaves], hung


def _stack_on_host(*values: Any) -> Any:
    if not _is_array(values[0]):
        return values[0]
    return wrap(jnp.asarray(np.stack([np.asarray(unwrap(v)) if isinstance(v, Tensor) else v for v in values])))


def _stacked(results: Sequence[Any]) -> Any:
    """The results of single steps, as of a program of them."""

    def stack(*values: Any) -> Any:
        if isinstance(values[0], Tensor):
            return values[0] if values[0].is_leaf and values[0].requires_grad else _torch["stack"](list(values))
        return jnp.stack(values) if isinstance(values[0], jax.Array) else values[0]

    return nesting.each(stack, *results)


def _together(results: Sequence[Any]) -> Any:
    return results[0] if len(results) == 1 else nesting.each(_joined, *results)


def _joined(*values: Any) -> Any:
    if isinstance(values[0], Tensor):
        if any(v is values[0] for v in values[1:]):
            return values[0]
        return _torch["cat"](list(values))
    return jnp.concatenate(values) if isinstance(values[0], jax.Array) else values[0]
