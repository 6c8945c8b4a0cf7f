"""Selective checkpointing: which inner values of a checkpointed function are kept after all."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fxtorch.overrides import TorchFunctionMode
from fxtorch.tensor import Tensor, unwrap

Saved = dict[tuple[Any, int], list[Any]]


class CheckpointPolicy(enum.Enum):
    """What becomes of an operator's result: kept for the backward, or computed again.

    The ``CPU_OFFLOAD`` policies keep it where it is: XLA places memory.
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_RECOMPUTED = (CheckpointPolicy.MUST_RECOMPUTE, CheckpointPolicy.PREFER_RECOMPUTE)


@dataclass(frozen=True)
class SelectiveCheckpointContext:
    """What a policy is told: whether this is the second run, and what the operator gave."""

    is_recompute: bool
    op_output: Any = None


def _tensors(out: Any) -> list[Tensor]:
    return [t for t in (out if isinstance(out, tuple | list) else (out,)) if isinstance(t, Tensor)]


class _FirstRun(TorchFunctionMode):
    def __init__(self, policy: Callable[..., Any], saved: Saved) -> None:
        self.policy, self.saved, self.count = policy, saved, Counter[Any]()

    def __torch_function__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        chosen = self.policy(SelectiveCheckpointContext(False, out), func, *args, **(kwargs or {}))
        if chosen is True or (isinstance(chosen, CheckpointPolicy) and chosen not in _RECOMPUTED):
            self.saved[(func, self.count[func])] = [unwrap(t) for t in _tensors(out)]
        self.count[func] += 1
        return out


class _SecondRun(TorchFunctionMode):
    def __init__(self, saved: Saved) -> None:
        self.saved, self.count = saved, Counter[Any]()

    def __enter__(self) -> TorchFunctionMode:
        self.count.clear()
        return super().__enter__()

    def __torch_function__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        kept = self.saved.get((func, self.count[func]))
        self.count[func] += 1
        if kept is not None:  # the new value is not used: a compiled step does not compute it
            for t, array in zip(_tensors(out), kept, strict=True):
                t._data = array
        return out


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Callable[..., Any] | list[Any], allow_cache_entry_mutation: bool = False
) -> tuple[Any, Any]:
    """The two contexts of a ``context_fn`` for :func:`checkpoint` that keeps some inner values.

    Inside :data:`fxtorch.jit` what is kept is not computed again; in eager code the second run computes it as well, and
    uses what was kept.

    Args:
        policy_fn_or_list: the functions (``torch.mm``, ``torch.nn.functional.linear``) whose results are kept, or
            ``policy(context, function, *args, **kwargs)`` that returns a :class:`CheckpointPolicy` (or a bool).
        allow_cache_entry_mutation: accepted; arrays never change.

    Raises:
        ValueError: an entry of the list is no function.

    >>> import functools
    >>> import fxtorch as torch
    >>> from fxtorch.utils.checkpoint import checkpoint
    >>> keep = functools.partial(create_selective_checkpoint_contexts, [torch.mm])
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> checkpoint(lambda x: torch.mm(x, x).sin().sum(), x, context_fn=keep).backward()
    >>> x.grad.shape
    torch.Size([2, 2])
    """
    policy: Any = policy_fn_or_list
    if isinstance(policy_fn_or_list, list):
        listed = list(policy_fn_or_list)
        if not all(map(callable, listed)):
            raise ValueError(f"Expected functions in the list of what is kept, but got {listed}")
        policy = lambda context, func, *args, **kwargs: func in listed  # noqa: E731
    saved: Saved = {}
    return _FirstRun(policy, saved), _SecondRun(saved)
