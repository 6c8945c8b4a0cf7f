"""Blocks that are alike, one after the other: in a compiled function one block in a loop, which compiles once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
from jax.core import Tracer

from fxtorch.autograd import Function
from fxtorch.func.control_flow import CarryChanged, scan
from fxtorch.func.functional_call import functional_call
from fxtorch.tensor import Tensor, dispatch, modes, unwrap, wrap
from fxtorch.tensor.stacks import Stacks
from fxtorch.tensor.tensor import unwrap_aval

_stack = dispatch.namespace("torch")["stack"]
_FEWEST = 3  # blocks for which a loop is worth its stacking
_TABLES = frozenset({"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"})


def scan_modules(modules: Iterable[Any], x: Any, *args: Any, **kwargs: Any) -> Any:
    """``for module in modules: x = module(x, *args, **kwargs)``, as a loop of one block in a compiled function.

    The program then holds the block once, so that 24 layers compile in about the time of two.  That takes blocks that
    are alike (classes, options, shapes, flags) and return what they take; others are called one by one.

    >>> import fxtorch as torch
    >>> blocks = torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in range(8))
    >>> torch.jit(lambda x: torch.func.scan_modules(blocks, x))(torch.ones(2, 4)).shape
    torch.Size([2, 4])

    Args:
        modules: the blocks.  What a block assigns to its attributes, buffers apart, is not carried out of the loop.
        x: what goes through them, a Tensor.
        args: passed to each block.
        kwargs: the same, by name.

    Parameters are stacked, which copies them at each call; of a compiled step that also updates them they stay stacked.
    Batch-norm statistics and random draws are as in Python's loop.
    """
    modules = list(modules)
    tracing = modes.capture is not None or (isinstance(x, Tensor) and isinstance(unwrap(x), Tracer))
    if tracing and isinstance(x, Tensor) and len(modules) >= _FEWEST and _alike(modules):
        try:
            return _scanned(modules, x, args, kwargs)
        except CarryChanged:  # the first block changes the type: then the others are called with another
            pass
    for module in modules:
        x = module(x, *args, **kwargs)
    return x


def _scanned(modules: list[Any], x: Tensor, args: Any, kwargs: dict[str, Any]) -> Any:
    first = modules[0]
    for module in modules:
        _read(module)
    states = [_state(m) for m in modules]
    buffers = {name for name, _ in first.named_buffers()}
    changed: set[str] = set()

    def block(h: Tensor, row: dict[str, Tensor]) -> Any:
        given = {name: t.clone() if name in buffers else t for name, t in row.items()}
        before = {name: (given[name], unwrap(given[name])) for name in buffers}
        out = functional_call(first, given, (h, *args), kwargs)
        for name, (tensor, array) in before.items():
            if given[name] is not tensor or unwrap(given[name]) is not array:
                changed.add(name)
        return out, {name: given[name] for name in buffers}

    out, after = scan(block, x, {name: _stacked([s[name] for s in states]) for name in states[0]})
    for name in changed:
        for i, state in enumerate(states):
            state[name].detach().copy_(after[name][i])
    return out


class _Rows(Function):
    """The stack of Tensors that a compiled step may hold as one."""

    @staticmethod
    def forward(ctx: Any, stacks: Stacks, *rows: Tensor) -> Tensor:
        ctx.stacks = stacks
        return wrap(stacks.whole([unwrap(row) for row in rows]))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        rows = grad.unbind(0) if grad.requires_grad else map(wrap, ctx.stacks.rows(unwrap(grad)))
        return None, *rows


def _stacked(rows: list[Tensor]) -> Tensor:
    capture = modes.capture
    for row in rows:
        unwrap(row)  # the trace knows it from now on
    places = {None} if capture is None else set(map(capture.place, rows))
    if capture is None or capture.stacks is None or None in places or len(places) > 1:
        return _stack(rows)
    return _Rows.apply(capture.stacks, *rows)


def _state(module: Any) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _alike(modules: list[Any]) -> bool:
    """Whether the modules differ in the values of their Tensors only, and share none."""
    first, *others = ([(t.requires_grad, unwrap_aval(t)) for t in _state(m).values()] for m in modules)
    if any([(rg, a.shape, a.dtype) for rg, a in o] != [(rg, a.shape, a.dtype) for rg, a in first] for o in others):
        return False
    tensors = [id(t) for m in modules for t in _state(m).values()]
    if len(set(tensors)) != len(tensors):
        return False
    structure = jax.tree.structure(modules[0])
    return all(jax.tree.structure(m) == structure for m in modules[1:])


def _read(module: Any) -> None:
    """Read all that a call may read, so that a compiled function sees a later change of it in any block."""
    for part in module.modules():
        for name in part.__dict__:
            if name not in _TABLES:
                getattr(part, name)
        for table in (part._parameters, part._buffers, part._modules):
            for name in table:
                getattr(part, name)
