"""fxtorch.ensemble: many models, each with its own optimizer, trained by one XLA program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from fxtorch.compiler import errors, nesting
from fxtorch.compiler.function import CompiledFunction, _lock, modes_now
from fxtorch.compiler.guards import signature
from fxtorch.compiler.rollout import Rollout
from fxtorch.compiler.transition import Transition
from fxtorch.tensor import Tensor, modes


def ensemble(steps: Sequence[Callable[..., Any]], *, in_dims: Any = None) -> Ensemble:
    """The steps of several models that are built alike, as one: all are taken together, in one XLA program.

    Each step has its own model and optimizer; their parameters, gradients, state and numbers (the learning rate, say)
    may differ, what they compute must not.  After a call every model and optimizer is as if its step had been called
    alone.  A random generator that they share gives every member draws of its own.

    >>> import fxtorch as torch
    >>> def member(seed, lr):
    ...     torch.manual_seed(seed)
    ...     model = torch.nn.Linear(3, 1)
    ...     opt = torch.optim.SGD(model.parameters(), lr=lr)
    ...     def step(x, y):
    ...         opt.zero_grad()
    ...         loss = ((model(x) - y) ** 2).mean()
    ...         loss.backward()
    ...         opt.step()
    ...         return loss
    ...     return step
    >>> train = torch.ensemble([member(i, lr) for i, lr in enumerate([0.1, 0.01, 0.001])])
    >>> train(torch.randn(8, 3), torch.randn(8, 1)).shape
    torch.Size([3])

    A call gathers and hands back the state of every member, so that many steps in a program are fastest:
    ``fold(ensemble(steps))(batches)``, whose results have the dimensions (steps, members).

    Args:
        steps: the members' steps, which take the same arguments.
        in_dims: None gives all members the same arguments; a number says in which dimension each Tensor holds one
            slice a member; a tuple says so for each argument.

    Raises:
        ValueError: there is no step.
        NotCompilable: the members compute different things, or cannot be compiled.
    """
    return Ensemble(steps, in_dims=in_dims)


class Ensemble:
    """What :func:`ensemble` returns."""

    def __init__(self, steps: Sequence[Callable[..., Any]], *, in_dims: Any = None) -> None:
        if not steps:
            raise ValueError("an ensemble needs at least one step")
        self.steps = [s.fn if isinstance(s, CompiledFunction) else s for s in steps]
        self.in_dims = in_dims
        self.name = getattr(self.steps[0], "__name__", type(self.steps[0]).__name__)
        self.programs: dict[Any, list[Rollout]] = {}

    def __len__(self) -> int:
        return len(self.steps)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """One step of every member; the results, stacked along a first dimension."""
        if modes.capture is not None or modes.on_draw is not None:
            raise errors.NotCompilable("an ensemble is a program of its own: call it outside of jit and vmap")
        leaves, tree = nesting.flatten((args, kwargs))
        with _lock:
            key = (tree, modes_now(), signature(leaves))
            for program in self.programs.get(key, ()):
                if program.holds(leaves):
                    try:
                        return program(leaves)
                    except errors.StateChanged:
                        self.programs[key].remove(program)
                        break
            program = Rollout(self.transitions(leaves, tree), None, self.dims_of(leaves, tree), 1, True)
            result = program.first(leaves)
            self.programs.setdefault(key, []).insert(0, program)
            return result

    def transitions(self, leaves: Sequence[Any], tree: Any) -> list[Transition]:
        """Every member's step, traced with the arguments of one step."""
        slices = [self._of_member(leaves, tree, i) for i in range(len(self.steps))]
        return [Transition(fn, own, tree, self.name, True) for fn, own in zip(self.steps, slices, strict=True)]

    def dims_of(self, leaves: Sequence[Any], tree: Any) -> list[int | None]:
        """The members' dimension of each array among the arguments."""
        return [d for d, x in zip(self._spread(leaves, tree), leaves, strict=True) if _is_array(x)]

    def _spread(self, leaves: Sequence[Any], tree: Any) -> list[int | None]:
        if self.in_dims is None or isinstance(self.in_dims, int):
            return [self.in_dims] * len(leaves)
        args, kwargs = jax.tree.unflatten(tree, leaves)
        if kwargs or len(self.in_dims) != len(args):
            raise ValueError(f"in_dims={self.in_dims} does not fit {len(args)} arguments and {len(kwargs)} keywords")
        parts = zip(self.in_dims, args, strict=True)
        return [d for d, part in parts for _ in nesting.flatten(part)[0]]

    def _of_member(self, leaves: Sequence[Any], tree: Any, i: int) -> list[Any]:
        out = []
        for d, x in zip(self._spread(leaves, tree), leaves, strict=True):
            if d is not None and _is_array(x) and x.shape[d] != len(self):
                raise ValueError(f"dimension {d} of an argument has {x.shape[d]} slices for {len(self)} members")
            out.append(x if d is None or not _is_array(x) else _slice(x, d, i))
        return out


def _is_array(x: Any) -> bool:
    return isinstance(x, Tensor | jax.Array | np.ndarray)


def _slice(x: Any, dim: int, i: int) -> Any:
    return x.select(dim, i).detach().clone() if isinstance(x, Tensor) else x.take(i, axis=dim)
