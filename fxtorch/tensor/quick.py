"""The short way to an operator: one or two plain Tensors, or one and a number, everything else left at its default.

Most small calls of a program are of this kind, and what they cost beside the compiled program is Python.  The short way
asks only whether it may be taken; whatever is out of the ordinary, errors too, is left to :class:`Operator`.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter
from typing import Any

from jax._src.array import ArrayImpl

from fxtorch.ops.bounds import OF_OPTIONS
from fxtorch.tensor.execute import recorded, wrapped
from fxtorch.tensor.modes import modes
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.overriding import ORDINARY

_KINDS = ("array", "either", "tensor")


def quick(operator: Operator) -> Callable[..., Any] | None:
    """A function of the operator's one or two Tensors alone; None for an operator that takes others or looks at values.

    >>> from fxtorch.tensor.dispatch import operator
    >>> import fxtorch as torch
    >>> quick(operator("mul"))(torch.tensor(2.0), torch.tensor(3.0))
    tensor(6.)
    """
    if operator.link is not None:  # views hear of their arguments
        return None
    required = [kind for _, default, kind, _ in operator.params if default is Parameter.empty]
    checked = operator.check is not None and operator.op.name not in OF_OPTIONS
    looks = checked or operator.check_result is not None or operator.dynamic
    if looks or not all(kind in _KINDS for kind in required) or any(p.kind == "key" for p in operator.op.params):
        return None
    defaults = tuple(default for _, default, _, _ in operator.params[len(required) :])
    return {1: _of_one, 2: _of_two}.get(len(required), _none)(operator, defaults)


def _none(operator: Operator, defaults: tuple[Any, ...]) -> None:
    return None


def _plain() -> bool:
    """Whether no mode of this thread wants to hear of calls, or to change them."""
    return (
        modes.capture is None
        and modes.autocast is None
        and modes.watch is None
        and modes.forward is None
        and not modes.anomaly
        and not modes.function_modes
    )


def _of_one(operator: Operator, defaults: tuple[Any, ...]) -> Callable[[Any], Any]:
    differentiable = operator.differentiable

    def run(a: Any) -> Any:
        usual = operator.usual
        if usual is not None and a.__class__ in ORDINARY:
            x = a._data
            if x.__class__ is ArrayImpl and (a._link is None or a._link.seen == a._cell[0]) and _plain():
                try:
                    if a._rg and differentiable and modes.grad:
                        out, saved = usual.taped(1).outermost(x)
                        return recorded(usual, (a,), (x,), out, saved)
                    return wrapped(usual.plain.outermost(x))
                except (TypeError, ValueError):  # said, in torch's words, by the long way
                    pass
        return operator(a, *defaults)

    return run


def _of_two(operator: Operator, defaults: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    differentiable = operator.differentiable
    numbers = {"array": (float, int), "either": (float,)}.get(operator.params[1][2], ())  # inputs of the program

    def run(a: Any, b: Any) -> Any:
        usual = operator.usual
        number = b.__class__ in numbers
        if usual is not None and a.__class__ in ORDINARY and (number or b.__class__ in ORDINARY):
            x, y = a._data, b if number else b._data
            if (
                x.__class__ is ArrayImpl
                and (a._link is None or a._link.seen == a._cell[0])
                and (number or (y.__class__ is ArrayImpl and (b._link is None or b._link.seen == b._cell[0])))
                and _plain()
            ):
                wanted = a._rg if number else a._rg | b._rg << 1
                try:
                    if wanted and differentiable and modes.grad:
                        out, saved = usual.taped(wanted).outermost(x, y)
                        return recorded(usual, (a, b), (x, y), out, saved)
                    return wrapped(usual.plain.outermost(x, y))
                except (TypeError, ValueError):  # said, in torch's words, by the long way
                    pass
        return operator(a, b, *defaults)

    return run
