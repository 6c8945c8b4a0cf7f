"""torch.autograd.graph: the Nodes of the tape, points in it, and what is done with the values that it saves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from fxtorch.tensor.handles import RemovableHandle
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tape import AccumulateGrad, Node
from fxtorch.tensor.tensor import Tensor, unwrap

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge(NamedTuple):
    """One output of one Node: where a gradient arrives."""

    node: Node | AccumulateGrad
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of ``tensor`` arrives.

    Raises:
        RuntimeError: the Tensor does not require a gradient.
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node = tensor.grad_fn
    return GradientEdge(AccumulateGrad(tensor) if node is None else node, tensor.output_nr)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a change of each Tensor, so that a backward that saved it before raises."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        unwrap(t)  # or the count of a compiled step would be late
        if t._cell is None:
            t._cell = [0, 0]
        t._cell[1] += 1


_disabled: list[str] = []


class saved_tensors_hooks:
    """Within it, values that a recorded call saves for its backward are packed, and unpacked when it needs them.

    >>> import fxtorch as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.numpy(), torch.from_numpy):
    ...     y = (x * 3).exp().sum()
    >>> y.backward()

    The innermost pair is used.  A program compiled by ``fxtorch.jit`` decides by itself what to keep, and takes none.

    Args:
        pack_hook: takes a Tensor and returns anything.
        unpack_hook: takes that, and returns a Tensor of the same values.

    Raises:
        RuntimeError: at entry, within :func:`disable_saved_tensors_hooks`.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook
        self._outer: list[Any] = []

    def __enter__(self) -> Any:
        if _disabled:
            raise RuntimeError(_disabled[-1])
        self._outer.append(modes.saved_hooks)
        modes.saved_hooks = self.pack_hook, self.unpack_hook

    def __exit__(self, *exc: object) -> None:
        modes.saved_hooks = self._outer.pop()


class save_on_cpu(saved_tensors_hooks):
    """Within it, saved values wait for their backward in the memory of the CPU.

    Args:
        pin_memory: accepted; JAX stages transfers on its own.
        device_type: accepted.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """Within it, a value that a backward needs may be changed in place: the backward uses the value from before."""

    def __init__(self) -> None:
        super().__init__(lambda t: t, lambda t: t)

    def __enter__(self) -> allow_mutation_on_saved_tensors:
        super().__enter__()
        return self

    def clear(self) -> None:
        """Nothing: arrays never change, so that no copies are held."""


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within it, entering :class:`saved_tensors_hooks` raises.

    Args:
        error_message: what the error says.
    """
    if modes.saved_hooks is not None:
        raise RuntimeError(error_message)
    _disabled.append(error_message)
    try:
        yield
    finally:
        _disabled.pop()


class _MultiHandle(RemovableHandle):
    """Takes several hooks off at once."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Take them off."""
        for handle in self.handles:
            handle.remove()


def _reached(tensor: Tensor, nodes: Sequence[Node]) -> bool:
    """Whether the backward over ``nodes`` comes to ``tensor``."""
    node = tensor.grad_fn
    return node in nodes if node is not None else any(edge is tensor for n in nodes for edge in n.edges)


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: Literal["all", "any"] = "all"
) -> RemovableHandle:
    """Call ``fn`` once in each backward that computes gradients of ``tensors``.

    >>> import fxtorch as torch
    >>> a, b = torch.ones(2, requires_grad=True)[:, None].unbind()
    >>> handle = register_multi_grad_hook((a, b), lambda grads: print(len(grads)))
    >>> (a * b).sum().backward()
    2

    Args:
        tensors: they require gradients.
        fn: with ``"all"``, takes a list of their gradients, None for one that the backward does not reach, when the
            last is known; with ``"any"``, takes the first gradient that is known.
        mode: ``"all"`` or ``"any"``.

    Raises:
        ValueError: the mode is unknown.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    state: dict[str, Any] = {"walk": None}

    def arrived(index: int, gradient: Tensor) -> None:
        if state["walk"] is not modes.walk:
            state.update(walk=modes.walk, found=[None] * len(tensors), left=-1)
            if mode == "all":
                state["left"] = sum(_reached(t, modes.walk) for t in tensors)
            else:
                fn(gradient)
        state["found"][index] = gradient
        state["left"] -= 1
        if state["left"] == 0:
            found, state["walk"] = state["found"], None
            fn(found)

    return _MultiHandle([t.register_hook(functools.partial(arrived, i)) for i, t in enumerate(tensors)])
