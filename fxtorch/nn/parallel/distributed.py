"""A Module whose copies in several processes keep the same parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fxtorch.nn._collectives import collectives
from fxtorch.nn._torch import torch
from fxtorch.nn.modules.module import Module
from fxtorch.tensor import Tensor, modes
from fxtorch.tensor.construction import tensor
from fxtorch.tensor.engine import reachable

UNFINISHED = (
    "Expected to have finished reduction in the prior iteration before starting a new one: parameters {} got no "
    "gradient in the last backward. Pass find_unused_parameters=True if the loss does not depend on all of them"
)


class DistributedDataParallel(Module):
    """``module``, one copy a process: gradients are averaged over all processes at the end of each backward.

    Each process sees its own part of every batch (``DistributedSampler``); with parts of one size and a loss that is a
    mean, all copies stay equal to what one process would have learned from the whole batch.

    Parameters and buffers start as the first process's.  The step runs eagerly; wrap a compiled Module
    (``DistributedDataParallel(fxtorch.compile(module))``) to compile forward and backward, or compile the whole step
    over all processes with ``fxtorch.distributed.parallel``.

    Args:
        module: the model.
        device_ids, output_device: accepted; a process computes on its default device.
        dim: accepted.
        broadcast_buffers: give every process the first one's buffers before each forward in training mode.
        init_sync: check that the parameters are alike, and start from the first process's.
        process_group: the processes; all of them if not given.
        bucket_cap_mb, check_reduction, gradient_as_bucket_view, static_graph: accepted; all gradients of one type
            travel in one message.
        find_unused_parameters: look, after each forward, which parameters the result depends on.

    Raises:
        ValueError: ``init_process_group`` has not run.
        RuntimeError: no parameter requires a gradient, or the models of the processes differ.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.process_group = process_group
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.require_backward_grad_sync = True
        self._learned = {n: p for n, p in module.named_parameters() if p.requires_grad}
        if not self._learned:
            raise RuntimeError("DistributedDataParallel is not needed when a module doesn't have any parameter that "
                               "requires a gradient.")  # fmt: skip
        self._waiting: set[int] | None = None  # the parameters whose gradient is still to come, by id
        self._used: set[int] = set()
        if self._world() > 1 and init_sync:
            shapes = ", ".join(f"{n} {tuple(p.shape)} {p.dtype}" for n, p in module.named_parameters())
            if not collectives().alike(shapes, process_group):
                raise RuntimeError("DistributedDataParallel: the parameters of the processes differ in name or shape")
            collectives().from_first([*module.parameters(), *module.buffers()], process_group)
        for p in self._learned.values():
            p.register_post_accumulate_grad_hook(self._arrived)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run the module; a backward from the result averages the gradients."""
        synchronise = modes.grad and self.require_backward_grad_sync and self._world() > 1
        if synchronise and self._waiting:
            missing = [n for n, p in self._learned.items() if id(p) in self._waiting]
            raise RuntimeError(UNFINISHED.format(", ".join(missing)))
        buffers = [b for b in self.module.buffers() if self.broadcast_buffers]
        if synchronise and self.training and buffers:
            collectives().from_first(buffers, self.process_group)
        out = self.module(*inputs, **kwargs)
        every = {id(p) for p in self._learned.values()}
        self._used = every & _leaves_behind(out) if synchronise and self.find_unused_parameters else every
        self._waiting = set(self._used) if synchronise else None
        return out

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside, gradients accumulate in each process; the first backward outside averages the sums."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def _arrived(self, parameter: Tensor) -> None:
        if self._waiting is None:
            return
        self._waiting.discard(id(parameter))
        if not self._waiting:
            self._waiting = None
            self._average()

    def _average(self) -> None:
        """Average the gradients; of a parameter that this process did not use it contributes zeros."""
        learned = list(self._learned.values())
        grads = [p.grad for p in learned]
        if not self.find_unused_parameters:
            collectives().average([g for g in grads if g is not None], self.process_group)
            return
        mine = [torch.zeros_like(p) if g is None else g for p, g in zip(learned, grads, strict=True)]
        used = tensor([float(id(p) in self._used) for p in learned])
        collectives().average([used, *(g.detach() for g in mine)], self.process_group)
        for p, g, anywhere in zip(learned, mine, used.tolist(), strict=True):
            if anywhere:
                p.grad = g

    def _world(self) -> int:
        return collectives().size(self.process_group)


def _leaves_behind(out: Any) -> set[int]:
    """The ids of the leaves that the Tensors in ``out`` depend on."""
    tensors: list[Tensor] = []
    _collect(out, tensors.append)
    nodes = reachable([t.grad_fn for t in tensors if t.grad_fn is not None])
    return {id(e) for n in nodes for e in n.edges if isinstance(e, Tensor)} | {id(t) for t in tensors if t.is_leaf}


def _collect(x: Any, add: Callable[[Tensor], None]) -> None:
    if isinstance(x, Tensor):
        add(x)
    elif isinstance(x, dict | list | tuple):
        for item in x.values() if isinstance(x, dict) else x:
            _collect(item, add)
    elif hasattr(x, "__dict__"):
        _collect(vars(x), add)
