"""The sides that are compared: how each prepares a case, and how each waits until its work is done."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import layers, many
from benchmarks.operators import LARGE, PASSES, SMALL
from benchmarks.plain import PLAIN
from benchmarks.scaling import SWEEPS
from benchmarks.systems import SYSTEMS, Case

FOLDED = 8  # steps of a system inside of one program


@dataclass(frozen=True)
class Engine:
    """One side.

    Attributes:
        library: the module that the cases are written for.
        compile: what makes one program of a step; the identity for an eager engine.
        wait: returns when all that it is given has been computed.
    """

    library: str
    compile: Callable[[Any, Callable[..., Any]], Callable[..., Any]]
    wait: Callable[[Any], Any]


def _blocked(values: Any) -> None:
    """Wait for all but Tensors whose values stay with a compiled step: ready with its result, and taken out if read."""
    jax = importlib.import_module("jax")
    leaves = jax.tree.leaves(values, is_leaf=lambda x: hasattr(x, "_resident"))
    jax.block_until_ready([x for x in leaves if getattr(x, "_resident", None) is None or "_data" in vars(x)])


def _nothing(values: Any) -> None:
    """PyTorch on the CPU has finished when it returns."""


ENGINES: dict[str, Engine] = {
    "fxtorch eager": Engine("fxtorch", lambda lib, step: step, _blocked),
    "fxtorch jit": Engine("fxtorch", lambda lib, step: lib.jit(step), _blocked),
    "fxtorch fold": Engine("fxtorch", lambda lib, step: lib.fold(step), _blocked),
    "PyTorch eager": Engine("torch", lambda lib, step: step, _nothing),
    "torch.compile": Engine("torch", lambda lib, step: lib.compile(step), _nothing),
    "plain JAX": Engine("jax", lambda lib, step: step, _blocked),
}


def prepare(engine: str, group: str, name: str, size: int | str) -> Case:
    """Build a case: a step of a system at a batch ``size``, or the pass ``size`` of an operator.

    Args:
        engine: a key of :data:`ENGINES`.
        group: ``systems``, ``scaling``, ``layers``, ``operators`` or ``many``.
        name: of the system, the layer or the operator.
        size: the batch, or the pass.
    """
    side = ENGINES[engine]
    if group == "systems" and engine == "plain JAX":
        return PLAIN[name](int(size))
    library = importlib.import_module(side.library)
    if side.library == "torch":
        # as XLA always does: on Intel's processors a fading gradient takes 16 times as long
        library.set_flush_denormal(True)
    if group == "operators":
        both, floor = PASSES[str(size)]
        return (floor if engine == "plain JAX" else both)(library, (SMALL | LARGE)[name])
    if group == "many":
        return many.prepare(library, name, side.compile, engine == "fxtorch fold")
    if group == "scaling":
        library.manual_seed(0)
        case = SWEEPS[name][2](library, int(size))
        return Case(side.compile(library, case.call), case.args, case.state)
    if group == "layers":
        return layers.prepare(library, name, str(size), side.compile)
    library.manual_seed(0)
    case = SYSTEMS[name][0](library, int(size))
    compiled = side.compile(library, case.call)
    if engine != "fxtorch fold":
        return Case(compiled, case.args, case.state)
    return Case(compiled, tuple(library.stack([x] * FOLDED) for x in case.args), case.state, FOLDED)
